"""Which files of a work tree or plain folder belong to a corpus, and what git says of them. Reads no file's content."""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from rlm_indexers.corpus import Skipped
from rlm_indexers.git.checkout import Checkout

IGNORED_FOLDERS = frozenset(
    (
        *(".git", ".hg", ".svn", ".bzr", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".nox", ".mypy_cache"),
        *(".ruff_cache", ".pytest_cache", ".idea", ".gradle", ".terraform", ".next", ".cache", "bower_components"),
    )
)
SUBMODULE = "160000"
SYMLINK = "120000"
_LOOKS_ESCAPED = re.compile(r"\\(?=x[0-9a-f]{2})")
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


@dataclass(slots=True)
class Listed:
    """The files of a tree by path relative to its base, and what is known to be no file of its own."""

    tracked: dict[bytes, str] = field(default_factory=dict)
    """Path → git mode."""
    untracked: list[bytes] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    sparse: set[bytes] = field(default_factory=set)
    """Tracked, but said not to be on disk (skip-worktree)."""
    staged: dict[bytes, str] = field(default_factory=dict)
    """Path → blob in the index."""

    def paths(self) -> Iterator[bytes]:
        yield from self.tracked
        yield from self.untracked


def document_id(path: bytes) -> str:
    r"""The path as a document id: text that fits on one line. What does not is written `\xNN`; no two paths agree."""
    text = path.decode("utf-8", "surrogateescape")
    if path.isascii() and text.isprintable() and "\\" not in text:
        return text
    escaped = _LOOKS_ESCAPED.sub(r"\\x5c", text)
    return "".join(_escaped(c) if _unprintable(c) else c for c in escaped)


def file_path(document: str) -> bytes:
    """The path that a document id was made of."""
    return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), document.encode("utf-8", "surrogateescape"))


def _unprintable(character: str) -> bool:
    return character in _BIDI or unicodedata.category(character) in ("Cc", "Cs")


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def list_work_tree(checkout: Checkout, base: Path) -> Listed:
    """Tracked files below `base` as they should be on disk, and untracked ones that git does not ignore."""
    git = checkout.git()
    below, prefix = part_of(checkout, base)
    where = ("--", below) if below else ()
    listed = Listed()
    with ThreadPoolExecutor(1) as beside:
        others = beside.submit(git.run, "ls-files", "-z", "--others", "--exclude-standard", *where)
        _take_index(listed, git.run("ls-files", "-z", "-s", "-t", *where), prefix)
    for path in _rows(others.result()):
        relative = path.removeprefix(prefix)
        if relative.endswith(b"/"):
            listed.skipped.append(Skipped(document_id(relative), "nested-repository"))
        elif relative not in listed.tracked:
            listed.untracked.append(relative)
    return listed


def _take_index(listed: Listed, rows: bytes, prefix: bytes) -> None:
    for row in _rows(rows):
        head, _, path = row.partition(b"\t")
        said = head.decode()  # tag, mode, object and stage, all but the object of a known width
        _take_tracked(listed, path.removeprefix(prefix), said[0], said[2:8], said[9:-2])


def part_of(checkout: Checkout, base: Path) -> tuple[bytes, bytes]:
    """The path of `base` in its work tree (b"" for all of it), and what ids leave away from the front of a path."""
    below = os.fsencode(os.path.relpath(base, checkout.work_tree)) if checkout.work_tree else b"."
    if below == b".":
        return b"", b""
    folder = below if base.is_dir() else below.rpartition(b"/")[0]
    return below, folder + b"/" if folder else b""


def _take_tracked(listed: Listed, path: bytes, tag: str, mode: str, oid: str) -> None:
    if mode == SUBMODULE:
        listed.skipped.append(Skipped(document_id(path), "submodule"))
        return
    listed.tracked[path] = mode
    listed.staged[path] = oid
    if tag == "S":
        listed.sparse.add(path)


def tree_at(checkout: Checkout, revision: str, base: Path) -> dict[bytes, tuple[str, str]]:
    """Path below `base` → (mode, object) of everything in a commit, submodules included."""
    below, prefix = part_of(checkout, base)
    where = ("--", below) if below else ()
    found = {}
    for row in _rows(checkout.git().run("ls-tree", "-r", "-z", "--full-tree", revision, *where)):
        head, _, path = row.partition(b"\t")
        said = head.decode()
        found[path.removeprefix(prefix)] = (said[:6], said.rpartition(" ")[2])
    return found


def _rows(output: bytes) -> Iterable[bytes]:
    return filter(None, output.split(b"\0"))


def list_folder(root: Path) -> Listed:
    """Every file below a folder that no `.gitignore` in it ignores; what is left out is listed as skipped."""
    listed = Listed()
    if root.is_file():
        listed.untracked.append(os.fsencode(root.name))
        return listed
    _walk(os.fsencode(root), listed)
    return listed


def _walk(root: bytes, listed: Listed) -> None:
    from rlm_indexers.repo.ignores import Ignores

    pending: list[tuple[bytes, Ignores]] = [(b"", Ignores())]
    while pending:
        below, ignores = pending.pop()
        try:
            with os.scandir(os.path.join(root, below)) as entries:  # noqa: PTH118 - paths are bytes here
                here = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            listed.skipped.append(Skipped(document_id(below), f"unreadable: {error.strerror}"))
            continue
        ignores = ignores.entered(os.path.join(root, below), below)  # noqa: PTH118
        for entry in here:
            path = below + entry.name
            folder = entry.is_dir(follow_symlinks=False)
            if folder and os.fsdecode(entry.name) in IGNORED_FOLDERS:
                listed.skipped.append(Skipped(document_id(path + b"/"), "ignored-folder"))
            elif ignores.ignored(path, folder=folder):
                listed.skipped.append(Skipped(document_id(path + b"/" * folder), "gitignored"))
            elif folder:
                pending.append((path + b"/", ignores))
            else:
                listed.untracked.append(path)
