"""What happened, on record: numbers and words, never audio.

``lines`` is what one line may say, ``store`` the files, ``journal`` when a line is written, ``read`` how it is trusted
again, ``report`` and ``export`` what it adds up to, ``exported`` and ``merge`` what many devices' exports do.
"""

from .export import Format, export
from .journal import Journal
from .lines import Entry
from .mend import mend
from .read import Verification, follow, read, verify
from .report import PurposeCounts, Report, WordRates, report

__all__ = [
    "Entry",
    "Format",
    "Journal",
    "PurposeCounts",
    "Report",
    "Verification",
    "WordRates",
    "export",
    "follow",
    "mend",
    "read",
    "report",
    "verify",
]
