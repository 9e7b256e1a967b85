"""Where transcripts lie: what was looked for, found, left out and why. Reads heads of files, never whole ones."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rlm_indexers.corpus import Skipped
from rlm_indexers.history.records import open_regular
from rlm_indexers.text import document_id

HEAD_BYTES = 64 * 1024
LONG_HEAD_BYTES = 4 * 1024 * 1024
DEPTH = 8
_UNENTERED = frozenset({"tool-results", "node_modules", ".git", "shell-snapshots", "file-history", "todos"})

_STRING = rb'"((?:[^"\\]|\\.){0,4096})"'
_FIELDS = {
    name: re.compile(rb'"' + name.encode() + rb'":\s?' + _STRING)
    for name in ("cwd", "gitBranch", "version", "timestamp", "sessionId", "requestSessionId", "project")
}
_TURN = re.compile(rb'"type":\s?"(?:user|assistant)"')
_UUID = re.compile(rb'"uuid":\s?"([^"\\]{1,80})"')
# Copilot and Gemini name their sessions likewise; these they do not have.
_CLAUDE = re.compile(
    rb'"parentUuid":|^\{"type":\s?"(?:summary|queue-operation|mode|last-prompt|file-history-|ai-title|custom-title|atis)',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where agents keep their things on this machine. The caller reads the environment; this package does not."""

    home: Path
    claude_config: Path | None = None
    """`CLAUDE_CONFIG_DIR`, where it is set."""

    @property
    def claude(self) -> Path:
        return self.claude_config or self.home / ".claude"


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

    path: Path
    file: str
    """Relative to the root."""
    form: Literal["claude", "jsonl"]
    session: str
    agent: str
    """The id of the subagent, or ""."""
    size: int
    changed: int
    """In nanoseconds since the epoch."""
    head: Head


@dataclass(slots=True)
class Found:
    """What a search for transcripts came to."""

    root: Path
    looked: list[str] = field(default_factory=list)
    transcripts: list[Transcript] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def below(root: Path) -> Found:
    """All transcripts under a folder, or the one file; subagents' threads come with their session."""
    found = Found(root if root.is_dir() else root.parent, [str(root)])
    paths = _walk(root, found) if root.is_dir() else _one(root)
    for path in paths:
        name = document_id(os.path.relpath(path, found.root))
        try:
            transcript = _looked_at(path, name)
        except OSError as error:
            found.skipped.append(Skipped(name, f"unreadable: {error.strerror or 'no regular file'}"))
            continue
        if transcript is None:
            found.skipped.append(Skipped(name, "no-transcript: no line of it is a JSON object"))
        else:
            found.transcripts.append(transcript)
    return found


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
                if entry.name.endswith(".jsonl") or entry.is_dir():
                    found.skipped.append(Skipped(_shown(entry.path, found), "symlink"))
            elif entry.is_dir(follow_symlinks=False):
                if depth < DEPTH and entry.name not in _UNENTERED:
                    pending.append((entry.path, depth + 1))
            elif entry.name.endswith(".jsonl"):
                yield Path(entry.path)
            elif entry.name.endswith(".jsonl.zst"):
                found.skipped.append(Skipped(_shown(entry.path, found), "compressed: unpack it with zstd -d"))


def _shown(path: str, found: Found) -> str:
    return document_id(os.path.relpath(path, found.root))


def _looked_at(path: Path, name: str) -> Transcript | None:
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        data = file.read(HEAD_BYTES)
        if not _FIELDS["cwd"].search(data) and status.st_size > HEAD_BYTES:  # a first prompt with much pasted into it
            data += file.read(LONG_HEAD_BYTES)
    form = _form(data, name)
    if form is None:
        return None
    within = path.parent.name == "subagents"
    session = path.parent.parent.name if within else path.stem
    agent = path.stem if within else ""
    head = _head(data, session)
    return Transcript(path, name, form, session, agent, status.st_size, status.st_mtime_ns, head)


def _form(data: bytes, name: str) -> Literal["claude", "jsonl"] | None:
    if _FIELDS["sessionId"].search(data) and _CLAUDE.search(data) and not name.endswith("history.jsonl"):
        return "claude"
    for line in data.split(b"\n")[:20]:
        try:
            if isinstance(json.loads(line), dict):
                return "jsonl"
        except (ValueError, RecursionError):
            continue
    return None if data.strip() and not data.lstrip().startswith(b"{") else "jsonl"


def _head(data: bytes, session: str) -> Head:
    first = next((line for line in data.split(b"\n") if _TURN.search(line)), b"")
    uuid = _UUID.search(first)
    asked = _value("requestSessionId", data)
    return Head(
        cwd=_value("cwd", data),
        branch=_value("gitBranch", data),
        version=_value("version", data),
        started=_value("timestamp", data),
        first_turn=uuid[1].decode("utf-8", "replace") if uuid else "",
        copied=bool(asked) and asked != session,
    )


def _value(name: str, data: bytes) -> str:
    found = _FIELDS[name].search(data)
    if found is None:
        return ""
    try:
        return str(json.loads(b'"' + found[1] + b'"'))
    except ValueError:
        return ""
