"""Past sessions of coding agents as documents: from `history:…` to what it names, in scope, read and redacted."""

import hashlib
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlm_indexers.corpus import Fetched, Skipped, SourceDocument, Unchanged
from rlm_indexers.errors import SourceError
from rlm_indexers.history import find, live
from rlm_indexers.history.adapters import lost, opencode
from rlm_indexers.history.adapters.lost import Wanted
from rlm_indexers.history.adapters.reading import Task
from rlm_indexers.history.agents import FAMILIES, READERS, Places
from rlm_indexers.history.discover import Found
from rlm_indexers.history.plan import Planned, copied_ids, plan
from rlm_indexers.history.redact import Redactor, key_in
from rlm_indexers.history.reuse import Earlier, marked, state
from rlm_indexers.pack.previous import Previous
from rlm_indexers.sources import Source

VERSION = 1
"""Raise it when the same transcripts give other documents."""
_RACY = 2_000_000_000


def fetch(
    source: Source,
    *,
    cache: Path | None = None,
    previous: Previous | None = None,
    progress: Callable[[str], None] | None = None,
    places: Places | None = None,
    exclude: Collection[str] = (),
) -> Fetched:
    """The sessions that a source names, one document per thread, secrets taken out.

    `history:` means those that ran in the repository around `source.cwd`, in any of its work trees;
    `history:claude-code` (or another of AGENTS) and `history:all` those of every project; `history:PATH` a transcript,
    the folder of a project, a `projects` folder or a configuration folder. `exclude`: ids of sessions to leave out,
    beside those that ask (live.py). `previous`: the pack of an earlier load; what did not change since is taken from
    it. Raises SourceError that says where was looked, when nothing is found.
    """
    started = time.time_ns()
    places = places or Places(Path.home())
    found = find.find(source, places)
    find.leave_out(found, {*exclude, *live.asking(found.transcripts, places.tools)})
    find.note_swept(found)
    planned = plan(found.transcripts)
    if not planned:
        raise SourceError(find.nothing(source, found))
    key = key_in(cache) if cache is not None else secrets.token_bytes(32)
    fetched = Fetched("history", source.name, (), found.skipped, _facts(source, found, planned))
    if cache is not None and all(each.transcript.changed < started - _RACY for each in planned):
        fetched.fingerprint = _fingerprint(planned, found, key)
    reading = _Reading(fetched, key, cache is not None, Earlier(previous), progress, found.lost)
    fetched.documents = reading.documents(planned)
    return fetched


def _facts(source: Source, found: Found, planned: list[Planned]) -> dict[str, object]:
    starts = sorted(each.transcript.head.started for each in planned if each.transcript.head.started)
    roots = {FAMILIES[each.transcript.form]: str(each.transcript.root) for each in planned}
    return {
        "root": next(iter(roots.values())) if len(set(roots.values())) == 1 else None,
        "roots": dict(sorted(roots.items())),
        "looked": found.looked,
        "scope": source.location or "this repository",
        "sessions": sum(not each.transcript.agent for each in planned),
        "subagents": sum(bool(each.transcript.agent) for each in planned),
        "first": starts[0][:10] if starts else None,
        "last": starts[-1][:10] if starts else None,
    }


def _fingerprint(planned: list[Planned], found: Found, key: bytes) -> str:
    digest = hashlib.sha256(f"{VERSION} {found.looked} {sorted(found.skipped)}".encode() + key)
    for each in planned:
        state = (each.id, str(each.transcript.path), each.transcript.size, each.transcript.changed)
        digest.update(repr(state).encode())
    return digest.hexdigest()


@dataclass(slots=True)
class _Reading:
    """One pass over planned transcripts."""

    fetched: Fetched
    key: bytes
    lasting: bool
    """The key outlives this process, so hashes made with it mean something to the next one."""
    previous: Earlier
    progress: Callable[[str], None] | None
    lost: Wanted | None
    secrets: Counter[str] = field(default_factory=Counter)
    held: list[SourceDocument | Unchanged] = field(default_factory=list)
    """Further documents of a transcript, which may belong behind those of the next ones."""
    workshop: str = ""
    copies: dict[Path, Path] = field(default_factory=dict)

    def documents(self, planned: list[Planned]) -> Iterator[SourceDocument | Unchanged]:
        with tempfile.TemporaryDirectory(prefix="rlm-") as self.workshop:
            yield from self._documents(planned)

    def _documents(self, planned: list[Planned]) -> Iterator[SourceDocument | Unchanged]:
        for each in planned:
            yield from self._due(each.id)
            if self.progress is not None:
                self.progress(each.id)
            try:
                made = self._taken(each)
            except OSError as error:
                self.fetched.skipped.append(Skipped(each.transcript.file, f"unreadable: {error.strerror or error}"))
                continue
            if not made:
                self.fetched.skipped.append(Skipped(each.transcript.file, "empty: nothing was said in it"))
            self.held += made
        yield from self._due(None)
        self.fetched.facts["secrets"] = dict(sorted(self.secrets.items()))

    def _readable(self, each: Planned) -> Path:
        """The file to read: of a store that is in use, one copy for all its sessions."""
        path = each.transcript.path
        if each.transcript.form != "opencode":
            return path
        if path not in self.copies:
            self.copies[path] = opencode.copied(path, Path(self.workshop))
        return self.copies[path]

    def _due(self, until: str | None) -> Iterator[SourceDocument | Unchanged]:
        """What is held and comes before a document, in order."""
        self.held.sort(key=lambda document: document.id.encode())
        while self.held and (until is None or self.held[0].id.encode() < until.encode()):
            yield self.held.pop(0)

    def _taken(self, each: Planned) -> Sequence[SourceDocument | Unchanged]:
        """The documents of a transcript, from the previous pack when nothing about it changed."""
        now = state(each, self.key, VERSION) if self.lasting else ""
        if known := self.previous.documents(now, self.secrets):
            return known
        redactor = Redactor(self.key)
        made = self._read(each, redactor)
        self.secrets += redactor.found
        return marked(made, now, redactor.found)

    def _read(self, each: Planned, redactor: Redactor) -> list[SourceDocument]:
        task = Task(
            id=each.id,
            path=self._readable(each),
            file=each.transcript.file,
            session_folder=each.session_folder,
            started=each.transcript.head.started,
            about="; ".join(filter(None, (each.where, each.about))),
            original=each.original,
            copied=copied_ids(each.originals),
            subagents=each.subagents,
            session=each.transcript.agent or each.transcript.session,
            subagent=bool(each.transcript.agent),
        )
        if self.lost is not None and each.transcript.form == "prompts":
            return lost.read(task, redactor, self.lost)
        return READERS[each.transcript.form](task, redactor)
