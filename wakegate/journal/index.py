"""What a running journal remembers of its lines, so that a question at a wake word costs no reading.

Owns: which wakes can be labelled and what is thought of them, the ledger's head, the releases of the last day, and the
totals carried over from dropped segments. Rebuilt from the file at every opening; the file is what counts.
"""

from .clips import Clips
from .lines import Entry
from .tally import mark_of, outranking


class Index:
    """The journal so far, fed one entry after the other.

    Attributes
    ----------
    seq : int
        Number of the last entry taken up.
    wakes : dict of str to int
        Event id of every wake still on record, and its line.
    marks : dict of str to str
        What is thought of a wake: "true", "false" or "suspected".
    ledger : tuple of (int, str) or None
        Number and hash of the ledger's newest entry.
    clips : Clips
    carried : Entry or None
        The totals of everything up to the line ``through``.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.wakes: dict[str, int] = {}
        self.marks: dict[str, str] = {}
        self.ledger: tuple[int, str] | None = None
        self.clips = Clips()
        self.carried: Entry | None = None

    @property
    def through(self) -> int:
        """Number of the last line that the carried totals cover."""
        return self.carried.number("through") if self.carried else 0

    def add(self, entry: Entry) -> None:
        """Take up one entry; one that was taken up before changes nothing."""
        if entry.seq <= self.seq:
            return
        self.seq = entry.seq
        wake = entry.text("id")
        if entry.kind == "wake":
            self.wakes[wake] = entry.seq
        elif entry.kind in ("label", "suspected") and wake in self.wakes:
            self.marks[wake] = outranking(self.marks.get(wake, ""), mark_of(entry))
        elif entry.kind == "ledger":
            self.ledger = entry.number("entry"), entry.text("entry_hash")
        elif entry.kind == "carried":
            self.carried = entry
            self.wakes = {wake: seq for wake, seq in self.wakes.items() if seq > self.through}
            self.marks = {wake: mark for wake, mark in self.marks.items() if wake in self.wakes}
        self.clips.add(entry)
