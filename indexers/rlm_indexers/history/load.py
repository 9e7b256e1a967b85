"""Past sessions of coding agents as documents: from `history:…` to what it names, in scope, read and redacted."""

import hashlib
import os
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rlm_indexers.corpus import Fetched, Skipped, SourceDocument, Unchanged
from rlm_indexers.errors import SourceError
from rlm_indexers.history import discover, scope
from rlm_indexers.history.adapters import opencode
from rlm_indexers.history.adapters.reading import Task
from rlm_indexers.history.agents import AGENTS, FAMILIES, READERS, Places
from rlm_indexers.history.discover import Found
from rlm_indexers.history.plan import Planned, copied_ids, home, plan
from rlm_indexers.history.redact import Redactor, key_in
from rlm_indexers.history.reuse import Previous, marked, state
from rlm_indexers.reader import Pack
from rlm_indexers.sources import Source

VERSION = 1
"""Raise it when the same transcripts give other documents."""
AIDER = ".aider.chat.history.md"
_RACY = 2_000_000_000


def fetch(
    source: Source,
    *,
    cache: Path | None = None,
    previous: Pack | None = None,
    progress: Callable[[str], None] | None = None,
    places: Places | None = None,
    exclude: Collection[str] = (),
) -> Fetched:
    """The sessions that a source names, one document per thread, secrets taken out.

    `history:` means those that ran in the repository around `source.cwd`, in any of its work trees;
    `history:claude-code` and `history:all` those of every project; `history:PATH` a transcript, the folder of a
    project, a `projects` folder or a configuration folder. `exclude`: ids of sessions to leave out, such as the one
    that asks. `previous`: the pack of an earlier load; what did not change since is taken from it. Raises SourceError
    that says where was looked, when nothing is found.
    """
    started = time.time_ns()
    found = _found(source, places or Places(Path.home()))
    _leave_out(found, exclude)
    _note_swept(found)
    planned = plan(found.transcripts)
    if not planned:
        raise SourceError(_nothing(source, found))
    key = key_in(cache) if cache is not None else secrets.token_bytes(32)
    fetched = Fetched("history", source.name, (), found.skipped, _facts(source, found, planned))
    if cache is not None and all(each.transcript.changed < started - _RACY for each in planned):
        fetched.fingerprint = _fingerprint(planned, found, key)
    reading = _Reading(fetched, key, cache is not None, Previous(previous), progress)
    fetched.documents = reading.documents(planned)
    return fetched


def _found(source: Source, places: Places) -> Found:
    """All transcripts at the place that is meant, those out of scope left out and counted."""
    if source.location in {"", "all", *AGENTS}:
        return _known(source, places)
    path = source.cwd / Path(source.location).expanduser()
    if not path.exists():
        raise SourceError(
            f"there is no {str(path)!r} to read a history from: pass history:PATH with a folder of transcripts, "
            f"history: for the sessions of this repository, or history:{' / history:'.join(('all', *AGENTS))}"
        )
    path = Path(os.path.abspath(path))  # noqa: PTH100 - not resolve(): a link that was named is meant
    return discover.below(path / "projects" if (path / "projects").is_dir() else path)


def _known(source: Source, places: Places) -> Found:
    """What the agents of this machine keep: of this repository, of one agent, or all of it."""
    whole = Found(source.cwd)
    for agent, roots in places.roots().items():
        for root in roots if source.location in {"", "all", agent} else ():
            whole.looked.append(str(root))
            if root.is_dir():
                found = discover.below(root, root.parent if len(roots) > 1 else root)
                whole.transcripts += found.transcripts
                whole.skipped += found.skipped
    if not source.location:
        wanted = scope.of(source.cwd)
        for folder in wanted.roots:
            if (Path(folder) / AIDER).is_file():
                whole.transcripts += discover.below(Path(folder) / AIDER).transcripts
        _keep(whole, wanted)
    return whole


def _keep(found: Found, wanted: scope.Scope) -> None:
    """Only the sessions of a scope; a subagent goes with its session."""
    mains = {home(each) for each in found.transcripts if not each.agent}
    # A session that was swept away may have left its subagents' threads: they speak for it.
    leading = [each for each in found.transcripts if not each.agent or home(each) not in mains]
    sessions = {home(each) for each in leading if wanted.holds(each.head.cwd)}
    elsewhere: Counter[str] = Counter()
    for each in leading:
        if not each.head.cwd:
            found.skipped.append(Skipped(each.file, "no-working-folder: it does not say where it ran"))
        elif home(each) not in sessions:
            elsewhere[FAMILIES[each.form]] += 1
    found.skipped += [Skipped(agent, f"other-projects: {count} sessions") for agent, count in elsewhere.items()]
    unique = {each.key: each for each in found.transcripts if home(each) in sessions}
    found.transcripts = list(unique.values())
    found.looked.append(f"for sessions that ran in {' or '.join(wanted.roots)}")


def _leave_out(found: Found, exclude: Collection[str]) -> None:
    for each in found.transcripts:
        if each.session in exclude and not each.agent:
            found.skipped.append(Skipped(each.file, "live-session: the one that asks"))
    found.transcripts = [each for each in found.transcripts if each.session not in exclude]


def _note_swept(found: Found) -> None:
    """Clients remove old transcripts and leave what lies beside them: absence then means less."""
    mains = {home(each) for each in found.transcripts if not each.agent}
    swept = {home(each): each for each in found.transcripts if each.agent and home(each) not in mains}
    for each in swept.values():
        name = each.file.split("/subagents/", 1)[0]
        found.skipped.append(Skipped(f"{name}.jsonl", "swept: only threads of its subagents are left"))


def _nothing(source: Source, found: Found) -> str:
    reasons = Counter(skipped.reason for skipped in found.skipped)
    left = "; left out: " + ", ".join(f"{count} x {reason}" for reason, count in reasons.items()) if reasons else ""
    return (
        f"no transcripts for history:{source.location}. Looked in {', '.join(found.looked)}{left}. "
        f"Pass history:PATH with a folder of transcripts, history:claude-code for those of every project, "
        f"or set CLAUDE_CONFIG_DIR if Claude Code keeps its files elsewhere"
    )


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
    previous: Previous
    progress: Callable[[str], None] | None
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
        return READERS[each.transcript.form](task, redactor)
