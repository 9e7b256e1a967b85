"""The loop: the root model writes a cell, the session runs it, the root sees what came of it, until an answer holds.

One cell per turn. A final answer counts only when its author can have seen the evidence: not beside a cell, not in a
cell that raised, not in the run's first cell, not before corpus text was shown; and one that cites what nobody was
shown, or what does not hold, is sent back once. Reaching a limit is an outcome: the best answer so far, and the reason.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from rlm_indexers.errors import IndexerError
from rlm_mcp.engine import feedback, prompt_files, replay, reply
from rlm_mcp.engine.answer import CheckedAnswer, Outcome, Status, check, recorded_outcome
from rlm_mcp.engine.budget import BudgetReached
from rlm_mcp.engine.conversation import Conversation, Turn
from rlm_mcp.engine.host_calls import HostCalls
from rlm_mcp.engine.root_model import RootModel
from rlm_mcp.engine.scope import Progress
from rlm_mcp.engine.seen import Ledger
from rlm_mcp.models.errors import ContextOverflow, ModelError
from rlm_sandbox.base import CellResult, Session
from rlm_sandbox.errors import SandboxError

JSON = Any
ANSWER_CHARS = 100_000
"""Of a final answer, on the host: what the session says it cut to is a claim."""
NO_ANSWER = "No answer was reached before the limit."
EMPTY = "The final answer is empty. Give it as text."
FIRST_CELL = (
    "The final answer inside this cell was not accepted: it is the run's first cell, so you have not seen its output "
    "yet. Read the output above, then answer."
)
CELL_RAISED = "The final answer inside this cell was not accepted: the cell raised. Fix the error first."
NOTHING_SEEN = (
    "This final answer was not accepted: no text of the corpus has been shown to you yet. Print the lines that your "
    "answer rests on, then answer."
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A final answer that was asked for, and how."""

    text: str
    form: str


class Loop:
    """One question being answered at one depth."""

    def __init__(
        self,
        root: RootModel,
        ledger: Ledger,
        conversation: Conversation,
        calls: HostCalls,
        session: Session,
        strategy: str = "loop",
        earlier: int = 0,
    ) -> None:
        """`earlier`: cells of another run that the session has run before."""
        self._root, self._scope, self._budget = root, root.scope, root.budget
        self._ledger, self._conversation, self._calls, self._session = ledger, conversation, calls, session
        self._strategy = strategy
        self._cells = self._first = earlier
        self._replayed = 0
        self._reviewed: CheckedAnswer | None = None
        self._outputs: list[str] = []

    async def run(self) -> Outcome:
        """The outcome. Raises ModelError when the root model cannot be reached at all; cancelling ends everything."""
        while True:
            if reason := self._budget.reached():
                return await self._give_up(reason)
            try:
                outcome = await self._turn()
            except BudgetReached as reached:
                return await self._give_up(reached.reason)
            except ModelError as error:
                if not self._conversation.turns:
                    raise
                return await self._end("failed", f"the root model failed: {error}", "")
            except SandboxError as error:
                return await self._end("failed", f"the session was lost: {error}", "")
            if outcome is not None:
                return outcome

    async def _turn(self) -> Outcome | None:
        """One exchange with the root; the outcome, if it ended the run."""
        self._budget.turn()
        self._say("the root model is thinking")
        text = await self._asked()
        parsed = reply.parse(text)
        if parsed.final is not None:
            return await self._final_as_text(parsed.kept, parsed.final)
        if parsed.code is None:
            self._hint(parsed.kept, parsed.hint or reply.NO_BLOCK)
            return None
        return await self._cell(parsed.kept, parsed.code, parsed.notes)

    async def _asked(self) -> str:
        """The root's reply; what is too long for it is asked once more, shortened."""
        try:
            return await self._root.ask(self._conversation.messages())
        except ContextOverflow:
            if not self._conversation.shrink():
                raise
            return await self._root.ask(self._conversation.messages())

    def _hint(self, kept: str, hint: str) -> None:
        self._budget.errors += 1
        self._scope.journal.write("hint", turn=self._budget.iterations, text=hint)
        self._add(kept, hint, f"- turn {self._budget.iterations}: nothing ran ({hint[:60]}…)")

    async def _cell(self, kept: str, code: str, notes: tuple[str, ...]) -> Outcome | None:
        """Run the cell; the outcome, if a final answer in it was accepted."""
        self._cells += 1
        result = await self._executed(self._cells, code)
        self._budget.errors = self._budget.errors + 1 if result.error else 0
        self._ledger.record(result.stdout)
        self._outputs.append(result.stdout)
        candidate = _candidate(result.state)
        refusal = await self._refusal_of_cell(candidate, result) if candidate else ""
        if candidate and not refusal:
            return await self._accepted(candidate)
        told = (*notes, *filter(None, [self._refused(refusal, candidate)]))
        shown = feedback.after_cell(self._cells, result, told, self._budget)
        self._add(kept, shown, feedback.summary(self._cells, code, result))
        return None

    async def _executed(self, number: int, code: str) -> CellResult:
        """What the cell did: taken from the journal when it is recorded there, run otherwise."""
        branch = self._scope.journal.path
        known = self._scope.recorded.cell(branch, number - self._first, code)
        if known is not None:
            self._replayed = number - self._first
            self._restore(known)
            return known.result
        if self._replayed:
            await self._session.replay(self._scope.recorded.cells(branch, self._replayed))
            self._replayed = 0
        self._say(f"running cell {number}")
        self._calls.cell = number
        self._scope.journal.write("cell", cell=number, code=code)
        result = await self._in_time(code)
        self._scope.journal.write("cell_result", cell=number, code=code, **replay.cell_fields(result))
        return result

    async def _in_time(self, code: str) -> CellResult:
        """What the cell did, interrupted when the run's time is over: there, unlike in a cell's own, waiting counts."""
        alarm = asyncio.create_task(self._ring())
        try:
            return await self._session.exec(code)
        finally:
            alarm.cancel()

    async def _ring(self) -> None:
        await asyncio.sleep(max(0.05, self._budget.seconds_left()))
        await self._session.interrupt()

    def _restore(self, cell: replay.Cell) -> None:
        """Enter what a recorded cell spent, showed and cited."""
        self._budget.charge(cell.spent.usage, cell.spent.calls)
        for text in cell.spent.shown:
            self._ledger.record(text)
        self._calls.restore(cell.record.answers)

    async def _final_as_text(self, kept: str, final: reply.Final) -> Outcome | None:
        candidate = Candidate(final.value, final.kind)
        if final.kind == "variable" or self._names(final.value):
            return await self._cell(kept, f"FINAL_VAR({final.value!r})", ())
        refusal = await self._refusal(candidate)
        if not refusal:
            return await self._accepted(candidate)
        self._add(
            kept, self._refused(refusal, candidate), f"- turn {self._budget.iterations}: a final answer was refused"
        )
        return None

    def _names(self, text: str) -> bool:
        """Whether the text is nothing but the name of a variable: models write FINAL(result) and mean its value."""
        if not text.isidentifier():
            return False
        return any(re.search(rf"^{text}\s*=[^=]", turn.reply, re.MULTILINE) for turn in self._conversation.turns)

    async def _refusal_of_cell(self, candidate: Candidate, result: CellResult) -> str:
        if result.error is not None or result.died:
            return CELL_RAISED
        return FIRST_CELL if self._cells == self._first + 1 else await self._refusal(candidate)

    async def _refusal(self, candidate: Candidate) -> str:
        """Why this final answer is not accepted, or nothing. Sends an answer back for its citations once."""
        if not candidate.text.strip():
            return EMPTY
        checked = await check(candidate.text, self._scope.texts, self._ledger, self._calls.quotes)
        if not await self._looked(checked):
            return NOTHING_SEEN
        faults = checked.faults()
        if not faults or self._reviewed is not None or self._budget.reached():
            return ""
        self._reviewed = checked
        return prompt_files.load("review").format(faults="\n".join(faults))

    async def _looked(self, checked: CheckedAnswer) -> bool:
        """Whether any text of the corpus was shown since the run began."""
        pack = self._scope.corpus.pack
        if self._ledger.any_corpus_text() or not len(pack):
            return True
        if any(citation.seen for citation in checked.citations) and self._outputs:
            return True
        lines = self._ledger.candidates()
        if not lines:
            return False
        pattern = "|".join(re.escape(line[:200]) for line in lines)
        try:
            return bool((await asyncio.to_thread(self._scope.corpus.grep, pattern, limit=1)).matches)
        except IndexerError:
            return False

    def _refused(self, refusal: str, candidate: Candidate | None) -> str:
        if refusal and candidate:
            turn = self._budget.iterations
            self._scope.journal.write("final_refused", turn=turn, text=candidate.text, reason=refusal)
        return refusal

    async def _accepted(self, candidate: Candidate) -> Outcome:
        self._scope.journal.write("final", form=candidate.form, text=candidate.text)
        return await self._end("complete", "", candidate.text)

    async def _give_up(self, reason: str) -> Outcome:
        """Ask once for the best answer from what there is; partial, whatever comes."""
        self._say(f"ending: {reason}")
        try:
            prompt = prompt_files.load("last").format(reason=reason)
            text = await self._root.last_words(self._conversation.messages(), prompt)
        except ModelError:
            text = ""
        parsed = reply.parse(text)
        answer = parsed.final.value if parsed.final else text.strip()
        return await self._end("partial", reason, answer or NO_ANSWER)

    async def _end(self, status: Status, reason: str, text: str) -> Outcome:
        checked = await check(text, self._scope.texts, self._ledger, self._calls.quotes)
        usage = self._budget.usage()
        return recorded_outcome(self._scope.journal, checked, status, reason, usage, self._strategy)

    def _add(self, kept: str, told: str, summary: str) -> None:
        self._conversation.add(Turn(self._budget.iterations, kept, told, summary))

    def _say(self, doing: str) -> None:
        b = self._budget
        self._scope.progress(Progress(b.iterations, b.limits.iterations, b.calls, b.known_usd, doing))


def _candidate(state: JSON) -> Candidate | None:
    """The final answer that the session says was asked for."""
    final = state.get("final") if isinstance(state, dict) else None
    if not isinstance(final, dict) or not isinstance(final.get("text"), str):
        return None
    return Candidate(final["text"][:ANSWER_CHARS], str(final.get("kind", ""))[:20])
