"""``wakegate doctor``: what protects this device and what does not."""

import argparse
from dataclasses import asdict

from . import terminal


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="say what protects this device and what does not",
        description="Check locked memory, core dumps, swap, telemetry, models, config, permissions, clock, ledger, "
        "journal and microphone. Changes nothing. Exit code 1 if something refuses until it is mended.",
        epilog="example: wakegate doctor --json",
    )
    parser.add_argument("--json", action="store_true", help="one JSON line a check")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine and print."""
    from ..consent.clock import SystemClock
    from ..doctor import Health, examine
    from ..place import Place

    findings = list(examine(Place.fixed(), SystemClock()))
    if args.json:
        for finding in findings:
            terminal.emit(asdict(finding))
    else:
        rows = [(f.name, f.health.value, f.seen + (f"; {f.mend}" if f.mend else "")) for f in findings]
        terminal.table("wakegate doctor", ("check", "", "seen, and what to do"), rows)
    return int(any(finding.health is Health.BAD for finding in findings))
