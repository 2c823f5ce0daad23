"""What revoke does when the ledger cannot be written: put it out of use.

Owns the steps from the gentlest to the roughest; none needs room on the disk. Whatever works makes every later look at
the ledger, by any process, a denial of every purpose.
"""

import os

from ..chain import Chain
from ..errors import ChainError


def put_out_of_use(chain: Chain) -> str:
    """Make the ledger unusable and say in words what was reached."""
    for way in (chain.set_aside, chain.path.unlink, lambda: os.truncate(chain.path, 0)):
        try:
            way()
        except (OSError, ChainError):
            continue
        return "the ledger was put out of use, so that every purpose is refused until a fresh grant"
    if not os.path.lexists(chain.path):
        return "there is no ledger any more, so every purpose is refused"
    return f"other programs may still read the old grant: stop them, or remove {chain.path} yourself"
