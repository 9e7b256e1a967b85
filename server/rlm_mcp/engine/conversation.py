"""What the root model is sent: a prefix that stays, then the turns, the older ones folded to a line each.

Folding happens rarely and far, so that between two foldings each request extends the last and a provider's prompt
cache keeps working. What is folded stays in the session: `out[n]` holds the output, `turns(n)` the code.
"""

from dataclasses import dataclass, replace

from rlm_mcp.models.base import Message

HIGH = 22_000
"""Characters of turns at which the older ones are folded …"""
SHRUNK = 4_000
"""Characters of the last turn that stay when the model says that the request is too long."""
LOW = 12_000
"""… until this many are left, or only the last turn."""


@dataclass(slots=True)
class Turn:
    """One exchange: what the root wrote, what it was told, and the one line that stands for both when folded."""

    number: int
    reply: str
    feedback: str
    summary: str
    cell: int | None = None

    @property
    def size(self) -> int:
        return len(self.reply) + len(self.feedback)


class Conversation:
    """The messages of one loop."""

    def __init__(self, system: str, first: str, *, high: int = HIGH, low: int = LOW) -> None:
        self._prefix = (Message("system", system), Message("user", first))
        self._folded: list[str] = []
        self._high, self._low = high, low
        self.turns: list[Turn] = []
        self._kept: list[Turn] = []

    def add(self, turn: Turn) -> None:
        """Append a turn, folding older ones when all of them have grown too long."""
        self.turns.append(turn)
        self._kept.append(turn)
        if sum(kept.size for kept in self._kept) > self._high:
            while len(self._kept) > 1 and sum(kept.size for kept in self._kept) > self._low:
                self._folded.append(self._kept.pop(0).summary)

    def shrink(self) -> bool:
        """Fold all but the last turn and cut that one short; False when there is nothing left to give."""
        if not self._kept or (len(self._kept) == 1 and self._kept[0].size <= SHRUNK):
            return False
        self._folded += [turn.summary for turn in self._kept[:-1]]
        last = self._kept[-1]
        cut = f"{last.feedback[: SHRUNK // 2]}\n[… cut: the request was too long for the model …]"
        self._kept = [replace(last, feedback=cut, reply=last.reply[: SHRUNK // 2])]
        return True

    def messages(self) -> tuple[Message, ...]:
        """The request. Folded turns stand at the end of the first message."""
        prefix = self._prefix
        if self._folded:
            note = "\n\nEarlier turns, folded (turns(n) shows one, out[n] its output):\n" + "\n".join(self._folded)
            prefix = (prefix[0], Message("user", prefix[1].content + note))
        exchanged = [
            message
            for turn in self._kept
            for message in (Message("assistant", turn.reply), Message("user", turn.feedback))
        ]
        return (*prefix, *exchanged)

    def turn(self, number: int) -> Turn | None:
        """The turn of this number."""
        return next((turn for turn in self.turns if turn.number == number), None)
