"""`history`: past agent sessions as events, each a span that can be cited.

Runs inside the sandbox; standard library only. What an event is (its kind, role and time) stands in the anchors of the
documents; its text is its lines.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlm_mcp.engine.repl import corpus_view, spans
else:
    import corpus_view  # noqa: TC002 - the name it has in the sandbox
    import spans

EVENT_LINES = 6
"""Lines of an event that are printed in a list."""


class History:
    """`.sessions`, `.events(session, role=, kind=, contains=, since=, until=)`; events are spans with facts."""

    def __init__(self, corpus: "corpus_view.Corpus") -> None:
        self._corpus = corpus

    @property
    def sessions(self) -> spans.Spans:
        """The first event of each session: when, where and by what; `.document` is its id."""
        found = spans.Spans(event for document in self._corpus.docs for event in list(_events(document))[:1])
        found.preview = 1
        return found

    def events(
        self,
        session: "str | None" = None,
        *,
        role: "str | None" = None,
        kind: "str | None" = None,
        contains: "str | None" = None,
        since: str = "",
        until: str = "~",
    ) -> spans.Spans:
        """Events in order: of one session or all, by role (user, assistant, tool, system), by kind, by text.

        `since` and `until` compare with times like "2026-11-02T10:00". Each has `.role .kind .time .facts`.
        """
        documents = [self._corpus[session]] if session else self._corpus.docs
        found = spans.Spans(
            event
            for document in documents
            for event in _events(document)
            if (role is None or event.role == role)
            and (kind is None or event.kind == kind)
            and (since <= event.time <= until)
            and (contains is None or contains in event.text)
        )
        found.preview = EVENT_LINES
        return found

    @property
    def kinds(self) -> dict[str, int]:
        """The kinds of events there are, with their numbers."""
        counts: dict[str, int] = {}
        for document in self._corpus.docs:
            for anchor in document.anchors:
                counts[str(anchor.get("kind", ""))] = counts.get(str(anchor.get("kind", "")), 0) + 1
        return counts

    def __repr__(self) -> str:
        return f"<history of {len(self._corpus.docs):,} sessions; .sessions, .events(role=…, contains=…), .kinds>"


def _events(document: "spans.Document") -> Iterator[Any]:
    """The events of a session: each reaches to the line before the next."""
    anchors = document.anchors
    ends = [anchor["line"] - 1 for anchor in anchors[1:]] + [document.line_count]
    for anchor, end in zip(anchors, ends, strict=True):
        if end < anchor["line"]:
            continue
        yield document.read(anchor["line"], end).known(
            role=anchor.get("role", ""),
            kind=anchor.get("kind", ""),
            time=anchor.get("ts", ""),
            facts={key: value for key, value in anchor.items() if key != "line"},
        )
