"""Services: wakegate for programs that speak a protocol. None of them can grant consent, nor release by itself."""
