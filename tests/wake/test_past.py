"""Memory between two runs: each run reads the last rows that the runs before it made. Around 2 s."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wakegate.wake.past import Past

SIZES = st.integers(1, 7)


@settings(max_examples=150, deadline=None)
@given(before=SIZES, new=SIZES, width=st.integers(1, 3), turns=SIZES, runs=st.integers(1, 25))
def test_a_run_reads_the_last_rows_of_all_runs_before_it(before, new, width, turns, runs):
    past = Past(before, new, width, turns)
    made = np.zeros((before, width), np.float32)
    for run in range(runs):
        turn = run % turns
        assert np.array_equal(past.before(turn), made[-before:])
        rows = np.arange(new * width, dtype=np.float32).reshape(new, width) + 1 + run * new * width
        past.new(turn)[:] = rows
        made = np.concatenate([made, rows])
        if turn == turns - 1:
            past.begin_again()


def test_what_a_run_reads_is_not_where_it_writes():
    past = Past(5, 3, 2, turns=4)
    for turn in range(4):
        assert not np.may_share_memory(past.before(turn), past.new(turn))


@pytest.mark.parametrize("turns", [1, 8])
def test_wiped_it_is_all_zeros(turns):
    past = Past(5, 3, 2, turns)
    for turn in range(turns):
        past.new(turn)[:] = 7
    past.begin_again()
    past.wipe()
    assert not past._rows.any()
    assert past._rows.base is not None, "a view of memory that is locked, not an array of numpy's own"
