"""Commits and differences as documents that can be read and cited: made from git when asked for, the same each time.

    commit:<name>            a line of its own (name, day, author, subject), the rest of its message, its patch
    commit:<name>:<path>     likewise, with the patch of one file or folder; an error when the commit does not touch it
    diff:<name>..<name>      the paths that differ between two commits, and the patch; `:<path>` likewise

Names are the start of a commit's hash, never a branch, so that a citation means the same for ever.
"""

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from rlm_indexers.errors import GitError, SourceError, SpanError
from rlm_indexers.pack.reader import Pack
from rlm_indexers.past.evidence import SHORT, Blamed, Commit, Evidence
from rlm_indexers.repo.content import document as text_of

JSON = Any
MOST_LINES = 20_000
"""Of a file whose lines are carried over from the commit to the text of the corpus."""
MOST_PATHS = 5_000
"""Listed at the head of a difference."""
NAMED = re.compile(
    r"(?:commit:(?P<commit>[0-9a-f]{7,64})|diff:(?P<earlier>[0-9a-f]{7,64})\.\.(?P<later>[0-9a-f]{7,64}))"
    r"(?::(?P<path>[^\n]+))?"
)
_HEAD = re.compile(r"^(?:HEAD|@)(?=$|[~^])")


@dataclass(frozen=True, slots=True)
class Row:
    """A document, and its first line; `start` and `end`: the lines it is the answer for, where lines were asked for."""

    document: str
    text: str
    start: int = 0
    end: int = 0


class Commits:
    """The history behind a corpus, asked as of the revision it was loaded at. Blocking; raises IndexerError."""

    def __init__(self, pack: Pack, facts: Mapping[str, JSON], cache: Path) -> None:
        self._pack = pack
        self._repositories = dict(_repositories(facts, cache))
        if not self._repositories:
            raise SourceError("this corpus was not loaded from a git repository: there is no history to ask")
        self.text = lru_cache(64)(self._text)

    def log(self, path: str = "", *, grep: str = "", author: str = "", since: str = "", limit: int = 50) -> list[Row]:
        """The newest commits that touch a path, whose message or author matches, since a date (see `Evidence.log`).

        Raises SourceError when no commit at all touches the path.
        """
        found: list[tuple[datetime, Row]] = []
        for prefix, (evidence, revision) in self._asked(path):
            inner = _inner(prefix, path)
            rows = evidence.log(inner, grep=grep, author=author, since=since, limit=limit, revision=revision)
            found += [(datetime.fromisoformat(each.date), _row(each, prefix)) for each in rows]
        if path and not found and not (grep or author or since):
            raise SourceError(f"no commit touches {path!r}: pass a path as the corpus has it, or as it once was")
        if len(self._repositories) > 1:
            found.sort(key=lambda each: each[0], reverse=True)
        return [row for _, row in found[:limit]]

    def blame(self, path: str, start: int, end: int) -> list[Row]:
        """The commits that last touched lines of a document, as it is in the corpus; none for lines not committed."""
        i = self._pack.index(path)
        if i is None or not 1 <= start <= end <= self._pack.line_count(i):
            raise SpanError(f"{path}:{start}-{end} is not in the corpus: pass a document and lines that it has")
        prefix, (evidence, revision) = self._asked(path)[0]
        inner = _inner(prefix, path)
        then = evidence.text_at(revision, inner)
        if then is None:
            raise SourceError(f"{path!r} is not in commit {revision[:SHORT]}: nobody has committed it yet")
        lines = _carried(bytes(text_of(inner, then).data).split(b"\n"), bytes(self._pack.data(i)).split(b"\n"))
        wanted = {now: lines[now] for now in range(start, end + 1) if now in lines}
        if not wanted:
            return []
        blamed = evidence.blame(inner, min(wanted.values()), max(wanted.values()), revision=revision)
        return _blamed(prefix, wanted, blamed)

    def diff(self, revision: str, until: str = "", path: str = "") -> str:
        """The id of the difference of two commits; `until`: the revision of the corpus when empty."""
        prefix, evidence, (earlier, later) = self._where(path, revision, until)
        where = path or prefix.rstrip("/")
        return f"diff:{evidence.name(earlier)[:SHORT]}..{evidence.name(later)[:SHORT]}" + (f":{where}" if where else "")

    def commit(self, revision: str, path: str = "") -> str:
        """The id of a commit as a document. A commit can also be named by such an id, whose path then holds."""
        named = NAMED.fullmatch(revision)
        path = path or (named["path"] or "" if named else "")
        prefix, evidence, (name,) = self._where(path, revision)
        where = path or prefix.rstrip("/")
        return f"commit:{evidence.name(name)[:SHORT]}" + (f":{where}" if where else "")

    def canonical(self, document: str) -> str | None:
        """The one id of a commit or difference however much of its hashes is written; None for other ids."""
        named = NAMED.fullmatch(document)
        if named is None:
            return None
        if named["commit"]:
            return self.commit(named["commit"], named["path"] or "")
        return self.diff(named["earlier"], named["later"], named["path"] or "")

    def _text(self, document: str) -> bytes | None:
        """The text of a commit or difference by its id, made anew from git; None when the id is of another form."""
        named = NAMED.fullmatch(document)
        if named is None:
            return None
        path = named["path"] or ""
        ends = [named["commit"]] if named["commit"] else [named["earlier"], named["later"]]
        prefix, evidence, ends = self._where(path, *ends)
        inner = _inner(prefix, path)
        text = evidence.commit(ends[0], inner) if named["commit"] else _difference(evidence, ends[0], ends[1], inner)
        return text.encode("utf-8", "replace")

    # Which repository

    def _asked(self, path: str) -> list[tuple[str, tuple[Evidence, str]]]:
        """The repositories that a path can mean, with the start of their documents' ids."""
        found = [(prefix, known) for prefix, known in self._repositories.items() if f"{path}/".startswith(prefix)]
        if not found and path:
            raise SourceError(f"{path!r} is in none of {', '.join(self._repositories)}: pass a path of the corpus")
        return found or list(self._repositories.items())

    def _where(self, path: str, *revisions: str) -> tuple[str, Evidence, list[str]]:
        """The one repository that a path means, or else that knows all of the revisions; and these as it knows them.

        `HEAD` and "" are the revision that was loaded, whatever is checked out by now; a commit's document its commit.
        """
        asked, failure = self._asked(path), None
        fitting = []
        for prefix, (evidence, now) in asked:
            names = [_revision(revision, now) for revision in revisions]
            try:
                fitting.append((prefix, evidence, [evidence.name(name) for name in names]))
            except GitError as error:
                failure = error
        if failure and not fitting:
            raise failure
        if len(fitting) > 1:
            several = ", ".join(prefix.rstrip("/") for prefix, *_ in fitting)
            what = " and ".join(revision or "HEAD" for revision in revisions)
            raise SourceError(f"{what} can mean a commit in each of {several}: pass a path in one")
        return fitting[0]


def pack_of(document: str, data: bytes) -> Pack:
    """One document as a pack, in memory: what is made from git is checked by the same rules as what is loaded."""
    import tempfile

    from rlm_indexers.corpus import SourceDocument
    from rlm_indexers.pack.writer import PackWriter

    with tempfile.TemporaryDirectory() as folder, PackWriter(Path(folder) / "pack") as writer:
        writer.add(SourceDocument(document, data, hashlib.sha256(data).hexdigest()))
        writer.finish({"name": document, "kind": "repo", "facts": {}})
        return Pack((Path(folder) / "pack").read_bytes())


def _repositories(facts: Mapping[str, JSON], cache: Path) -> Iterator[tuple[str, tuple[Evidence, str]]]:
    """Of each repository of a corpus the start of its documents' ids, and it at the revision that was loaded."""
    sources = facts.get("sources")
    for prefix, known in sources.items() if isinstance(sources, dict) else (("", facts),):
        place = known.get("root") or known.get("url")
        if known.get("git") and known.get("revision") and place:
            mirror = cache / "mirrors" / (hashlib.sha256(str(place).encode()).hexdigest()[:24] + ".git")
            evidence = Evidence(Path(place) if known.get("root") else mirror)
            yield (f"{prefix}/" if prefix else ""), (evidence, known["revision"])


def _revision(revision: str, now: str) -> str:
    """A revision as git understands it."""
    named = NAMED.fullmatch(revision)
    if named and named["commit"]:
        return named["commit"]
    return _HEAD.sub(now, revision) if revision else now


def _inner(prefix: str, path: str) -> str:
    """A path of the corpus as its repository has it; "" for all of it."""
    return path[len(prefix) :] if path.startswith(prefix) else ""


def _difference(evidence: Evidence, earlier: str, later: str, inner: str) -> str:
    changes = [
        c
        for c in evidence.changed_since(earlier, later)
        if not inner or any(f"{path}/".startswith(f"{inner}/") for path in (c.path, c.earlier))
    ]
    listed = [f"{c.status} {c.path}" + (f" (was {c.earlier})" if c.earlier else "") for c in changes[:MOST_PATHS]]
    more = [f"… and {len(changes) - MOST_PATHS:,} more: name a path"] if len(changes) > MOST_PATHS else []
    count = f"{len(changes):,} paths differ" if len(changes) != 1 else "1 path differs"
    return "\n".join([count, *listed, *more, "", evidence.diff(earlier, later, inner)])


def _row(commit: Commit, prefix: str) -> Row:
    path = f"{prefix}{commit.path}" if commit.path else prefix.rstrip("/")
    return Row(f"commit:{commit.sha[:SHORT]}" + (f":{path}" if path else ""), str(commit))


def _blamed(prefix: str, wanted: Mapping[int, int], blamed: list[Blamed]) -> list[Row]:
    commits = {line: each.commit for each in blamed for line in range(each.start, each.end + 1)}
    rows: list[Row] = []
    for now, then in wanted.items():
        row = _row(commits[then], prefix)
        last = rows[-1] if rows else None
        if last and last.document == row.document and last.end == now - 1:
            rows[-1] = Row(last.document, last.text, last.start, now)
        else:
            rows.append(Row(row.document, row.text, now, now))
    return rows


def _carried(then: list[bytes], now: list[bytes]) -> dict[int, int]:
    """Of the lines that are in both texts, the number in the corpus → the number in the commit."""
    then, now = ([line.rstrip(b"\r") for line in lines] for lines in (then, now))
    if then == now:
        return {n: n for n in range(1, len(now) + 1)}
    if max(len(then), len(now)) > MOST_LINES:
        raise SourceError(f"the file was changed since, and has more than {MOST_LINES} lines: commit it first")
    blocks = difflib.SequenceMatcher(None, then, now, autojunk=False).get_matching_blocks()
    return {b.b + n + 1: b.a + n + 1 for b in blocks for n in range(b.size)}
