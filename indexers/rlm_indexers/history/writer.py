"""Events to a document that reads well and can be grepped: a numbered head line each, then the text's own lines.

    #12 2026-11-20T09:06:52Z user prompt: raise the limit so five calls pass
    #13 2026-11-20T09:06:53Z result of #11 Bash, exit 1:
    FAILED test_five: expected 5 calls to be allowed

Only head lines begin with `#` and a digit: text that would pass for one is moved in by a space, so nothing that a tool
returned can pose as something the user said.
"""

import re
from dataclasses import dataclass, field

from rlm_indexers.corpus import Anchor, SourceDocument
from rlm_indexers.history.events import Event, Origin
from rlm_indexers.history.redact import Redactor

PART_BYTES = 32 * 1024 * 1024
"""A longer document goes on in a second one, `<id>.part-002`."""
EVENT_CHARACTERS = 4 * 1024 * 1024
LINE_CHARACTERS = 256 * 1024
_BATCH = 512 * 1024

_DROPPED = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"
_POSES = re.compile(r"(?m)^(?=[\x00-\x1f\x7f]*#[\x00-\x1f\x7f]*\d)")
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|.)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass(slots=True)
class Writer:
    """The document of one thread of a session, under construction."""

    id: str
    sha256: str
    redactor: Redactor
    flags: list[str] = field(default_factory=list)
    events: int = 0
    _pending: list[str] = field(default_factory=list)
    _pending_size: int = 0
    _done: bytearray = field(default_factory=bytearray)
    _lines: int = 0
    _anchors: list[Anchor] = field(default_factory=list)
    _parts: list[SourceDocument] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _calls: dict[str, tuple[int, str]] = field(default_factory=dict)
    _spoken: int = 0

    def add(self, event: Event, origin: Origin) -> None:
        """Append one event that `origin` tells of."""
        self.events += 1
        number = self.events
        head = f"#{number} {_stamp(event.ts)} {self._label(event, number)}"
        self._anchor(event, origin, 0)
        text = _clean(event.text) if event.text else ""
        if not text:
            rendered = head + "\n"
        elif event.block:
            if event.origin is not None:
                self._anchor(event, event.origin, 1)
            rendered = f"{head}:\n{text}\n"
        else:
            rendered = f"{head}: {text}\n"
        self._append(rendered)

    def pass_over(self, uuid: str) -> None:
        """A record that is no event still has its place in the tree: what follows it follows the last event."""
        if uuid:
            self._numbers[uuid] = self.events

    def knows(self, uuid: str) -> bool:
        """Whether a record of this id was taken already."""
        return uuid in self._numbers

    def tool_of(self, call: str) -> str:
        """The name of the tool that was called under this id."""
        return self._calls.get(call, (0, ""))[1]

    def documents(self) -> list[SourceDocument]:
        """What was written: usually one document, none when nothing happened."""
        if self.events and (self._pending or self._done):
            self._part()
        return self._parts

    def _label(self, event: Event, number: int) -> str:
        """The label, with what only the place among the other events can tell."""
        label = event.label
        if event.call:
            self._calls[event.call] = (number, label.partition(" (")[0].rpartition(" ")[2])
        if event.answers:
            call, tool = self._calls.get(event.answers, (0, ""))
            label = label.replace("result", f"result of #{call} {tool}" if call else "result", 1)
        if event.kind in {"prompt", "queued"} and (at := self._numbers.get(event.parent, self._spoken)) < self._spoken:
            label += f" (after going back to #{at}: what lies between was left)"
        if event.uuid:
            self._numbers[event.uuid] = number
        if event.role == "assistant" or event.kind == "prompt":
            self._spoken = number
        return _CONTROL.sub(" ", label.replace("\n", " ").replace("\r", " "))

    def _anchor(self, event: Event, origin: Origin, ahead: int) -> None:
        values = origin._asdict()
        values.update(uuid=event.uuid, kind=event.kind, role=event.role, ts=event.ts)
        self._anchors.append(Anchor(self._lines + 1 + ahead, values))

    def _append(self, rendered: str) -> None:
        self._pending.append(rendered)
        self._lines += rendered.count("\n")
        self._pending_size += len(rendered)
        if self._pending_size > _BATCH:
            self._flush()
            if len(self._done) > PART_BYTES:
                self._part()

    def _flush(self) -> None:
        """Take the secrets out of what is pending; whole events, so a key over many lines is seen whole."""
        text = "".join(self._pending).encode("utf-8", "replace")
        self._done += self.redactor.redact(text.translate(None, _DROPPED))
        self._pending.clear()
        self._pending_size = 0

    def _part(self) -> None:
        self._flush()
        part = len(self._parts) + 1
        name = self.id if part == 1 else f"{self.id}.part-{part:03}"
        flags = tuple(self.flags)
        self._parts.append(SourceDocument(name, bytes(self._done), self.sha256, tuple(self._anchors), flags))
        self._done = bytearray()
        self._anchors = []
        self._lines = 0


def _stamp(ts: str) -> str:
    """To the second; what is no time of ours is shown as unknown."""
    return f"{ts[:19]}Z" if _STAMP.match(ts) else "-"


def _clean(text: str) -> str:
    """Text with our line ends only, no line of which passes for a head line, and of bounded size."""
    if len(text) > EVENT_CHARACTERS:
        text = f"{text[:EVENT_CHARACTERS]}\n[{len(text) - EVENT_CHARACTERS} characters of this event left out]"
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.rstrip()
    if "#" in text:
        text = _POSES.sub(" ", text)
    if len(text) > LINE_CHARACTERS:
        text = "\n".join(map(_cut, text.split("\n")))
    return text


def _cut(line: str) -> str:
    if len(line) <= LINE_CHARACTERS:
        return line
    return f"{line[:LINE_CHARACTERS]} […] [{len(line) - LINE_CHARACTERS} characters of this line left out]"
