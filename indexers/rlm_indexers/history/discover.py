"""Where transcripts lie: what was looked for, found, left out and why. Reads heads of files, never whole ones."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rlm_indexers.corpus import Skipped
from rlm_indexers.history.adapters import lost, opencode
from rlm_indexers.history.adapters.lost import Wanted
from rlm_indexers.history.agents import Form
from rlm_indexers.history.records import open_regular
from rlm_indexers.text import document_id

HEAD_BYTES = 64 * 1024
LONG_HEAD_BYTES = 4 * 1024 * 1024
DEPTH = 8
_UNENTERED = frozenset({"tool-results", "node_modules", ".git", "shell-snapshots", "file-history", "todos"})

_STRING = rb'"((?:[^"\\]|\\.){0,4096})"'
_FIELDS = {
    name: re.compile(rb'"' + name.encode() + rb'":\s?' + _STRING)
    for name in (
        "cwd",
        "gitBranch",
        "branch",
        "version",
        "timestamp",
        "sessionId",
        "requestSessionId",
        "workspaceDirectory",
    )
}
_TURN = re.compile(rb'"type":\s?"(?:user|assistant)"')
_UUID = re.compile(rb'"uuid":\s?"([^"\\]{1,80})"')
_TAIL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_NAMES = re.compile(
    r".*\.jsonl|session-.*\.json|.*\.messages\.json|[0-9a-f-]{36}\.json|\.aider\.chat\.history\.md|opencode\.db"
)
_NAMED: dict[str, Form] = {".aider.chat.history.md": "aider", "opencode.db": "opencode", "history.jsonl": "jsonl"}
_WHOLE: tuple[tuple[bytes, Form], ...] = (
    (b'"projectHash"', "gemini-json"),
    (b'"workspaceDirectory"', "continue"),
    (b'"messages"', "cline"),
)
_LINES: tuple[tuple[re.Pattern[bytes], Form], ...] = (
    (re.compile(rb'^\{[^\n]{0,200}"type":\s?"session_meta"'), "codex"),
    (re.compile(rb'^\{"type":\s?"session\.start"|"copilotVersion":'), "copilot"),
    (re.compile(rb'^\{"sessionId":[^\n]{0,400}"projectHash":'), "gemini"),
    (
        re.compile(
            rb'"parentUuid":|^\{"type":\s?"(?:summary|queue-operation|mode|last-prompt|file-history-|ai-title'
            rb"|custom-title|atis)",
            re.MULTILINE,
        ),
        "claude",
    ),
)


@dataclass(frozen=True, slots=True)
class Head:
    """What the beginning of a transcript says of it."""

    cwd: str = ""
    branch: str = ""
    version: str = ""
    started: str = ""
    first_turn: str = ""
    """The id of the first thing said: forks have it in common."""
    copied: bool = False
    """It holds replies that were given in another session."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A file to be read as one session, or as the thread of one of its subagents."""

    root: Path
    path: Path
    file: str
    """Relative to the root."""
    form: Form
    session: str
    agent: str
    """The id of the subagent, or ""."""
    size: int
    changed: int
    """In nanoseconds since the epoch."""
    head: Head

    @property
    def key(self) -> tuple[str, str, str]:
        """What no two transcripts have in common."""
        return str(self.path), self.session, self.agent


@dataclass(slots=True)
class Found:
    """What a search for transcripts came to."""

    root: Path
    looked: list[str] = field(default_factory=list)
    transcripts: list[Transcript] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    lost: Wanted | None = None
    """Which prompts of lost sessions are meant, where there are any."""

    def add(self, other: "Found") -> None:
        """Take over what another search came to."""
        self.looked += other.looked
        self.transcripts += other.transcripts
        self.skipped += other.skipped


def below(root: Path, base: Path | None = None) -> Found:
    """All transcripts under a folder, or the one file with its subagents' threads; named relative to `base`."""
    found = Found(base or (root if root.is_dir() else root.parent), [str(root)])
    paths = _walk(root, found) if root.is_dir() else _one(root) if root.is_file() else ()
    for path in paths:
        name = document_id(os.path.relpath(path, found.root))
        try:
            transcripts = _looked_at(found.root, path, name)
        except OSError as error:
            found.skipped.append(Skipped(name, f"unreadable: {error.strerror or error}"))
            continue
        if not transcripts:
            found.skipped.append(Skipped(name, "no-transcript: of no form that is known"))
        found.transcripts += transcripts
    return found


def add_lost_prompts(found: Found, root: Path, path: Path, wanted: Wanted) -> None:
    """Add what the client remembers of sessions whose transcripts are gone; named relative to where they were."""
    found.looked.append(str(path))
    try:
        count, status = lost.sessions(path, wanted), path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        found.skipped.append(Skipped(path.name, f"unreadable: {error.strerror or error}"))
        return
    if count:
        found.lost = wanted
        head = Head(cwd=f"{count} sessions whose transcripts are gone")
        session, size, changed = "prompts-of-lost-sessions", status.st_size, status.st_mtime_ns
        name = document_id(os.path.relpath(path, root))
        found.transcripts.append(Transcript(root, path, name, "prompts", session, "", size, changed, head))


def _one(path: Path) -> Iterator[Path]:
    yield path
    threads = path.with_suffix("") / "subagents"
    if threads.is_dir() and not threads.is_symlink():
        yield from sorted(threads.glob("agent-*.jsonl"))


def _walk(root: Path, found: Found) -> Iterator[Path]:
    pending = [(str(root), 0)]
    while pending:
        folder, depth = pending.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            found.skipped.append(Skipped(_shown(folder, found) + "/", f"unreadable: {error.strerror}"))
            continue
        for entry in listed:
            if entry.is_symlink():
                if _NAMES.fullmatch(entry.name) or entry.is_dir():
                    found.skipped.append(Skipped(_shown(entry.path, found), "symlink"))
            elif entry.is_dir(follow_symlinks=False):
                if depth < DEPTH and entry.name not in _UNENTERED:
                    pending.append((entry.path, depth + 1))
            elif _NAMES.fullmatch(entry.name):
                yield Path(entry.path)
            elif entry.name.endswith(".jsonl.zst"):
                found.skipped.append(Skipped(_shown(entry.path, found), "compressed: unpack it with zstd -d"))


def _shown(path: str, found: Found) -> str:
    return document_id(os.path.relpath(path, found.root))


def _looked_at(root: Path, path: Path, name: str) -> list[Transcript]:
    """The sessions in a file: one, none, or those of a store."""
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        data = file.read(HEAD_BYTES)
        if not _FIELDS["cwd"].search(data) and status.st_size > HEAD_BYTES:  # a first prompt with much pasted into it
            data += file.read(LONG_HEAD_BYTES)
    form = _form(data, path)
    if form is None:
        return []
    if form == "opencode":
        return _stored(root, path, name)
    within = path.parent.name == "subagents"
    session = path.parent.parent.name if within else _session(form, path, data)
    agent = path.stem if within else ""
    head = _head(form, path, data, session)
    return [Transcript(root, path, name, form, session, agent, status.st_size, status.st_mtime_ns, head)]


def _stored(root: Path, path: Path, name: str) -> list[Transcript]:
    """The sessions of a store, those of subagents under the session that began them."""
    listed = {each.id: each for each in opencode.sessions(path)}
    found = []
    for each in listed.values():
        top = each
        for _ in range(DEPTH):
            top = listed.get(top.parent, top)
        head = Head(cwd=each.cwd, version=each.version, started=each.created)
        agent = "" if top is each else each.id
        found.append(Transcript(root, path, name, "opencode", top.id, agent, 0, each.changed * 1_000_000, head))
    return found


def _form(data: bytes, path: Path) -> Form | None:
    if path.name in _NAMED:
        return _NAMED[path.name]
    if path.suffix == ".json":
        return next((form for sign, form in _WHOLE if sign in data), None)
    for sign, form in _LINES:
        if sign.search(data):
            return form
    return "jsonl" if any(_is_object(line) for line in data.split(b"\n")[:20]) or data.startswith(b"{") else None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _session(form: Form, path: Path, data: bytes) -> str:
    """The id under which the agent itself knows the session, as far as its files tell."""
    if form == "copilot":
        return path.parent.name
    if form == "aider":
        return path.parent.name or "root"
    if form in {"gemini", "gemini-json"}:
        return _value("sessionId", data) or path.stem
    if form == "codex" and (found := _TAIL.search(path.stem)):
        return found[0]
    return path.stem.removesuffix(".messages")


def _head(form: Form, path: Path, data: bytes, session: str) -> Head:
    first = next((line for line in data.split(b"\n") if _TURN.search(line)), b"") if form == "claude" else b""
    uuid = _UUID.search(first)
    asked = _value("requestSessionId", data)
    return Head(
        cwd=_cwd(form, path, data),
        branch=_value("gitBranch", data) or _value("branch", data),
        version=_value("version", data),
        started=_value("timestamp", data),
        first_turn=uuid[1].decode("utf-8", "replace") if uuid else "",
        copied=bool(asked) and asked != session,
    )


def _cwd(form: Form, path: Path, data: bytes) -> str:
    """Where a session ran; some agents write that beside it."""
    if form == "aider":
        return str(path.parent)
    if form in {"gemini", "gemini-json"}:
        return _beside(path.parent.parent / ".project_root").decode("utf-8", "replace").strip()
    if form == "cline":
        data = _beside(path.with_name(path.name.replace(".messages.json", ".json")))
        return _value("cwd", data)
    return _value("cwd", data) or _value("workspaceDirectory", data)


def _beside(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def _value(name: str, data: bytes) -> str:
    found = _FIELDS[name].search(data)
    if found is None:
        return ""
    try:
        return str(json.loads(b'"' + found[1] + b'"'))
    except ValueError:
        return ""
