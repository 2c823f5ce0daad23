"""Words: what the report says in sentences, and how it names engines.

Owns the headline that can be pasted into a paper, and the list of what is not shown and why.
"""

from collections.abc import Iterator, Mapping
from itertools import islice, takewhile
from typing import Any

from ..rounding import chance, duration, figure

Found = Mapping[str, Any]

LONGEST = 36
FAILURES = 20
OTHERS = 5
"""Conditions that a headline names beside the first."""


def labels(document: Found) -> list[str]:
    """Return a name for each engine, with its number where there are several."""
    names = [called(engine) for engine in document["engines"]]
    return names if len(names) == 1 else [f"{number} {name}" for number, name in enumerate(names, start=1)]


def short(document: Found) -> dict[str, str]:
    """Return each engine's short name, by its whole one; with its number where two would be called alike."""
    whole = [engine["engine"] for engine in document["engines"]]
    names = [called(engine) for engine in document["engines"]]
    return dict(zip(whole, names if len(set(names)) == len(names) else labels(document), strict=True))


def called(engine: Found) -> str:
    """Return a short name: a program without its folders, variables and interpreter."""
    kind, given, rest = engine["engine"].partition(":")
    kind = kind.partition("@")[0]  # pvporcupine@ENVIRONMENT:alexa
    parts = [one.rsplit("/", 1)[-1].strip("'\"") for one in rest.split() if "=" not in one]
    while len(parts) > 1 and parts[0].startswith(("env", "python", "-")):
        parts.pop(0)
    name = " ".join(parts) if kind == "exec" and parts else f"{kind}{given}{rest.rsplit('/', 1)[-1]}"
    return cut(name, LONGEST)


def cut(name: str, most: int) -> str:
    """Return a name with its middle left out where it is too long for its place."""
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[len(name) - most // 2 :]}"


def wholes(document: Found) -> list[str | None]:
    """Return the conditions that were made, each of which holds the same words: they never add up; None if none was."""
    made = document["corpus"]["conditions"]
    return list(made["names"]) if made else [None]


def together(engine: Found, condition: str | None) -> Found:
    """Return the rates of all words of an engine, the last of its condition's rows."""
    found: Found = [row for row in engine["rates"] if row["condition"] == condition][-1]
    return found


def ranged(value: float | None, interval: tuple[float, float] | None, scale: float) -> str:
    """Return a value and its interval."""
    if value is None or interval is None:
        return "-"
    return f"{figure(value * scale)} ({figure(interval[0] * scale)} to {figure(interval[1] * scale)})"


def swept_by(engine: Found) -> str:
    """Return what an engine without scores was swept by ("sensitivity"), nothing where it has scores."""
    return str(engine.get("swept_by") or engine["about"].get("swept_by") or "")


def hourly(row: Found) -> str:
    """Return false accepts an hour with their interval."""
    return ranged(row["per_hour"], row["per_hour_95"], 1)


def told(row: Found) -> str:
    """Return both rates in a few words."""
    said = f"{hourly(row)} false accepts an hour" if row["hours"] else "no hours"
    return f"{said}, {ranged(row['frr'], row['frr_95'], 100)} % missed" if row["trials"] else said


def headline(document: Found, engine: Found) -> str:
    """Return what was measured, as a paper would say it."""
    rows = {one: together(engine, one) for one in wholes(document)}
    heard = [one for one, row in rows.items() if row["hours"] or row["trials"]]
    label = called(engine)
    if not heard:
        why = "it heard no recording to its end" if engine["failures"] else "there is no sound to count in"
        return f"{label} could not be measured: {why}."
    (first, *others), did = heard, []
    row = rows[first]
    if row["hours"]:
        did.append(_accepted(row))
    if row["trials"]:
        low, high = (100 * end for end in row["frr_95"])
        count = f"{row['missed']} of {row['trials']}"
        by = f", {many(row['speakers'], 'speaker')}" if row["speakers"] else ""
        did.append(f"missed {figure(100 * row['frr'])} % of the wake words "
                   f"(95 % CI {figure(low)} to {figure(high)}; {count}{by})")  # fmt: skip
    tail = f"with events matched one to one within {document['tolerance_s']:g} s of a label"
    ways = [way for way, used in (("exact Poisson", row["hours"]), ("Wilson", row["trials"])) if used]
    said = f"{_setting(document, engine, first)}, {label} {' and '.join(did)}, {tail} ({' and '.join(ways)} intervals)."
    beside = [f"in {other}, {told(rows[other])}" for other in others[:OTHERS]]
    beside += [f"{len(others) - OTHERS} conditions more stand below"] if len(others) > OTHERS else []
    return f"{said} On the same words {'; '.join(beside)}." if others else said


def _accepted(row: Found) -> str:
    low, high = (figure(end) for end in row["per_hour_95"])
    count = f"{row['false_accepts']} in {duration(row['hours'])} without wake words"
    return f"accepted falsely {figure(row['per_hour'])} times an hour (95 % CI {low} to {high}; {count})"


def _setting(document: Found, engine: Found, whole: str | None) -> str:
    made = wholes(document)
    conditions = list(dict.fromkeys(row["condition"] for row in engine["rates"]))
    own = len(list(takewhile(lambda one: one not in made, conditions[conditions.index(whole) + 1 :])))
    parts = [] if whole is None else [f"in {whole}"]
    parts += [f"over {own} conditions together"] if own else []
    said = ", ".join([*parts, _threshold(document, engine)])
    return said[0].upper() + said[1:]


def _threshold(document: Found, engine: Found) -> str:
    if not engine["has_scores"]:
        return "at its own setting (it gives no scores)"
    if "--threshold" in document["command"]:
        return f"at a threshold of {document['command'][document['command'].index('--threshold') + 1]}"
    if swept_by(engine):
        return f"at its own {swept_by(engine)}"
    own = any(row["threshold"] is not None for row in engine["rates"])
    return "at its own thresholds" if own else "counting whatever it said"


def many(count: int, name: str) -> str:
    """Return 1 word, 2 words."""
    return f"{count} {name}{'' if count == 1 else 's'}"


def comparison(row: Found, names: Mapping[str, str]) -> str:
    """Return what the two exact tests say of a pair."""
    first, second = names[row["first"]], names[row["second"]]
    parts = []
    if row["trials"]:
        parts.append(
            f"of {row['trials']} wake words, {first} alone missed {row['only_first_missed']}, {second} alone "
            f"{row['only_second_missed']}, both {row['both_missed']} (McNemar, exact: p {chance(row['missed_p'])})"
        )
    if row["hours"]:
        counts = f"{row['first_false_accepts']} and {row['second_false_accepts']}"
        parts.append(f"in the same {duration(row['hours'])} they accepted falsely {counts} times "
                     f"(conditional, exact: p {chance(row['false_accepts_p'])})")  # fmt: skip
    where = "" if row["condition"] is None else f"{row['condition']}, "
    return f"{where}{row['word']}: {'; '.join(parts) or 'nothing that both heard to the end'}."


def unsaid(document: Found) -> list[str]:
    """Return a note for each labelled word that an engine never said, though it said others."""
    return [
        f"{called(engine)} never said {word!r}, which the corpus labels; it said {', '.join(engine['said'])}: "
        "are they spelt alike?"
        for engine in document["engines"]
        if engine["said"] and engine["knows"] is None
        for word in _labelled(engine)
        if word not in engine["said"]
    ]


def _labelled(engine: Found) -> list[str]:
    """Return the words that the corpus labels, without their sum."""
    rows = [row for row in engine["rates"] if row["condition"] == engine["rates"][0]["condition"]]
    return [row["word"] for row in (rows[:-1] if len(rows) > 1 else rows) if row["trials"]]


def missing(document: Found) -> Iterator[str]:
    """Yield what the report does not show, why, and what would bring it."""
    corpus, engines = document["corpus"], document["engines"]
    quiet = corpus["hours_without_wake_words"]
    if not quiet:
        yield "False accepts an hour, and the curve: all of this sound is wake words. Add sound without any."
    if not corpus["references"]:
        yield "Misses, and the curve: no wake word is labelled."
    swept = {at["allowed_per_hour"] for one in engines for word in one["sweep"] for at in word["at"]}
    if 0 < quiet < 1:
        yield (f"Rates an hour that are narrow: in {duration(quiet)} without wake words, one false accept more or less "
               f"is {figure(1 / quiet)} an hour. Go by the intervals.")  # fmt: skip
    few = sorted(one for one in swept if one * quiet < 1)
    if few:
        yield (f"Misses at {', '.join(f'{one:g}' for one in few)} false accepts an hour: a single one in "
               f"{duration(quiet)} is more. It takes {', '.join(figure(1 / one) for one in few)} h without wake words, "
               "and several times that for a narrow interval.")  # fmt: skip
    if corpus["references"] and not any(row["frr_95_by_speaker"] for one in engines for row in one["rates"]):
        known = f"{corpus['speakers']} are named" if corpus["speakers"] else "none is named"
        yield (f"Intervals by speaker: they need a speaker for every wake word, five at least and some misses; here "
               f"{known}, a manifest can name them. "
               "Wilson's take each word as a person of its own and are too narrow if few people spoke.")  # fmt: skip
    if len({row["condition"] for row in engines[0]["rates"]}) == 1:
        yield ("Rates by condition: the corpus names no two conditions (a manifest's `condition`), and none were made "
               "(--snr, --room and others).")  # fmt: skip
    for engine, label in zip(engines, labels(document), strict=True):
        yield from _missing_of(engine, label)
    if len(engines) < 2:
        yield "A paired comparison: only one engine was measured. Give --engine again."


def _missing_of(engine: Found, label: str) -> Iterator[str]:
    if swept_by(engine):
        yield (f"A line and scores of {label}: it gives no scores and was run once at each {swept_by(engine)}. Each "
               "point is such a run, nothing is known between two.")  # fmt: skip
    elif not engine["has_scores"]:
        yield f"The curve and scores of {label}: it gives no scores, so there is one operating point."
    elif not any(len(word["curve"]) > 1 for word in engine["sweep"]):
        yield f"Scores of {label}: it heard nothing at any threshold."
    for kind, name in (("false_accepts", "false accepts"), ("misses", "misses")):
        left = sum(one[kind]["count"] - len(one[kind]["loudest"]) for one in engine["mistakes"])
        if left:
            yield f"{left} more {name} of {label}: events.csv lists all."
    for failure in islice(engine["failures"], FAILURES):
        yield f"{failure['recording']} counts nowhere for {label}: {failure['reason']}"
    if len(engine["failures"]) > FAILURES:
        yield f"{len(engine['failures']) - FAILURES} more recordings failed with {label}: results.json names them."
