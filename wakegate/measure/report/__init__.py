"""Report: results.json as one page that people read, print and cite.

Owns pictures and sentences, no number: each is read from the document, or counted from its curves. One file without
scripts, fonts or anything from elsewhere; the same document gives the same bytes. Read ``page`` (what stands in which
order), ``words`` (its sentences), ``view`` (what may stand in one picture), then the pictures ``det``, ``rates``,
``histogram`` and ``timeline``, drawn with ``axes`` and ``marks``; ``standalone`` puts the first two into a file of
their own. ``python -m wakegate.measure.report results.json`` makes both again.
"""

from .page import page
from .standalone import standalone

__all__ = ["page", "standalone"]
