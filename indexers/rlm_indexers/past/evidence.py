"""Git as evidence: when a line changed, by whom, in which commit; and what a commit changed.

Everything is asked of objects, from a git directory of ours (`neutral`), and compares commits with commits: no filter
of a checkout runs, no attribute of it hides a change, and a commit's text is the same in every clone that holds it.
"""

import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers.errors import GitError, SourceError
from rlm_indexers.git import checkout as checkouts
from rlm_indexers.git.command import Git
from rlm_indexers.past import porcelain
from rlm_indexers.past.moments import moment
from rlm_indexers.past.porcelain import SHORT, Commit
from rlm_indexers.repo.content import LARGEST_BYTES
from rlm_indexers.repo.listing import document_id, file_path

__all__ = ["SHORT", "Blamed", "Change", "Commit", "Evidence"]

MOST_COMMITS = 1_000
MOST_NAMES = 20
"""Earlier names of a file that its log follows."""
DIFF_BYTES = 1 << 18
SECONDS = 20.0
_PATCH = ("-r", "-p", "-M", f"--abbrev={SHORT}", "--no-textconv", "--no-ext-diff", "--no-color")
_NAMES = ("-r", "-z", "-M", "--name-status")


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
    """Questions to the history of the repository around a path. Raises SourceError when there is none.

    Paths are as in the documents of that folder; what lay outside of it begins with `../`.
    """

    def __init__(self, root: Path) -> None:
        found = checkouts.find(root)
        if found is None:
            raise SourceError(f"{root} is in no git repository of its own: there is no history to ask")
        self._git = Git(found.git_dir, found.work_tree, seconds=SECONDS)
        self._below = _below(root, found.work_tree)

    def inside(self, path: str) -> bytes:
        """A path below the folder asked about, as git knows it: below the top of the repository."""
        inside = posixpath.normpath(posixpath.join(self._below, file_path(path))) if path else self._below
        return b"" if inside == b"." else inside

    def name(self, revision: str) -> str:
        """The full name of the commit that a revision means. Raises GitError when it means none."""
        return self._git.commit(revision)

    # Who and when

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
        """The newest commits that touch a path, whose message or author matches; at most `limit`.

        A file is followed to what it was called before; each commit says what that was. `grep` and `author` are
        extended regular expressions, whatever their case; `since` is about when it was committed (see `moments`).
        """
        chosen = [f"--{name}={value}" for name, value in (("grep", grep), ("author", author)) if value]
        chosen += [f"--max-age={moment(since)}"] if since else []
        start, inside, limit = self._git.commit(revision), self.inside(path), max(1, min(limit, MOST_COMMITS))
        found: list[Commit] = []
        for _ in range(MOST_NAMES):
            found += self._log(start, inside, limit - len(found), chosen)
            before = self._before(start, inside) if inside and len(found) < limit else None
            if before is None:
                break
            start, inside = before
        return found

    def blame(self, path: str, start: int, end: int, *, revision: str = "HEAD") -> list[Blamed]:
        """Who last changed lines `start` to `end` of a file, neighbours of one commit taken together."""
        commit, lines = self._git.commit(revision), f"-L{int(start)},{int(end)}"
        said = self._git.run("blame", "--line-porcelain", "--no-textconv", lines, commit, "--", self.inside(path))
        rows = list(porcelain.blamed(said))
        commits = {(each.sha, each.path): each for each in self._known({(row.sha, row.path) for row in rows})}
        found: list[Blamed] = []
        for row in rows:
            commit_of = commits[row.sha, self._outside(row.path)]
            last = found[-1] if found else None
            if last and last.commit == commit_of and last.end == row.line - 1:
                found[-1] = Blamed(last.start, row.line, commit_of)
            else:
                found.append(Blamed(row.line, row.line, commit_of))
        return found

    def _log(self, start: str, inside: bytes, limit: int, chosen: Sequence[str]) -> list[Commit]:
        options = ("-z", porcelain.FORMAT, "--regexp-ignore-case", "--extended-regexp", f"--max-count={limit}", *chosen)
        try:
            said = self._git.run("log", *options, start, "--", *([inside] if inside else []))
        except GitError as error:
            if "command line, " in str(error):
                raise SourceError(
                    f"{error} Write a backslash before ( ) [ ] {{ }} * + ? | that mean themselves."
                ) from error
            raise
        where = self._outside(inside) if inside != self._below else ""
        return list(porcelain.commits(said, where, self._git.objects.ends))

    def _before(self, start: str, inside: bytes) -> tuple[str, bytes] | None:
        """The commit before the one that first held a file, and what the file was called there; None if it was new."""
        said = self._git.run("log", "-z", "--format=%H %P", "--diff-filter=A", "--no-renames", start, "--", inside)
        sha, *parents = said.rstrip(b"\0").rpartition(b"\0")[2].decode().split() or [""]
        renamed = self._renamed((parents[0], sha)) if len(parents) == 1 else {}
        return (parents[0], renamed[inside]) if inside in renamed else None

    def _renamed(self, ends: Sequence[str]) -> dict[bytes, bytes]:
        """New path → earlier path of what was renamed between two commits."""
        said = self._git.run("diff-tree", *_NAMES, "--diff-filter=R", *ends)
        return {path: earlier for _, path, earlier in porcelain.changes(said)}

    def _known(self, wanted: set[tuple[str, bytes]]) -> Iterator[Commit]:
        """The commits of these names, with the paths they are asked for."""
        names, ends = sorted({sha for sha, _ in wanted}), self._git.objects.ends
        found: dict[str, Commit] = {}
        for at in range(0, len(names), 1000):
            said = self._git.run("log", "-z", porcelain.FORMAT, "--no-walk=unsorted", *names[at : at + 1000], "--")
            found |= {commit.sha: commit for commit in porcelain.commits(said, "", ends)}
        return (found[sha].at(self._outside(path)) for sha, path in wanted)

    # What

    def changed_since(self, revision: str, until: str = "HEAD") -> list[Change]:
        """The paths that differ between two commits, renames recognised, in order of path."""
        earlier, later = self._git.commit(revision), self._git.commit(until)
        said = self._git.run("diff-tree", *_NAMES, earlier, later, "--", *([self._below] if self._below else []))
        found = [
            Change(status, self._outside(path), self._outside(before) if before else "")
            for status, path, before in porcelain.changes(said)
        ]
        return sorted(found, key=lambda change: change.path)

    def commit(self, revision: str, path: str = "") -> str:
        """A commit as text: a line of its own, the rest of its message, its patch (of a path; of all).

        A merge is compared with its first parent, and says so; so does one at which a shallow history is cut, or whose
        patch needs objects that are not here. Raises SourceError when it does not touch the path.
        """
        sha = self._git.commit(revision)
        said = self._git.run("log", "-z", porcelain.WHOLE, "--max-count=1", sha, "--")
        (commit,) = porcelain.commits(said, path, self._git.objects.ends)
        body = ["", commit.body] if commit.body else []
        return "\n".join([str(commit), *body, *self._about(commit), "", self._change(commit, path)])

    def diff(self, revision: str, until: str = "HEAD", path: str = "") -> str:
        """The difference of two commits as a patch, cut at 256 KiB with a note."""
        return self._patch((self._git.commit(revision), self._git.commit(until)), self.inside(path))

    def text_at(self, revision: str, path: str) -> bytes | None:
        """The bytes of a file in a commit; None when it is not there."""
        sha = self._git.commit(revision)
        row = self._git.run("ls-tree", "-z", "--full-tree", sha, "--", self.inside(path))
        if not row:
            return None
        with self._git.blobs() as blobs:
            return blobs.read_up_to(row.split(None, 3)[2].decode(), LARGEST_BYTES)[0]

    def _about(self, commit: Commit) -> list[str]:
        if len(commit.parents) < 2:
            return []
        names = [parent[:SHORT] for parent in commit.parents]
        return ["", f"[a merge of {' and '.join(names)}; below is how it differs from the first, {names[0]}]"]

    def _change(self, commit: Commit, path: str) -> str:
        """The patch of a commit, or why there is none."""
        if commit.cut:
            return "[what it changed is not known here: the clone is shallow, and its history is cut at this commit]"
        ends = (commit.parents[0], commit.sha) if commit.parents else ("--root", "--no-commit-id", commit.sha)
        try:
            patch = self._patch(ends, self.inside(path))
        except GitError as error:
            if not (self._git.objects.partial or self._git.objects.borrowed):
                raise
            return f"[what it changed cannot be shown: {error}]"
        if path and not patch:
            against = f" against its first parent, {commit.parents[0][:SHORT]}" if len(commit.parents) > 1 else ""
            raise SourceError(f"commit {commit.sha[:SHORT]} does not touch {path!r}{against}")
        return patch

    def _patch(self, ends: Sequence[str], inside: bytes) -> str:
        where = [inside] if inside else []
        kept, total = self._git.run_up_to(DIFF_BYTES, "diff-tree", *_PATCH, *ends, "--", *where)
        if inside and b"\nnew file mode " in kept and len(ends) == 2:
            moved = [before for now, before in self._renamed(ends).items() if (now + b"/").startswith(inside + b"/")]
            if moved:
                kept, total = self._git.run_up_to(DIFF_BYTES, "diff-tree", *_PATCH, *ends, "--", *where, *moved)
        if total <= len(kept):
            return kept.decode("utf-8", "replace")
        kept = kept[: kept.rfind(b"\n") + 1] or kept
        return kept.decode("utf-8", "replace") + f"[… {total - len(kept):,} of {total:,} bytes left out: name a path]\n"

    def _outside(self, path: bytes) -> str:
        """The document of a path as git knows it."""
        return document_id(posixpath.relpath(path, self._below) if self._below else path)


def _below(root: Path, work_tree: Path | None) -> bytes:
    """The folder asked about, seen from the top of its repository."""
    inside = work_tree is not None and root != work_tree and root.is_relative_to(work_tree)
    return os.fsencode(root.relative_to(work_tree).as_posix()) if work_tree is not None and inside else b""
