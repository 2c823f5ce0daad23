"""Running totals over the journal's lines: what the report shows, and what stays of lines that rotation dropped.

Owns the counting. A total can be written into one line ("carried") and taken up again, so that a rate keeps its hours
when the lines behind it are gone. Never reads a file or a clock.
"""

import json
from collections import Counter
from collections.abc import Mapping

from ..events import Verdict
from .lines import Entry

MODEL_DIGITS = 12
ROOM = 2400
"""Bytes of a carried line for its rows of words: some 40. The least heard ones beyond are added up as "others"."""

_WORD = ("samples", "wakes", "true", "false", "suspected", "near")
_PURPOSE = ("opened", "released", "aborted", "samples")


class Tally:
    """Totals of the entries added so far, oldest first.

    Attributes
    ----------
    words : dict of (word, model) to Counter
        Counters samples, wakes, true, false, suspected (unlabelled only), near.
    purposes : dict of purpose to Counter
        Counters opened, released, aborted, samples.
    refusals : Counter of reason
    gaps : int
    model : str
        The one that listened last.
    since, until : float or None
        Wall time of the first and the last entry.
    """

    def __init__(self) -> None:
        self.words: dict[tuple[str, str], Counter[str]] = {}
        self.purposes: dict[str, Counter[str]] = {}
        self.refusals: Counter[str] = Counter()
        self.gaps = 0
        self.since: float | None = None
        self.until: float | None = None
        self.model = ""
        # Which column each wake counts in now, so that a later label can move it.
        self._wakes: dict[str, tuple[Counter[str], str]] = {}

    def add(self, entry: Entry) -> None:
        """Count one entry. A carried line stands for everything before it."""
        self.since = entry.wall if self.since is None else self.since
        self.until = entry.wall
        match entry.kind:
            case "carried":
                self._take_up(entry.values)
            case "started":
                self.model = entry.text("model_sha256")[:MODEL_DIGITS]
            case "exposure":
                self.model = entry.text("model_sha256")[:MODEL_DIGITS]
                for word in entry.words():
                    self._word(word)["samples"] += entry.number("samples")
            case "wake":
                row = self._word(entry.text("word"))
                row["wakes"] += 1
                self._wakes[entry.text("id")] = row, ""
            case "near_miss":
                self._word(entry.text("word"))["near"] += 1
            case "gap":
                self.gaps += 1
            case "coalesced" if entry.text("of") == "near_miss":
                self._word(entry.text("what"))["near"] += entry.number("count")
            case "coalesced" if entry.text("of") == "gap":
                self.gaps += entry.number("count")
            case "label" | "suspected":
                self.judge(entry.text("id"), mark_of(entry))
            case "refused":
                self.refusals[entry.text("reason")] += 1
            case "opened" | "released" | "aborted":
                self._release(entry)

    def judge(self, wake: str, mark: str) -> None:
        """Count what is thought of a wake counted before ("true", "false", "suspected"); of any other wake, nothing."""
        if wake in self._wakes:
            row, before = self._wakes[wake]
            mark = outranking(before, mark)
            if before:
                row[before] -= 1
            row[mark] += 1
            self._wakes[wake] = row, mark

    def carried(self) -> dict[str, object]:
        """Return the totals as the plain values of one line."""
        rows: list[list[object]] = []
        others: Counter[str] = Counter()
        room = ROOM
        for name, row in sorted(self.words.items(), key=lambda item: -item[1]["samples"]):
            values = [*name, *(row[column] for column in _WORD)]
            room -= len(json.dumps(values)) + 1
            if room >= 0:
                rows.append(values)
            else:
                others.update(row)
        if others:
            rows.append(["others", "others", *(others[column] for column in _WORD)])
        return {
            "kind": "carried",
            "since": self.since,
            "model": self.model,
            "words": rows,
            "purposes": [[name, *(row[column] for column in _PURPOSE)] for name, row in sorted(self.purposes.items())],
            "refusals": [list(item) for item in sorted(self.refusals.items())],
            "gaps": self.gaps,
        }

    def _take_up(self, values: Mapping[str, object]) -> None:
        since = values.get("since")
        self.since = float(since) if isinstance(since, int | float) else self.since
        self.model = str(values.get("model", ""))
        for word, model, *counts in _rows(values.get("words")):
            self.words.setdefault((str(word), str(model)), Counter()).update(_numbers(_WORD, counts))
        for purpose, *counts in _rows(values.get("purposes")):
            self.purposes.setdefault(str(purpose), Counter()).update(_numbers(_PURPOSE, counts))
        for reason, *counts in _rows(values.get("refusals")):
            self.refusals.update(_numbers((str(reason),), counts))
        self.gaps += _numbers(("gaps",), [values.get("gaps")])["gaps"]

    def _word(self, word: str) -> Counter[str]:
        return self.words.setdefault((word, self.model), Counter())

    def _release(self, entry: Entry) -> None:
        row = self.purposes.setdefault(entry.text("purpose"), Counter())
        row[entry.kind] += 1
        if entry.kind == "released":
            row["samples"] += entry.number("end") - entry.number("start")
        elif entry.kind == "aborted":
            row["samples"] += entry.number("sent")


def mark_of(entry: Entry) -> str:
    """Return what a label or a suspicion says of its wake: "true", "false" or "suspected"."""
    if entry.kind == "suspected":
        return "suspected"
    return "true" if entry.text("verdict") == Verdict.TRUE else "false"


def outranking(before: str, mark: str) -> str:
    """Return which of two marks stands: the later label, and any label over a suspicion."""
    return before if before and mark == "suspected" else mark


def _rows(value: object) -> list[list[object]]:
    """Return the rows of a carried line; a row that is none is left out."""
    return [row for row in value if isinstance(row, list) and row] if isinstance(value, list) else []


def _numbers(names: tuple[str, ...], counts: list[object]) -> Counter[str]:
    return Counter({name: count for name, count in zip(names, counts, strict=False) if isinstance(count, int)})
