"""Git as evidence: when a line changed, by whom, in which commit; and what a commit changed.

Everything goes through the hardened wrapper and compares commits with commits, so no filter of a checkout ever runs.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers import checkout as checkouts
from rlm_indexers.content import LARGEST_BYTES
from rlm_indexers.errors import SourceError
from rlm_indexers.git import Git
from rlm_indexers.listing import document_id

MOST_COMMITS = 500
DIFF_BYTES = 1 << 18
SHORT = 12
"""Characters of a commit's name by which it goes."""
SECONDS = 20.0
_FORMAT = "%H%x1f%an%x1f%aI%x1f%s"
_PLAIN = ("--no-textconv", "--no-ext-diff", "--no-color")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `date` is the author's, ISO 8601."""

    sha: str
    author: str
    date: str
    subject: str

    def __str__(self) -> str:
        """One line: the start of its name, the day, who, what."""
        return f"{self.sha[:SHORT]} {self.date[:10]} {self.author}: {self.subject}"


@dataclass(frozen=True, slots=True)
class Blamed:
    """Lines `start` to `end` of a file as it is in the commit asked for, and the commit that last touched them."""

    start: int
    end: int
    commit: Commit


@dataclass(frozen=True, slots=True)
class Change:
    """A path that differs between two commits. `status`: A, D, M, T, or R and C with the earlier path."""

    status: str
    path: str
    earlier: str = ""


class Evidence:
    """Questions to the history of the repository around a path. Raises SourceError when there is none."""

    def __init__(self, root: Path) -> None:
        found = checkouts.find(root)
        if found is None:
            raise SourceError(f"{root} is in no git repository: there is no history to ask")
        self._git = Git(found.git_dir, found.work_tree, seconds=SECONDS)
        self._below = _below(root, found.work_tree)

    def inside(self, path: str) -> str:
        """A path below the folder asked about, as git knows it: below the top of the repository."""
        return posixpath.normpath(posixpath.join(self._below, path)) if path else self._below

    def name(self, revision: str) -> str:
        """The full name of the commit that a revision means. Raises GitError when it means none."""
        return self._git.commit(revision)

    def log(
        self,
        path: str = "",
        *,
        grep: str = "",
        author: str = "",
        since: str = "",
        revision: str = "HEAD",
        limit: int = 50,
    ) -> list[Commit]:
        """The newest commits that touch a path, whose message or author matches, since a date; at most `limit`."""
        chosen = [
            f"--{name}={value}" for name, value in (("grep", grep), ("author", author), ("since", since)) if value
        ]
        where = self._where(path)
        commit = self._git.commit(revision)
        count = f"--max-count={max(1, min(limit, MOST_COMMITS))}"
        said = self._git.run("log", "-z", f"--format={_FORMAT}", "--regexp-ignore-case", count, *chosen, commit, *where)
        return [_commit(row) for row in said.decode("utf-8", "replace").split("\0") if row]

    def blame(self, path: str, start: int, end: int, *, revision: str = "HEAD") -> list[Blamed]:
        """Who last changed lines `start` to `end` of a file, neighbours of one commit taken together."""
        commit = self._git.commit(revision)
        lines = f"-L{int(start)},{int(end)}"
        said = self._git.run("blame", "--line-porcelain", "--no-textconv", lines, commit, "--", self.inside(path))
        return _blamed(said.decode("utf-8", "replace"))

    def changed_since(self, revision: str, until: str = "HEAD") -> list[Change]:
        """The paths that differ between two commits, renames recognised, in order of path."""
        earlier, later = self._git.commit(revision), self._git.commit(until)
        said = self._git.run("diff-tree", "-r", "-z", "-M", "--name-status", *_PLAIN, earlier, later, *self._where(""))
        parts = iter(said.rstrip(b"\0").split(b"\0") if said else ())
        changes = []
        for status in parts:
            letter = status.decode()[:1]
            first = self._outside(next(parts))
            changes.append(
                Change(letter, self._outside(next(parts)), first) if letter in "RC" else Change(letter, first)
            )
        return sorted(changes, key=lambda change: change.path)

    def commit(self, revision: str, path: str = "") -> str:
        """A commit as text: a line of its own, the rest of its message, its patch (of a path; of all against its first
        parent). Raises SourceError when it does not touch the path.
        """
        sha = self._git.commit(revision)
        said = self._git.run("log", "-z", f"--format={_FORMAT}%x1f%P%x1f%b", "--max-count=1", sha, "--")
        *known, parents, body = said.decode("utf-8", "replace").rstrip("\0\n").split("\x1f", 5)
        ends = (parents.split()[0], sha) if parents else ("--root", "--no-commit-id", sha)
        patch = self._patch(ends, path)
        if path and not patch and " " not in parents:
            raise SourceError(f"commit {sha[:SHORT]} does not touch {path!r}")
        parts = [str(Commit(*known)), *(["", body.strip("\n")] if body.strip() else []), "", patch]
        return "\n".join(parts)

    def text_at(self, revision: str, path: str) -> bytes | None:
        """The bytes of a file in a commit; None when it is not there."""
        sha = self._git.commit(revision)
        row = self._git.run("ls-tree", "-z", sha, "--", self.inside(path))
        if not row:
            return None
        with self._git.blobs() as blobs:
            return blobs.read_up_to(row.split(None, 3)[2].decode(), LARGEST_BYTES)[0]

    def diff(self, revision: str, until: str = "HEAD", path: str = "") -> str:
        """The difference of two commits as a patch, cut at 256 KiB with a note."""
        return self._patch((self._git.commit(revision), self._git.commit(until)), path)

    def _patch(self, ends: Iterable[str], path: str) -> str:
        said = self._git.run("diff-tree", "-r", "-p", "-M", *_PLAIN, *ends, *self._where(path))
        cut = f"\n[… {len(said) - DIFF_BYTES} bytes left out: name a path]\n" if len(said) > DIFF_BYTES else ""
        return said[:DIFF_BYTES].decode("utf-8", "replace") + cut

    def _outside(self, path: bytes) -> str:
        """The document of a path as git knows it."""
        return document_id(path).removeprefix(f"{self._below}/" if self._below else "")

    def _where(self, path: str) -> tuple[str, ...]:
        inside = self.inside(path)
        return ("--", inside) if inside else ("--",)


def _below(root: Path, work_tree: Path | None) -> str:
    """The folder asked about, seen from the top of its repository."""
    inside = work_tree is not None and root != work_tree and root.is_relative_to(work_tree)
    return root.relative_to(work_tree).as_posix() if work_tree is not None and inside else ""


def _commit(row: str) -> Commit:
    sha, _, rest = row.lstrip("\n").partition("\x1f")
    author, _, rest = rest.partition("\x1f")
    date, _, subject = rest.partition("\x1f")
    return Commit(sha, author, date, subject)


def _blamed(porcelain: str) -> list[Blamed]:
    out: list[Blamed] = []
    sha, line, said = "", 0, dict[str, str]()
    for row in porcelain.split("\n"):
        if row.startswith("\t"):
            commit = Commit(sha, said.get("author", ""), _date(said), said.get("summary", ""))
            last = out[-1] if out else None
            if last and last.commit == commit and last.end == line - 1:
                out[-1] = Blamed(last.start, line, commit)
            else:
                out.append(Blamed(line, line, commit))
            said = {}
        elif not said:
            sha, _, numbers = row.partition(" ")
            line = int(numbers.split()[1]) if numbers else 0
            said = {"sha": sha}
        else:
            key, _, value = row.partition(" ")
            said[key] = value
    return out


def _date(said: dict[str, str]) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(said.get("author-time", "0")), UTC).isoformat()
