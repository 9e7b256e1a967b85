"""opencode's store to events. Part of it may stand in the write-ahead log only, and nothing may be written beside it:
so the store and its log are copied together, and the copy is read.
"""

import contextlib
import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rlm_indexers.corpus import SourceDocument
from rlm_indexers.history.adapters.cline import moment
from rlm_indexers.history.adapters.reading import Reading, Task, Told, counted, dict_in, digest, parse, text_in, unknown
from rlm_indexers.history.adapters.tools import call
from rlm_indexers.history.events import Event, Origin
from rlm_indexers.history.records import open_regular
from rlm_indexers.history.redact import Redactor
from rlm_indexers.history.writer import Writer

JSON = Any
VERSIONS_TESTED = ("1.18.33",)
STORE_BYTES = 4 * 1024**3
_SILENT = frozenset({"step-start", "step-finish", "snapshot"})
_PARTS = (
    "SELECT part.rowid, part.id, part.data, part.time_created, message.data FROM part"
    " LEFT JOIN message ON message.id = part.message_id WHERE part.session_id = ?"
    " ORDER BY coalesce(message.time_created, part.time_created), part.message_id, part.time_created, part.id"
)


class Listed(NamedTuple):
    """One session of a store."""

    id: str
    parent: str
    cwd: str
    version: str
    created: str
    changed: int


def copied(path: Path, folder: Path) -> Path:
    """A copy of a store and its log in another folder. Raises OSError, also when the store keeps changing."""
    copy = folder / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.db"
    for _ in range(3):
        before = _state(path)
        _copy(path, copy)
        if _state(path) == before:
            return copy
    raise OSError(f"{path.name} changes faster than it can be copied")


@contextlib.contextmanager
def _opened(copy: Path) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(sqlite3.connect(copy)) as store:
            yield store
    except sqlite3.Error as error:
        raise OSError(f"the store cannot be read: {error}") from error


def _state(path: Path) -> list[tuple[int, int]]:
    files = (path, path.with_name(path.name + "-wal"))
    states = [file.lstat() for file in files if file.exists()]
    if sum(state.st_size for state in states) > STORE_BYTES:
        raise OSError(f"{path.name} is too large to be copied")
    return [(state.st_size, state.st_mtime_ns) for state in states]


def _copy(path: Path, copy: Path) -> None:
    for suffix in ("", "-wal"):
        target = copy.with_name(copy.name + suffix)
        try:
            with open_regular(path.with_name(path.name + suffix)) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
        except FileNotFoundError:
            target.unlink(missing_ok=True)


def sessions(path: Path) -> list[Listed]:
    """The sessions of a store. Raises OSError when it cannot be read."""
    with tempfile.TemporaryDirectory(prefix="rlm-") as folder, _opened(copied(path, Path(folder))) as store:
        rows = store.execute(
            "SELECT id, parent_id, directory, version, time_created, time_updated FROM session"
        ).fetchall()
    return [
        Listed(str(id_), str(parent or ""), str(cwd), str(version), moment(created), int(changed or 0))
        for id_, parent, cwd, version, created, changed in rows
    ]


def read(task: Task, redactor: Redactor) -> list[SourceDocument]:
    """The document of one session of a store; `task.path` is a copy of it. Raises OSError only."""
    adapter = _Opencode()
    with _opened(task.path) as store:
        rows = store.execute(_PARTS, (task.session,)).fetchall()
    whole = hashlib.sha256(b"".join(str(row[2]).encode() for row in rows)).hexdigest()
    reading = Reading(task, Writer(task.id, whole, redactor), adapter)
    for rowid, identifier, data, created, message in rows:
        raw = str(data).encode("utf-8", "replace")
        origin = Origin(task.file, int(rowid), 0, len(raw), digest(raw))
        part, about = parse(raw), parse(str(message).encode("utf-8", "replace"))
        if part is None:
            reading.problem("a part that cannot be read", origin)
        else:
            reading.take({"id": str(identifier), "part": part, "about": about or {}, "created": created}, origin)
    return reading.finish()


@dataclass(slots=True)
class _Opencode:
    left_out: Counter[str] = field(default_factory=Counter)
    usage: Counter[str] = field(default_factory=Counter)
    model: str = ""

    def take(self, record: dict[str, JSON], origin: Origin) -> Told:
        part, about = dict_in(record, "part"), dict_in(record, "about")
        for event in self._events(text_in(part, "type"), part, about):
            event.ts, event.uuid = event.ts or moment(record.get("created")), text_in(record, "id")
            yield event, origin

    def finish(self) -> Told:
        return []

    def totals(self) -> str:
        return "; ".join(filter(None, (counted("tokens", self.usage), counted("left out", self.left_out))))

    def _events(self, kind: str, part: dict[str, JSON], about: dict[str, JSON]) -> list[Event]:
        if kind == "text":
            return [self._words(part, about)]
        if kind == "tool":
            return _tool(part)
        if kind == "patch":
            files = part.get("files")
            text = "\n".join(str(file) for file in files) if isinstance(files, list) else ""
            return [Event("meta", "system", "files changed since the last step", text)]
        if kind == "compaction":
            return [Event("compaction", "system", "compaction boundary")]
        if kind in _SILENT or kind == "reasoning":
            self.usage.update({name: n for name, n in dict_in(part, "tokens").items() if type(n) is int})
            self.left_out["thinking" if kind == "reasoning" else kind] += 1
            return []
        return [unknown(f"part {kind}", part)]

    def _words(self, part: dict[str, JSON], about: dict[str, JSON]) -> Event:
        text = text_in(part, "text")
        if text_in(about, "role") == "user":
            if part.get("synthetic") is True:
                return Event("injected", "system", "injected by the client (not typed by the user)", text)
            return Event("prompt", "user", "user prompt", text)
        if about.get("summary") is True:
            return Event("compaction", "system", "compaction summary (made by the client, not said by the user)", text)
        model = text_in(about, "modelID")
        label = f"assistant ({model})" if model and model != self.model else "assistant"
        self.model = model or self.model
        return Event("text", "assistant", label, text)


def _tool(part: dict[str, JSON]) -> list[Event]:
    state, identifier = dict_in(part, "state"), text_in(part, "callID")
    about = dict_in(state, "metadata")
    made = call(text_in(part, "tool") or "unnamed", state.get("input"), identifier)
    made.ts = moment(dict_in(state, "time").get("start"))
    code, status = about.get("exit"), text_in(state, "status")
    told = f", exit {code}" if type(code) is int else f", {status}" if status not in {"completed", ""} else ""
    text = (
        text_in(state, "output") or text_in(state, "error") or (json.dumps(state["error"]) if "error" in state else "")
    )
    ended = moment(dict_in(state, "time").get("end"))
    return [made, Event("tool_result", "tool", f"result{told}", text, ts=ended, answers=identifier, block=True)]
