"""What happened in a session, in the terms all agents share. Adapters make events; `writer` makes documents of them."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

JSON = Any

Kind = Literal[
    "session",  # where and with what it ran
    "prompt",  # typed by the user
    "queued",  # typed while the agent worked, or never sent
    "injected",  # put into the user's mouth by the client
    "notification",
    "compaction",  # a boundary, or the summary that replaced what came before
    "text",
    "thinking",
    "tool_call",
    "edit",
    "plan",
    "tool_result",
    "denial",
    "abort",
    "attachment",
    "copied",  # records that another session holds
    "meta",
    "problem",  # a record that could not be read
]
Role = Literal["user", "assistant", "tool", "system"]


class Origin(NamedTuple):
    """The bytes a document's lines came from: re-read them and compare the hash, and the citation is checked."""

    file: str
    """Relative to the root of its agent, which the facts of the corpus name."""
    record: int
    offset: int
    length: int
    sha256_16: str


@dataclass(slots=True)
class Event:
    """One thing that happened."""

    kind: Kind
    role: Role
    label: str
    """Says in a few words what this is; it stands in the head line."""
    text: str = ""
    ts: str = ""
    uuid: str = ""
    parent: str = ""
    call: str = ""
    """The id of the tool call that this event makes."""
    answers: str = ""
    """The id of the tool call that this event answers."""
    block: bool = False
    """The text begins on a line of its own: output, code, a diff."""
    origin: Origin | None = None
    """Of the text, when it lies elsewhere than the record."""
