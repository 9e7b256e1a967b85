"""Which git repository a path belongs to, found without asking git, and believed only where both sides say so."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers.git.command import Git

POINTER_BYTES = 4096
_OWN = ("objects", "refs", "packed-refs", "index", "config", "shallow")
"""What no repository of its own has as a link: it would be somebody else's."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A repository: its git directory and, unless bare, its work tree."""

    git_dir: Path
    work_tree: Path | None

    def git(self) -> Git:
        return Git(self.git_dir, self.work_tree)


def find(path: Path) -> Checkout | None:
    """The repository whose work tree holds `path`, or the bare one that it is; None when there is none.

    A `.git` that points to a directory which does not point back (somebody else's repository) counts as none.
    """
    for folder in _upwards(path):
        marker = folder / ".git"
        if marker.is_symlink():
            return None
        if _is_git_dir(marker):
            return Checkout(marker, folder)
        if marker.is_file():
            linked = _linked(marker)
            return Checkout(linked, folder) if linked else None
        if _is_git_dir(folder) and (folder / "config").is_file():
            return Checkout(folder, None)
    return None


def _upwards(path: Path) -> Iterator[Path]:
    yield path
    yield from path.parents


def _is_git_dir(path: Path) -> bool:
    """Whether this is a git directory of its own: objects and references lie in it, not somewhere it points to."""
    with contextlib.suppress(OSError):
        own = all((path / part).is_dir() for part in ("objects", "refs"))
        own = own and not _has_links(path / "objects") and not any((path / part).is_symlink() for part in _OWN)
        return own and (path / "HEAD").is_file() and not (path / "commondir").exists()
    return False


def _has_links(objects: Path) -> bool:
    """Whether some of the objects lie elsewhere. Who does not reach them has no use for names that lead out."""
    folders = [folder for folder in (objects, objects / "pack", objects / "info") if folder.is_dir()]
    return any(entry.is_symlink() for folder in folders for entry in list(os.scandir(folder)))


def _linked(marker: Path) -> Path | None:
    """The git directory that a `.git` file names, if that names this work tree in turn."""
    target = _pointed(marker, marker.parent, "gitdir:")
    if target is None or not (target / "HEAD").is_file():
        return None
    back = _pointed(target / "gitdir", target)  # of a linked worktree, which lies in the directory it shares
    shared = target.parent.parent
    if back is not None and (_pointed(target / "commondir", target) != shared or not _is_git_dir(shared)):
        return None
    if back is None and _is_git_dir(target):  # of a submodule: its configuration names the work tree
        tree = _configured_tree(target / "config")
        back = (target / tree / ".git").resolve() if tree else None
    return target if back is not None and back.resolve() == marker.resolve() else None


def _pointed(file: Path, base: Path, prefix: str = "") -> Path | None:
    with contextlib.suppress(OSError, UnicodeDecodeError), file.open("rb") as opened:
        text = opened.read(POINTER_BYTES).decode().strip()
        if text.startswith(prefix) and "\n" not in text and "\0" not in text:
            return (base / text.removeprefix(prefix).strip()).resolve()
    return None


def _configured_tree(config: Path) -> str | None:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in config.read_text(encoding="utf-8").split("\n"):
            key, equals, value = line.partition("=")
            if equals and key.strip().lower() == "worktree":
                return value.strip().strip('"')
    return None
