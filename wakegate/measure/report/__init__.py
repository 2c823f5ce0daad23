"""Report: results.json as one page that people read, print and cite.

Owns pictures and sentences, no number: each is read from the document, or counted from its curves. One file without
scripts, fonts or anything from elsewhere; the same document gives the same bytes. Read ``page`` (what stands in which
order), ``words`` (its sentences), then the pictures ``det``, ``rates``, ``histogram`` and ``timeline``, drawn with
``axes`` and ``marks``. ``python -m wakegate.measure.report results.json`` makes it again.
"""

from .page import page

__all__ = ["page"]
