"""Page: the report's sections in their order, as one file that loads nothing.

Owns the order and the style sheet. The page is well-formed XML as well as HTML.
"""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from ..rounding import duration, figure
from .det import det
from .histogram import histogram
from .marks import COLOURS, safe
from .rates import grouped, legend, rates
from .timeline import false_rows, miss_rows, timeline
from .words import comparison, headline, labels, many, missing, ranged, together

Found = Mapping[str, Any]

RATES = ("engine", "word", "condition", "threshold", "false accepts", "an hour", "missed", "%", "% by speaker")


def page(document: Found) -> str:
    """Return report.html.

    Parameters
    ----------
    document : mapping
        What results.json holds, from :func:`~wakegate.measure.result.document` or read back.
    """
    sections = (_head, _curve, _rates, _scores, _mistakes, _pairs, _missing, _foot)
    body = "\n".join(part for section in sections for part in section(document))
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en" xmlns="http://www.w3.org/1999/xhtml">\n<head>\n<meta charset="utf-8"/>\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>False wakes: {safe(', '.join(labels(document)))}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _head(document: Found) -> Iterator[str]:
    yield "<h1>False wakes and misses</h1>"
    for number, engine in enumerate(document["engines"]):
        yield f'<p class="headline c{number % COLOURS}">{safe(headline(document, engine))}</p>'
    corpus = document["corpus"]
    yield _note(
        f"{corpus['path']}: {many(corpus['recordings'], 'recording')}, {duration(corpus['hours'])} of sound, "
        f"{many(corpus['references'], 'wake word')}. Command, seed and hashes are at the foot."
    )
    if len(document["engines"]) > 1:
        yield _figure(legend(document), "")


def _curve(document: Found) -> Iterator[str]:
    drawn = det(document)
    if not drawn:
        return
    yield "<h2>Misses against false accepts</h2>"
    yield _figure(
        drawn,
        "Every threshold from one pass, a corner a count; lower and further left is better. Marked: the operating "
        "points, with 95 % bars both ways (exact Poisson, Wilson). Band: the 95 % Wilson interval of the misses at "
        "each point. Thick: all words, their thresholds moved together from the engine's own; thin: each word. Where "
        "no false accept was counted, the line runs in the left gutter, and the truth may lie anywhere in the shade. "
        "Any but a marked point is a threshold chosen on this very sound, which flatters.",
    )
    yield from _at_rates(document)


def _at_rates(document: Found) -> Iterator[str]:
    words = [
        (label, word["word"], word["at"])
        for engine, label in zip(document["engines"], labels(document), strict=True)
        for word in engine["sweep"]
    ]
    allowed = sorted({at["allowed_per_hour"] for *_, own in words for at in own if at["trials"] and _reached(at)})
    rows = [
        (label, word, *(
            next((ranged(at["frr"], at["frr_95"], 100) for at in own
                  if at["allowed_per_hour"] == rate and at["trials"] and _reached(at)), "")
            for rate in allowed
        ))
        for label, word, own in words
    ]  # fmt: skip
    if allowed:
        columns = ("engine", "word", *(f"% at {rate:g} an hour" for rate in allowed))
        yield _table(
            "Missed (95 %) where thresholds are raised until false accepts stay under a rate, each word by itself",
            columns,
            rows,
        )


def _reached(at: Found) -> bool:
    """Return whether there are hours enough for one false accept at that rate."""
    return bool(at["allowed_per_hour"] * at["hours"] >= 1)


def _rates(document: Found) -> Iterator[str]:
    by, _ = grouped(document)
    yield f"<h2>Rates by {by}</h2>"
    yield _figure(rates(document), "Marks with 95 % intervals; a hollow mark is a count of none.")
    yield _table("All sound", RATES, [*_rows(document, conditions=False)])
    parts = [*_rows(document, conditions=True)]
    if parts:
        yield f"<details><summary>Each word in each condition</summary>{_table('By condition', RATES, parts)}</details>"


def _rows(document: Found, *, conditions: bool) -> Iterator[tuple[object, ...]]:
    for engine, label in zip(document["engines"], labels(document), strict=True):
        for row in engine["rates"]:
            if (row["condition"] is not None) is not conditions:
                continue
            yield (
                label,
                row["word"],
                (row["condition"] or "(none)") if conditions else "",
                "" if row["threshold"] is None else f"{row['threshold']:.3g}",
                f"{row['false_accepts']} in {duration(row['hours'])}",
                ranged(row["per_hour"], row["per_hour_95"], 1),
                f"{row['missed']} of {row['trials']}",
                ranged(row["frr"], row["frr_95"], 100),
                " to ".join(figure(100 * end) for end in row["frr_95_by_speaker"] or ()),
            )


def _scores(document: Found) -> Iterator[str]:
    named = labels(document)
    drawn = [(n, histogram(one, n, named[n])) for n, one in enumerate(document["engines"])]
    if any(one for _, one in drawn):
        yield "<h2>Scores</h2>"
    for number, one in drawn:
        if one:
            row, swept = together(document["engines"][number]), document["engines"][number]["sweep"]
            never = sum(word["curve"][-1][2] for word in swept)
            yield _figure(
                one, f"{named[number]}: {row['trials'] - never} of {row['trials']} references have a score, "
                f"{never} were heard at no threshold. Counts on a logarithmic scale."
            )  # fmt: skip


def _mistakes(document: Found) -> Iterator[str]:
    yield "<h2>The loudest mistakes</h2>"
    for number, (engine, label) in enumerate(zip(document["engines"], labels(document), strict=True)):
        drawn = timeline(engine, number, label)
        if not drawn:
            yield _note(f"{label}: none.")
            continue
        yield _figure(drawn, f"{label}. Triangles: false accepts; circles: misses; bars: the recordings' lengths.")
        where = ("recording", "condition", "at", "word")
        if count := engine["mistakes"]["false_accepts"]["count"]:
            heads = [*where, "score", "nearest wake word", "away"]
            yield _table(f"{label}: loudest of {count} false accepts", heads, [*false_rows(engine)])
        if count := engine["mistakes"]["misses"]["count"]:
            heads = [*where, "best score", "speaker"]
            yield _table(f"{label}: lowest of {count} misses", heads, [*miss_rows(engine)])


def _pairs(document: Found) -> Iterator[str]:
    if document["comparisons"]:
        yield "<h2>On the same sound</h2>"
        names = dict(zip((one["engine"] for one in document["engines"]), labels(document), strict=True))
        yield _list(comparison(row, names) for row in document["comparisons"])
        yield _note(
            "Exact two-sided tests that both are alike, at the operating points; p is not corrected for several."
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
    rows += [(f"{label} {key}", value if isinstance(value, str) else json.dumps(value))
             for engine, label in zip(document["engines"], labels(document), strict=True)
             for key, value in engine["about"].items()]  # fmt: skip
    yield "<footer>\n<h2>To repeat it</h2>"
    yield "<dl>" + "".join(f"<dt>{safe(name)}</dt><dd>{safe(value)}</dd>" for name, value in rows) + "</dl>\n</footer>"


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
