"""View: one engine in one condition, as pictures and tables show it.

Owns the way from a document to what may be shown together: never two conditions made on the fly, which hold the same
words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .words import labels, wholes

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One engine in one made condition, or in all sound (None) where none was made.

    Parameters
    ----------
    engine : mapping
        Of the document, all conditions in it.
    number, order : int
        Of the engine and of the condition, from 0.
    label : str
        The engine's.
    condition : str, optional
    """

    engine: Found
    number: int
    order: int
    label: str
    condition: str | None

    @property
    def title(self) -> str:
        """Engine and condition."""
        return self.label if self.condition is None else f"{self.label}, {self.condition}"

    @property
    def name(self) -> str:
        """What its pictures are called in the page."""
        return f"{self.number}-{self.order}" if self.order else f"{self.number}"

    @property
    def rates(self) -> list[Found]:
        """Each word's rates, and at the end those of all together; of one word there is one row."""
        return [row for row in self.engine["rates"] if row["condition"] == self.condition]

    @property
    def sweep(self) -> list[Found]:
        """Each word's curve; none where the engine has no scores."""
        return [word for word in self.engine["sweep"] if word["condition"] == self.condition]

    @property
    def mistakes(self) -> Found:
        """The loudest."""
        return next(one for one in self.engine["mistakes"] if one["condition"] == self.condition)


def views(document: Found) -> Iterator[View]:
    """Yield each engine's conditions."""
    for number, (engine, label) in enumerate(zip(document["engines"], labels(document), strict=True)):
        for order, condition in enumerate(wholes(document)):
            yield View(engine=engine, number=number, order=order, label=label, condition=condition)
