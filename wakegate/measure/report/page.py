"""Page: the report's sections in their order, as one file that loads nothing.

Owns the order and the style sheet. The page is well-formed XML as well as HTML.
"""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files
from typing import Any

from ..clips import Clips
from ..rounding import duration, figure
from .det import BANDS, LABELLED, det
from .histogram import histogram
from .marks import COLOURS, safe
from .rates import grouped, legend, rates
from .timeline import false_rows, miss_rows, timeline
from .view import View, views
from .words import comparison, headline, hourly, labels, many, missing, ranged, unsaid, wholes

Found = Mapping[str, Any]

RATES = ("engine", "word", "condition", "threshold", "false accepts", "an hour", "missed", "%", "95 % by speaker")


CURVE = (
    "Every threshold from one pass, a corner a count; lower and further left is better. Marked: the operating points, "
    "with 95 % bars both ways (exact Poisson, Wilson). Band: the same two intervals at each corner; it is pointwise, "
    "so part of a line may well lie outside. {a_line} Dots without a line: an engine without scores, run at each of "
    "its settings. Where no false accept was counted, the line runs in the left gutter, and the truth may lie anywhere "
    "in the shade. Any but a marked point is a threshold chosen on this very sound, which flatters."
)
A_WORD = "Thick: all words, their thresholds moved together from the engine's own; thin: each word."
A_CONDITION = (
    f"One panel per engine, one line per condition: all words, their thresholds moved together from the engine's own; "
    f"{LABELLED} lines at most, and bands where there are no more than {BANDS}."
)
LISTED = 100
"""Files of noise and rooms that the foot names one by one."""


def page(document: Found, clips: Clips | None = None) -> str:
    """Return report.html.

    Parameters
    ----------
    document : mapping
        What results.json holds, from :func:`~wakegate.measure.result.document` or read back.
    clips : Clips, optional
        Sound of the loudest mistakes, where a person asked for it.
    """
    sections = (_head, _curve, _rates, _scores, partial(_mistakes, clips=clips), _pairs, _missing, _foot)
    body = "\n".join(part for section in sections for part in section(document))
    allowed = "style-src 'unsafe-inline'" + ("; media-src data:" if clips is not None else "")
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en" xmlns="http://www.w3.org/1999/xhtml">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; {allowed}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>False wakes: {safe(', '.join(labels(document)))}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(document: Found) -> Iterator[str]:
    yield "<h1>False wakes and misses</h1>"
    for number, engine in enumerate(document["engines"]):
        yield f'<p class="headline c{number % COLOURS}">{safe(headline(document, engine))}</p>'
    corpus, made = document["corpus"], wholes(document)
    each = f" in each of {len(made)} conditions, which hold the same words and are never added up" if made[1:] else ""
    yield _note(
        f"{corpus['path']}: {many(corpus['recordings'], 'recording')}, {duration(corpus['hours'])} of sound, "
        f"{many(corpus['references'], 'wake word')}{each}. Command, seed and hashes are at the foot."
    )
    yield from (_note(f"Take note: {note}.") for note in (*corpus["notes"], *unsaid(document)))
    if len(document["engines"]) > 1:
        yield _figure(legend(document), "")


def _curve(document: Found) -> Iterator[str]:
    drawn = det(document)
    if not drawn:
        return
    yield "<h2>Misses against false accepts</h2>"
    several = len(wholes(document)) > 1
    for one in drawn:
        yield _figure(one, CURVE.format(a_line=A_CONDITION if several else A_WORD) if one is drawn[-1] else "")
    yield from _at_rates(document)


def _at_rates(document: Found) -> Iterator[str]:
    words = [(one.label, one.condition, word["word"], word["at"]) for one in views(document) for word in one.sweep]
    allowed = sorted({at["allowed_per_hour"] for *_, own in words for at in own if at["trials"] and _reached(at)})
    rows = [
        (label, condition, word, *(
            next((ranged(at["frr"], at["frr_95"], 100) for at in own
                  if at["allowed_per_hour"] == rate and at["trials"] and _reached(at)), "")
            for rate in allowed
        ))
        for label, condition, word, own in words
    ]  # fmt: skip
    if allowed:
        columns = ("engine", "condition", "word", *(f"% at {rate:g} an hour" for rate in allowed))
        yield _table(
            "Missed (95 %) where thresholds are raised until false accepts stay under a rate, each word by itself",
            columns,
            rows,
        )


def _reached(at: Found) -> bool:
    """Return whether there are hours enough for one false accept at that rate."""
    return bool(at["allowed_per_hour"] * at["hours"] >= 1)


def _rates(document: Found) -> Iterator[str]:
    by, rows = grouped(document)
    yield f"<h2>Rates by {by}</h2>"
    yield _figure(rates(document), "Marks with 95 % intervals; a hollow mark is a count of none.")
    named = list(zip(document["engines"], labels(document), strict=True))
    if by == "condition":
        sums = [(named[n][1], row) for _, own in rows for n, row in own if row["condition"] is not None]
        yield _table("All words, by condition", RATES, [_cells(label, row, word=False) for label, row in sums])
    first, *others = wholes(document)
    whole = [(label, row) for one, label in named for row in one["rates"] if row["condition"] == first and not others]
    if whole:
        yield _table(f"Each word, {first or 'all sound'}", RATES, [_cells(*pair) for pair in whole])
    parts = [_cells(label, row) for one, label in named for row in one["rates"] if others or row["condition"] != first]
    if parts:
        yield f"<details><summary>Each word in each condition</summary>{_table('By condition', RATES, parts)}</details>"


def _cells(label: str, row: Found, *, word: bool = True) -> tuple[object, ...]:
    return (
        label,
        row["word"] if word else "",
        row["condition"] or "",
        "" if row["threshold"] is None else f"{row['threshold']:.3g}",
        f"{row['false_accepts']} in {duration(row['hours'])}",
        hourly(row),
        f"{row['missed']} of {row['trials']}",
        ranged(row["frr"], row["frr_95"], 100),
        " to ".join(figure(100 * end) for end in row["frr_95_by_speaker"] or ()) or ("-" if row["speakers"] else ""),
    )


def _scores(document: Found) -> Iterator[str]:
    drawn = [(one, histogram(one)) for one in views(document)]
    if any(shown for _, shown in drawn):
        yield "<h2>Scores</h2>"
    for one, shown in drawn:
        if shown:
            trials, never = one.rates[-1]["trials"], sum(word["curve"][-1][2] for word in one.sweep)
            told = (f"{one.title}: {trials - never} of {trials} references have a score, {never} were heard at no "
                    "threshold. Counts on a logarithmic scale.")  # fmt: skip
            yield _folded(one, "Scores", [_figure(shown, told)])


def _mistakes(document: Found, clips: Clips | None) -> Iterator[str]:
    yield "<h2>The loudest mistakes</h2>"
    if clips is not None:
        left = clips.wanted - len(clips.uris)
        yield _note(
            f"This page holds sound, since --clips asked for it: {many(len(clips.uris), 'clip')}, {clips.seconds:.1f} s"
            f"{f' ({left} more had no room or could not be read)' if left else ''}. Whoever has it can hear who spoke."
        )
    for one in views(document):
        yield _folded(one, "Mistakes", [*_mistakes_of(one, clips)])


def _mistakes_of(one: View, clips: Clips | None) -> Iterator[str]:
    drawn = timeline(one)
    if not drawn:
        yield _note(f"{one.title}: none.")
        return
    yield _figure(drawn, f"{one.title}. Triangles: false accepts; circles: misses; bars: the recordings' lengths. "
                      "A duplicate is a second detection of a word that was found.")  # fmt: skip
    where = ("recording", "condition", "at", "word")
    if count := one.mistakes["false_accepts"]["count"]:
        heads = [*where, "score", "nearest wake word", "away", "is a", "sound"]
        yield _table(f"{one.title}: loudest of {count} false accepts", heads, [*false_rows(one, clips)])
    if count := one.mistakes["misses"]["count"]:
        heads = [*where, "best score", "speaker", "sound"]
        yield _table(f"{one.title}: lowest of {count} misses", heads, [*miss_rows(one, clips)])


def _folded(one: View, what: str, parts: Sequence[str]) -> str:
    """Return the parts; of a condition after the first, folded up under a line that opens them."""
    shown = "\n".join(parts)
    return f"<details><summary>{safe(f'{what}: {one.title}')}</summary>{shown}</details>" if one.order else shown


def _pairs(document: Found) -> Iterator[str]:
    if document["comparisons"]:
        yield "<h2>On the same sound</h2>"
        names = dict(zip((one["engine"] for one in document["engines"]), labels(document), strict=True))
        yield _list(comparison(row, names) for row in document["comparisons"])
        yield _note(
            "Exact two-sided tests that both are alike, at the operating points; p is not corrected for multiple "
            "comparisons."
        )


def _missing(document: Found) -> Iterator[str]:
    yield "<h2>What is not shown, and why</h2>"
    yield _list(missing(document))


def _foot(document: Found) -> Iterator[str]:
    corpus = document["corpus"]
    rows: list[tuple[str, object]]
    rows = [("command", shlex.join(document["command"])), ("seed", document["seed"]),
            ("tolerance", f"{document['tolerance_s']:g} s"), ("corpus", corpus["path"]),
            ("corpus sha256", corpus["sha256"]),
            ("versions", ", ".join(f"{name} {version}" for name, version in document["versions"].items()))]  # fmt: skip
    rows += [(f"{label} {key}", _said(value))
             for engine, label in zip(document["engines"], labels(document), strict=True)
             for key, value in engine["about"].items()]  # fmt: skip
    made = corpus["conditions"]
    if made:
        rows += [("conditions", "; ".join(made["names"]))]
        rows += [("made with", ", ".join(f"{name} {version}" for name, version in made["versions"]))]
    yield f"<footer>\n<h2>To repeat it</h2>\n{_terms(rows)}"
    if made and made["files"]:
        files_of = [(f"{kind} {path}", sha256) for kind, path, sha256 in made["files"][:LISTED]]
        count = many(len(made["files"]), "file")
        more = "" if len(made["files"]) <= LISTED else f", the first {LISTED}; results.json names all"
        yield f"<details><summary>sha256 of {count} of noise and rooms{more}</summary>{_terms(files_of)}</details>"
    yield "</footer>"


def _said(value: object) -> str:
    """Return a value of results.json without its brackets."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    return value if isinstance(value, str) else json.dumps(value)


def _terms(rows: Iterable[tuple[str, object]]) -> str:
    return "<dl>" + "".join(f"<dt>{safe(name)}</dt><dd>{safe(value)}</dd>" for name, value in rows) + "</dl>"


def _figure(picture: str, caption: str) -> str:
    told = f"\n<figcaption>{safe(caption)}</figcaption>" if caption else ""
    return f'<figure>\n<div class="picture">{picture}</div>{told}\n</figure>'


def _note(words: str) -> str:
    return f"<p>{safe(words)}</p>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "\n".join(f"<li>{safe(one)}</li>" for one in lines) + "</ul>"


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table without its empty columns."""
    kept = [n for n in range(len(columns)) if any(row[n] not in ("", None) for row in rows)]
    head = "".join(f'<th scope="col">{safe(columns[n])}</th>' for n in kept)
    body = "\n".join("<tr>" + "".join(f"<td>{safe(row[n])}</td>" for n in kept) + "</tr>" for row in rows)
    return (f'<div class="table"><table><caption>{safe(caption)}</caption><thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table></div>")  # fmt: skip
