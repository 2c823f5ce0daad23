"""Timeline: the loudest mistakes of an engine, each in its recording: a lane of its length, true to scale.

Owns the picture and the table beside it, from which a researcher can find each by ear.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..clips import Clips, key
from .axes import Linear
from .marks import Markup, box, dot, line, picture, text
from .view import View
from .words import cut

Found = Mapping[str, Any]

WIDTH, LANE, TOP = 860.0, 18.0, 8.0
LEFT, RIGHT = 232.0, 800.0
FALSE, MISS = 4, 0
"""Shapes: a triangle that points down at a false accept, a hollow circle where something was missed."""


def clock(seconds: float) -> str:
    """Return 1:02:03 or 2:03.4, as players show it."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def timeline(view: View) -> str:
    """Return the picture, empty where there is no mistake."""
    false, missed = (view.mistakes[kind]["loudest"] for kind in ("false_accepts", "misses"))
    lengths = {one["recording"]: one["length_s"] for one in (*false, *missed)}
    if not lengths:
        return ""
    lanes = {name: TOP + LANE * n + LANE / 2 for n, name in enumerate(sorted(lengths))}
    bottom = TOP + LANE * len(lanes)
    x = Linear(0, max(*lengths.values(), 1e-3), LEFT, RIGHT)
    marks = [*_frame(x, bottom)]
    for name, down in lanes.items():
        marks.append(text((LEFT - 10, down + 4), cut(name.rsplit("/", 1)[-1], 32), "tick", "end"))
        marks.append(box((LEFT, down - 3), max(x.at(lengths[name]) - LEFT, 1.0), 6, "lane", name))
    for one in missed:
        at, told = (x.at(one["start_s"]), lanes[one["recording"]]), f"{one['word']} missed at {clock(one['start_s'])}"
        marks.append(dot(at, MISS, told, hollow=True, kind="hit"))
    for one in false:
        what = "twice" if one.get("duplicate") else "false"
        at, told = (x.at(one["at_s"]), lanes[one["recording"]] - 4), f"{one['word']} {what} at {clock(one['at_s'])}"
        marks.append(dot(at, FALSE, told, kind="wrong"))
    told = f"{len(false)} false accepts and {len(missed)} misses in {len(lanes)} recordings; the tables list them."
    return picture(f"mistakes-{view.name}", (WIDTH, bottom + 38), f"Loudest mistakes of {view.title}", told, marks)


def _frame(x: Linear, bottom: float) -> Iterator[str]:
    size, unit = (3600, "hours") if x.high >= 7200 else (60, "minutes") if x.high >= 120 else (1, "seconds")
    for value in Linear(0, x.high / size, 0, 1).ticks():
        yield line((x.at(value * size), TOP), (x.at(value * size), bottom), "grid")
        yield text((x.at(value * size), bottom + 14), f"{value:g}", "tick", "middle")
    yield text(((LEFT + RIGHT) / 2, bottom + 32), f"{unit} from the recording's start", anchor="middle")


def false_rows(view: View, clips: Clips | None) -> Iterator[tuple[object, ...]]:
    """Yield file, time, word, score, the nearest reference and the sound of each false accept."""
    for one in view.mistakes["false_accepts"]["loudest"]:
        near = one["nearest"]
        said = "none in the file" if near is None else f"{near['word']} at {clock(near['start_s'])}"
        away = "" if near is None else f"{near['away_s']:.1f} s"
        what = "duplicate" if one.get("duplicate") else ""
        at = clock(one["at_s"])
        yield one["recording"], one["condition"], at, one["word"], _scored(one), said, away, what, _sound(one, clips)


def miss_rows(view: View, clips: Clips | None) -> Iterator[tuple[object, ...]]:
    """Yield file, time, word, speaker, the best score and the sound of each miss."""
    for one in view.mistakes["misses"]["loudest"]:
        score = _scored(one) if one["score"] is not None or not view.engine["has_scores"] else "not heard"
        at = clock(one["start_s"])
        yield one["recording"], one["condition"], at, one["word"], score, one["speaker"], _sound(one, clips)


def _sound(one: Found, clips: Clips | None) -> str:
    """Return a player, which loads nothing before it is asked to; nothing where there is no clip."""
    uri = None if clips is None else clips.uris.get(key(one))
    return "" if uri is None else Markup(f'<audio controls="controls" preload="none" src="{uri}"></audio>')


def _scored(one: Found) -> str:
    return "" if one["score"] is None else f"{one['score']:.3g}"
