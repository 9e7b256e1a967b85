"""Who is suspected when a process is lost again before any cell has ended well."""

import pytest

from rlm_sandbox import CellRecord, SessionLost
from rlm_sandbox.past import REMEMBERED_BYTES, Past, PastCell


def past(*threads):
    known = Past()
    for number, left in enumerate(threads, 1):
        known.add(PastCell(number, CellRecord(""), left), 0)
    return known


def lose(known, times, *, by="process", stopped=False):
    """The numbers of the cells that are left out, loss by loss."""
    found = []
    for _ in range(times):
        known.suspect(SessionLost("", by=by), stopped=stopped)
        found.append(known.told())
    return found


@pytest.mark.parametrize(
    ("threads", "how", "expected"),
    [
        ((0, 0, 0), {}, [(), (3,), (1, 2)]),
        ((0, 2, 0), {}, [(), (2,), (1, 3)]),
        ((0, 0, 0), {"stopped": True}, [(), (), ()]),
        ((0, 2, 0), {"stopped": True}, [(), (2,), ()]),
        ((0, 2, 0), {"by": "threads"}, [(2,), (3,), (1,)]),
        ((0, 2, 0), {"by": "caller"}, [(), (), ()]),
    ],
    ids=["unknown", "a cell left threads", "it did not stop", "threads may have held it", "threads did", "the caller"],
)
def test_suspicion_falls_on_threads_then_on_the_last_cell_then_on_all(threads, how, expected):
    assert lose(past(*threads), 3, **how) == expected


def test_a_cell_that_ends_well_clears_the_others():
    known = past(0, 0)
    assert lose(known, 1) == [()]
    known.add(PastCell(3, CellRecord("")), 0)
    assert lose(known, 1) == [()]


def test_a_cell_run_again_has_time_by_what_it_took():
    assert PastCell(1, CellRecord("", seconds=2.0)).may_take(60) == 13
    assert PastCell(1, CellRecord("", seconds=30.0)).may_take(60) == 60
    assert PastCell(1, CellRecord("")).may_take(60) == 60


def test_more_than_is_remembered_is_not_run_again():
    known = past(0)
    assert not known.too_much
    known.add(PastCell(2, CellRecord("")), REMEMBERED_BYTES + 1)
    assert known.too_much
    assert known.cells == []
