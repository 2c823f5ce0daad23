"""Consent, the answer to one question: may it leave, for this purpose, now.

Read in this order: ``purposes`` (the rules), ``grant`` (the answers), ``entries`` (what the ledger holds), ``state``
(the pure reducer that decides), ``ledger`` (the file, the locks and revoking), then ``notice``, ``receipt``, ``clock``.
"""
