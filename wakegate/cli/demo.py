"""``wakegate demo``: the whole line on a bundled scene, without a microphone and without touching this user's consent.

People in a kitchen say "computer" three times. The scene goes through the real pipeline; what differs is consent: first
nobody opted in, then somebody has, then they take it back while they speak. The ledger lies in a folder that is gone
afterwards, marked so that no production code would accept it.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..events import SAMPLE_RATE, Event, NearMiss, Opened, Purpose, Refused
from . import terminal

if TYPE_CHECKING:
    from ..audio.block import Reading, Samples
    from ..audio.files import FileSource
    from ..gate.frames import Info

SCENE = Path(__file__).with_name("scene.flac")
OPT_IN_AT = 12 * SAMPLE_RATE
CHANGE_OF_MIND_AT = 25 * SAMPLE_RATE


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "demo",
        help="watch the gate at work on a bundled scene (no microphone needed)",
        description="Play a bundled scene of synthetic voices through the real pipeline: a wake word with no opt-in "
        "(withheld), one with an opt-in (released), and one whose opt-in is taken back in mid-sentence (stopped and "
        "wiped). Nothing of this user's is read or written. The same command gives the same output.",
        epilog="next: wakegate listen    (and, to let an assistant hear you: wakegate consent grant assist)",
    )
    parser.add_argument("--json", action="store_true", help="events as JSON Lines")
    parser.set_defaults(run=run)


class Kitchen:
    """The scene as a source: a file, and two moments at which somebody in it acts.

    Parameters
    ----------
    file : FileSource
        The sound.
    cues : sequence of (int, callable)
        What happens when the scene reaches a sample, in order.
    """

    def __init__(self, file: "FileSource", *cues: tuple[int, Callable[[], None]]) -> None:
        self._file, self._cues, self._at = file, list(cues), 0

    @property
    def name(self) -> str:
        """Words for people."""
        return "a kitchen (bundled scene)"

    def read(self, out: "Samples") -> "Reading":
        """Let whoever's turn it is act, then read on."""
        while self._cues and self._cues[0][0] <= self._at:
            self._cues.pop(0)[1]()
        reading = self._file.read(out)
        self._at += reading.count
        return reading

    def wipe(self) -> None:
        """Overwrite what the file still holds."""
        self._file.wipe()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def run(args: argparse.Namespace) -> int:
    """Play the scene."""
    from .. import testing
    from ..consent.grant import Act, Surface
    from ..pipeline import Pipeline

    received = 0

    def aside(at: int, text: str, style: str) -> None:
        if not args.json:
            _line(at, text, style)

    def assistant(samples: "Samples", info: "Info") -> None:
        nonlocal received
        received += len(samples)

    def opt_in() -> None:
        aside(OPT_IN_AT, "somebody opts in: assist, and nothing else", "bold green")
        pipeline.ledger.grant(Purpose.ASSIST, act=Act(Surface.TEST, "wakegate demo"))

    def change_of_mind() -> None:
        aside(CHANGE_OF_MIND_AT, "somebody takes it back, in mid-sentence", "bold red")
        pipeline.ledger.revoke(Purpose.ASSIST)

    with tempfile.TemporaryDirectory(prefix="wakegate-demo-") as folder:
        pipeline = Pipeline.open(
            _kitchen(aside, (OPT_IN_AT, opt_in), (CHANGE_OF_MIND_AT, change_of_mind)),
            words=["computer"],
            assist=assistant,
            place=testing.place(Path(folder) / "state"),
            clock=testing.StillClock(),
        )
        with pipeline:
            for event in pipeline:
                _show(event, as_json=args.json)
    if not args.json:
        print(
            f"\nThe assistant received {received / SAMPLE_RATE:.1f} s of sound in all, every sample of it after a wake "
            "word and under a grant.\nThis demo's ledger is gone. Yours begins with: wakegate consent grant assist"
        )
    return 0


def _kitchen(aside: Callable[[int, str, str], None], *acts: tuple[int, Callable[[], None]]) -> Kitchen:
    """Open the scene; what is said in it is shown as it is said, between the acts."""
    from ..audio.files import FileSource

    cues = list(acts)
    for line in _script():
        at = round(line["at_s"] * SAMPLE_RATE)
        cues.append((at, partial(aside, at, f"    “{line['said']}”", "italic cyan")))
    return Kitchen(FileSource(SCENE), *sorted(cues, key=lambda cue: cue[0]))


def _script() -> list[dict[str, Any]]:
    """Return what is said in the scene, and when."""
    lines: list[dict[str, Any]] = json.loads(SCENE.with_suffix(".json").read_text(encoding="utf-8"))
    return lines


_COLOURS = {"wake": "bold", "refused": "yellow", "released": "green", "aborted": "red", "wiped": "dim"}


def _show(event: Event, *, as_json: bool) -> None:
    if as_json:
        # Ids are random: without them the same scene gives the same lines.
        terminal.emit({name: value for name, value in event.to_dict().items() if name not in ("id", "grant")})
    elif isinstance(event, Refused) and event.purpose is Purpose.ASSIST:
        _line(event.at, "withheld: nobody opted in", _COLOURS["refused"])
    elif isinstance(event, Opened):
        _line(event.at, "the gate opens for assist: live sound flows to the assistant", "green")
    elif not isinstance(event, NearMiss | Refused):
        _line(event.at, str(event), _COLOURS.get(event.kind, ""))


def _line(at: int, text: str, colour: str) -> None:
    from rich.console import Console

    line = f"{at / SAMPLE_RATE:7.2f} s  {text}"
    Console(highlight=False, soft_wrap=True).print(line, style=colour or None, markup=False)
