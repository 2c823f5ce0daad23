"""The helper for programs that embed wakegate."""

from pathlib import Path

import pytest

from wakegate import testing
from wakegate.consent.grant import Denial, Grant
from wakegate.consent.ledger import Ledger
from wakegate.errors import ConfigError
from wakegate.events import Purpose, Reason
from wakegate.place import Place


def test_its_grants_hold_in_its_place_and_nowhere_else(tmp_path: Path) -> None:
    public, secret = testing.reviewer()
    assert public.startswith("age1") and secret.startswith("AGE-SECRET-KEY-")
    place = testing.place(tmp_path / "state")
    ledger = testing.granted(place, Purpose.REVIEW, Purpose.IMPROVE, key=public)
    answer = ledger.decide(Purpose.REVIEW)
    assert isinstance(answer, Grant) and answer.keys == (public,)
    assert isinstance(ledger.decide(Purpose.IMPROVE), Grant) and isinstance(ledger.decide(Purpose.ASSIST), Denial)
    production = Ledger.open(Place(place.path), testing.StillClock()).decide(Purpose.REVIEW)
    assert isinstance(production, Denial) and production.reason is Reason.LEDGER_FOREIGN


def test_it_grants_nothing_in_a_real_place(tmp_path: Path) -> None:
    real = Place(tmp_path / "state")
    with pytest.raises(ConfigError, match="real place"):
        testing.granted(real, Purpose.ASSIST)
    assert not real.ledger.exists()


def test_the_clock_moves_only_when_told() -> None:
    clock = testing.StillClock()
    before = clock.now()
    clock.forward(60)
    assert (clock.now().wall - before.wall, clock.now().boot - before.boot) == (60, 60)
