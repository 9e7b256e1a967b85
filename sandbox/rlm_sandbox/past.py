"""What a session has run, so that it can be run again, and which of it had better not be.

A cell can end well and yet have broken its process: then it breaks every process that it is run in again. Who did it
is found out by running the cells again one by one, with a look at the process after each (session.py). What only
breaks later, by a thread or a count, is judged here by what is known: who left threads behind, and who came last.
"""

from dataclasses import dataclass

from rlm_sandbox.base import CellRecord
from rlm_sandbox.errors import SessionLost

REMEMBERED_BYTES = 64 * 1024 * 1024
"""What recorded cells and their calls may come to; a session that did more can no longer be restored."""

AGAIN_SECONDS, AGAIN_TIMES = 5.0, 4.0
"""How long a cell may compute when it is run again: this, and so many times what it took at first."""


@dataclass(slots=True, eq=False)
class PastCell:
    """One cell that was run, by its number in the session."""

    number: int
    record: CellRecord
    threads: int = 0
    """How many more were running after it than before, as the runner said."""

    def may_take(self, limit: float) -> float:
        """Seconds; a session's `limit` on any cell holds too."""
        first = self.record.seconds
        return limit if first is None else min(limit, AGAIN_SECONDS + AGAIN_TIMES * first)


class Past:
    """The cells of one session, oldest first."""

    def __init__(self) -> None:
        self.cells: list[PastCell] = []
        self._bytes = 0
        self._losses = 0
        self._left_out: list[int] = []

    @property
    def too_much(self) -> bool:
        """Whether more was done than is remembered: it cannot be run again."""
        return self._bytes > REMEMBERED_BYTES

    def add(self, cell: PastCell, weight: int) -> None:
        """A cell that ended: the process is well. `weight`: about the bytes that remembering it takes."""
        self._losses = 0
        self._bytes += weight + len(cell.record.code)
        if self.too_much:
            self.cells.clear()  # too much to be run again, so none of it needs to be kept
        else:
            self.cells.append(cell)

    def leave_out(self, *cells: PastCell) -> None:
        """They are not run again, and this will be said."""
        self.cells = [cell for cell in self.cells if cell not in cells]
        self._left_out += [cell.number for cell in cells]

    def suspect(self, lost: SessionLost, *, stopped: bool) -> None:
        """The process was lost, and no cell ended well since it was last: leave out whoever may have done it.

        Never for the first loss, since cells are looked at when they are run again; nor for one that a cell's own
        endless work explains (`stopped`), unless threads are there that may have been in its way.
        """
        if lost.by == "caller":
            return
        self._losses += 1
        threaded = [cell for cell in self.cells if cell.threads > 0]
        if self._losses == 1:
            self.leave_out(*(threaded if lost.by == "threads" else ()))
        elif threaded or stopped:
            self.leave_out(*threaded)
        else:
            self.leave_out(*(self.cells[-1:] if self._losses == 2 else self.cells))

    def told(self) -> tuple[int, ...]:
        """The numbers of the cells left out since this was last asked."""
        numbers, self._left_out = tuple(sorted(self._left_out)), []
        return numbers
