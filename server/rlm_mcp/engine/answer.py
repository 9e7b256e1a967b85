"""A final answer, checked: its markers read, each citation verified, and what did not hold marked so in the text."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rlm_indexers.corpus import Citation, Span
from rlm_mcp.engine import markers
from rlm_mcp.engine.budget import RunUsage
from rlm_mcp.engine.citations import Checked
from rlm_mcp.engine.markers import Marker, Reference
from rlm_mcp.engine.scope import Branch
from rlm_mcp.engine.seen import Ledger
from rlm_mcp.engine.texts import Texts

FAULTS_SHOWN = 12
LINES_SHOWN = 5
Status = Literal["complete", "partial", "failed"]
Quotes = Mapping[str, str]
"""What `cite(place, quote)` was given, by the span it verified."""


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """An answer's text as it may leave, and its citations in the order they stand there, each once."""

    text: str
    citations: tuple[Checked, ...]
    rejected: tuple[Checked, ...]

    def faults(self) -> list[str]:
        """What a root should look at once more before this is accepted, one line each."""
        if not self.citations and not self.rejected:
            return ["- it cites nothing: support its claims with [path:start-end], or say that nothing was found"]
        wrong = [f"- [{c.citation.span}] does not hold: {c.citation.reason}" for c in self.rejected]
        unseen = [f"- [{c.citation.span}]: {_not_shown(c)}" for c in self.citations if not c.seen]
        faults = wrong + unseen
        more = [f"- and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        return faults[:FAULTS_SHOWN] + more


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. Reaching a limit is `partial`, with the reason; only a model that is gone makes it `failed`."""

    status: Status
    reason: str
    answer: str
    citations: tuple[Checked, ...]
    rejected: tuple[Checked, ...]
    usage: RunUsage
    strategy: str


def recorded_outcome(
    journal: Branch, checked: CheckedAnswer, status: Status, reason: str, usage: RunUsage, strategy: str
) -> Outcome:
    """The outcome, after it was written down."""
    kept, rejected = [_row(c) for c in checked.citations], [_row(c) for c in checked.rejected]
    journal.write("citations", kept=kept, rejected=rejected)
    if not journal.path:
        journal.write("outcome", status=status, reason=reason, answer=checked.text, strategy=strategy)
    return Outcome(status, reason, checked.text, checked.citations, checked.rejected, usage, strategy)


async def check(text: str, texts: Texts, ledger: Ledger, quotes: Quotes) -> CheckedAnswer:
    """The answer with every citation re-read. The reading is done in a thread: a moved quote costs a search."""
    found = markers.parse(text, texts.known)
    wanted = {reference for marker in found for reference in marker.references}
    verified = await asyncio.to_thread(_verify_all, texts, wanted, quotes)
    citations: dict[Span, Checked] = {}
    rejected: dict[Span, Checked] = {}
    for marker in found:
        for reference in marker.references:
            citation = verified[reference]
            if citation.state == "rejected":
                rejected.setdefault(citation.span, Checked(citation, seen=False))
            else:
                quote = quotes.get(str(citation.span))
                unseen = tuple(ledger.unseen(citation.span, quote))
                citations.setdefault(citation.span, Checked(citation, not unseen, unseen))
    return CheckedAnswer(_rewritten(text, found, verified), tuple(citations.values()), tuple(rejected.values()))


def _not_shown(checked: Checked) -> str:
    span, lines = checked.citation.span, checked.unseen_lines
    if len(lines) > span.end - span.start:
        return "none of it was shown to you as numbered lines (print the span itself)"
    named = ", ".join(map(str, lines[:LINES_SHOWN])) + (", …" if len(lines) > LINES_SHOWN else "")
    return f"you were not shown line {named} of it: print it, or cite less"


def _verify_all(texts: Texts, wanted: set[Reference], quotes: Quotes) -> dict[Reference, Citation]:
    return {r: texts.verify(r.document, r.start, r.end, quotes.get(f"{r.document}:{r.start}-{r.end}")) for r in wanted}


def _rewritten(text: str, found: list[Marker], verified: Mapping[Reference, Citation]) -> str:
    """The text with repaired markers set right and rejected ones unmistakable."""
    parts: list[str] = []
    at = 0
    for marker in found:
        parts += [text[at : marker.start], _marked(text[marker.start : marker.end], marker, verified)]
        at = marker.end
    return "".join([*parts, text[at:]])


def _marked(written: str, marker: Marker, verified: Mapping[Reference, Citation]) -> str:
    citations = [(reference, verified[reference]) for reference in marker.references]
    states = {citation.state for _, citation in citations}
    if states == {"verified"}:
        return written
    good = [_place(reference, citation) for reference, citation in citations if citation.state != "rejected"]
    bad = [f"[unverified: {reference}]" for reference, citation in citations if citation.state == "rejected"]
    if marker.form == "prose":
        return " ".join([written, *(f"[{place}]" for place in good), *bad])
    if marker.form == "plain":
        return " ".join(good + bad)
    return " ".join([f"[{', '.join(good)}]"] * bool(good) + bad)


def _row(checked: Checked) -> dict[str, str | bool]:
    citation = checked.citation
    return {"span": str(citation.span), "state": citation.state, "reason": citation.reason, "seen": checked.seen}


def _place(reference: Reference, citation: Citation) -> str:
    if citation.state == "verified":
        return str(reference)
    span = citation.span
    return str(Reference(span.document, span.start, span.end))
