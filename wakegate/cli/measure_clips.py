"""``wakegate measure --clips``: sound in the report, only if asked for, and said plainly."""

import argparse
from collections.abc import MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from . import terminal

if TYPE_CHECKING:
    from ..measure.clips import Clips
    from ..measure.recording import Recording


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--clips", action="store_true",
        help="put about 2 s of sound around each of the loudest mistakes into report.html: it then holds voices",
    )  # fmt: skip


def taken(
    args: argparse.Namespace, found: MutableMapping[str, Any], recordings: "Sequence[Recording]"
) -> "Clips | None":
    """Return the clips if they were asked for, on record in the document and said on stderr."""
    if not args.clips:
        return None
    from ..measure.clips import cut

    clips = cut(found, recordings)
    found["clips"] = clips.about()
    terminal.say(
        f"note: --clips: report.html holds {len(clips.uris)} clips, {clips.seconds:.1f} s of the corpus's sound: "
        "whoever gets the page can hear the people in it"
    )
    return clips
