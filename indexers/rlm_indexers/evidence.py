"""Git as evidence: when a line changed, by whom, in which commit; and what a commit changed.

Everything goes through the hardened wrapper and compares commits with commits, so no filter of a checkout ever runs.
"""

from dataclasses import dataclass
from pathlib import Path

from rlm_indexers import checkout as checkouts
from rlm_indexers.errors import SourceError
from rlm_indexers.listing import document_id

MOST_COMMITS = 500
DIFF_BYTES = 1 << 20
_FORMAT = "%H%x1f%an%x1f%aI%x1f%s"
_PLAIN = ("--no-textconv", "--no-ext-diff", "--no-color")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `date` is the author's, ISO 8601."""

    sha: str
    author: str
    date: str
    subject: str


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
        self._git = found.git()

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
        where = ("--", path) if path else ("--",)
        commit = self._git.commit(revision)
        count = f"--max-count={max(1, min(limit, MOST_COMMITS))}"
        said = self._git.run("log", "-z", f"--format={_FORMAT}", "--regexp-ignore-case", count, *chosen, commit, *where)
        return [_commit(row) for row in said.decode("utf-8", "replace").split("\0") if row]

    def blame(self, path: str, start: int, end: int, *, revision: str = "HEAD") -> list[Blamed]:
        """Who last changed lines `start` to `end` of a file, neighbours of one commit taken together."""
        commit = self._git.commit(revision)
        lines = f"-L{int(start)},{int(end)}"
        said = self._git.run("blame", "--line-porcelain", "--no-textconv", lines, commit, "--", path)
        return _blamed(said.decode("utf-8", "replace"))

    def changed_since(self, revision: str, until: str = "HEAD") -> list[Change]:
        """The paths that differ between two commits, renames recognised, in order of path."""
        earlier, later = self._git.commit(revision), self._git.commit(until)
        said = self._git.run("diff-tree", "-r", "-z", "-M", "--name-status", *_PLAIN, earlier, later, "--")
        parts = iter(said.rstrip(b"\0").split(b"\0") if said else ())
        changes = []
        for status in parts:
            letter = status.decode()[:1]
            first = document_id(next(parts))
            changes.append(Change(letter, document_id(next(parts)), first) if letter in "RC" else Change(letter, first))
        return sorted(changes, key=lambda change: change.path)

    def diff(self, revision: str, until: str = "HEAD", path: str = "") -> str:
        """The difference of two commits as a patch, cut at 1 MiB with a note."""
        earlier, later = self._git.commit(revision), self._git.commit(until)
        where = ("--", path) if path else ("--",)
        said = self._git.run("diff-tree", "-r", "-p", "-M", *_PLAIN, earlier, later, *where)
        cut = f"\n[… {len(said) - DIFF_BYTES} bytes left out: name a path]\n" if len(said) > DIFF_BYTES else ""
        return said[:DIFF_BYTES].decode("utf-8", "replace") + cut


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
