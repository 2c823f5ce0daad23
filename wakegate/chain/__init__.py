"""A durable, append-only, hash-chained JSON Lines file: the ledger and the journal are two of them.

``record`` is one line, ``file`` the system calls, ``scan`` the verifying, ``chain`` the order in which they happen.
"""

from .chain import Chain
from .record import GENESIS, MAX_LINE, Record

__all__ = ["GENESIS", "MAX_LINE", "Chain", "Record"]
