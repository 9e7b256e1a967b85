"""Which sessions belong to the repository at hand: those that ran in it, or in another work tree of it.

Reads git's own files; starts no program, and trusts nothing in them but paths to compare.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

_FILE_BYTES = 4096
_WORKTREES = 1000


@dataclass(slots=True)
class Scope:
    """The folders whose sessions are meant; every one of them is a root, textually and resolved."""

    roots: tuple[str, ...]
    _known: dict[str, bool] = field(default_factory=dict)

    def holds(self, cwd: str) -> bool:
        """Whether a session that ran in `cwd` is meant: below a root, and in no repository of its own there."""
        if cwd not in self._known:
            self._known[cwd] = any(_inside(cwd, root) and self._owned(cwd, root) for root in self.roots)
        return self._known[cwd]

    def _owned(self, cwd: str, root: str) -> bool:
        """A home folder under version control must not make every project in it part of one."""
        path = os.path.normpath(cwd)
        while path != root and len(path) > len(root):
            if os.path.lexists(os.path.join(path, ".git")):  # noqa: PTH118 - called for every folder of every session
                return path in self.roots
            path = os.path.dirname(path)  # noqa: PTH120
        return True


def of(cwd: Path) -> Scope:
    """The repository around a folder with all its work trees; without one, the folder itself."""
    top = next((folder for folder in (cwd, *cwd.parents) if (folder / ".git").exists()), None)
    roots = [top or cwd, *(_worktrees(top) if top else ())]
    return Scope(tuple(dict.fromkeys(form for root in roots for form in _forms(root))))


def _forms(path: Path) -> tuple[str, ...]:
    return os.path.normpath(path), os.path.realpath(path)


def _inside(path: str, root: str) -> bool:
    return os.path.normpath(path) == root or os.path.normpath(path).startswith(root.rstrip("/") + "/")


def _worktrees(top: Path) -> list[Path]:
    """The main work tree and the linked ones, as far as git has them written down."""
    common = _common_dir(top)
    if common is None:
        return []
    found = [common.parent] if common.name == ".git" else []
    try:
        names = sorted(folder.name for folder in (common / "worktrees").iterdir())[:_WORKTREES]
    except OSError:
        return found
    for name in names:
        pointer = _first_line(common / "worktrees" / name / "gitdir")
        if pointer.endswith("/.git"):
            found.append((common / "worktrees" / name / pointer).parent)
    return found


def _common_dir(top: Path) -> Path | None:
    """The folder `.git` that all work trees share."""
    dot = top / ".git"
    if dot.is_dir():
        return dot
    line = _first_line(dot)
    if not line.startswith("gitdir:"):
        return None
    git_dir = top / line.removeprefix("gitdir:").strip()
    shared = _first_line(git_dir / "commondir")
    return Path(os.path.normpath(git_dir / shared)) if shared else git_dir


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return os.fsdecode(file.read(_FILE_BYTES).split(b"\n", 1)[0]).strip()
    except OSError:
        return ""
