"""A question that follows an earlier one on the same corpus: the earlier run's variables are there again."""

from dataclasses import dataclass
from typing import Any

from rlm_mcp.engine.replay import Recorded
from rlm_sandbox.base import Session

JSON = Any
ANSWER_CHARS = 1_500
VARIABLES = 30


@dataclass(frozen=True, slots=True)
class Followed:
    """An earlier run over the same corpus: what was asked and answered, and what its journal recorded."""

    question: str
    answer: str
    recorded: Recorded

    def told(self) -> str:
        """What the root is told of it, behind its first message."""
        made = ", ".join(f"{name} ({text})" for name, text in list(self.variables().items())[:VARIABLES]) or "none"
        return (
            f"\n\nThis follows an earlier question: {self.question[:ANSWER_CHARS]}\n"
            f"It was answered: {self.answer[:ANSWER_CHARS]}\nVariables still there: {made}"
        )

    async def restore(self, session: Session) -> int:
        """Run the earlier cells again with their recorded answers; how many there were."""
        cells = self.recorded.cells("", 1_000_000)
        await session.replay(cells)
        return len(cells)

    def variables(self) -> dict[str, str]:
        """The earlier run's variables as they were last described."""
        found: dict[str, str] = {}
        branch = self.recorded.branches.get("")
        for cell in branch.cells if branch else ():
            state = cell.result.state if isinstance(cell.result.state, dict) else {}
            found.update({str(name): str(text)[:80] for name, text in dict(state.get("changed") or {}).items()})
            for name in state.get("removed") or ():
                found.pop(str(name), None)
        return found
