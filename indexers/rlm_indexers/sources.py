"""From what a person types to one source: a work tree, a revision, a clone, a plain folder, documents or a history."""

import contextlib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from rlm_indexers.corpus import Kind
from rlm_indexers.errors import SourceError
from rlm_indexers.git import checkout
from rlm_indexers.repo import mixture

Form = Literal["worktree", "revision", "url", "plain", "documents", "history", "several"]

_URL = re.compile(r"^(?P<scheme>[a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SECRET = re.compile(r"(?P<head>\w://[^/@:\s]*:)[^/@\s]+@|(?P<web>https?://)[^/@:\s]{20,}@", re.IGNORECASE)
"""A password in a URL, or a name in a web address that is as long as a token."""
_SCP = re.compile(r"^[\w.-]+@[\w.-]+:(?!//)")
_SCHEMES = ("https", "ssh", "file")
HISTORY = "history:"
SEPARATOR = ","
"""Between sources that become one corpus."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source, resolved: nothing about it depends on the current folder any more."""

    kind: Kind
    form: Form
    location: str
    """An absolute path, a URL, or what stood after `history:`."""
    revision: str = ""
    cwd: Path = Path()
    """Where it was asked from; part of a history's meaning only."""

    def __str__(self) -> str:
        """What resolves to this source again, from anywhere."""
        if self.form == "history":
            return HISTORY + self.location
        return f"{self.location}@{self.revision}" if self.revision else self.location

    @property
    def key(self) -> str:
        """One source, one key: file names of the cache are made of it."""
        place = str(self.cwd) if self.form == "history" else ""
        return hashlib.sha256(
            "\0".join((self.kind, self.form, str(self), place)).encode("utf-8", "surrogateescape")
        ).hexdigest()[:24]

    @property
    def name(self) -> str:
        """A short name that a person would use."""
        if self.form == "history":
            return f"{HISTORY}{Path(self.location).name}" if self.location else "history"
        if self.form == "several":
            names = [Path(part).name or part for part in self.location.split(SEPARATOR)]
            return "+".join(_plain(name.removesuffix(".git")) for name in names[:3]) + ("+…" if len(names) > 3 else "")
        base = self.location.rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git") or "root"
        plain = _plain(base)
        return f"{plain}@{self.revision[:40]}" if self.revision else plain


def resolve(source: str, kind: str = "auto", *, cwd: Path) -> Source:
    """The source that a string means, seen from `cwd`. Raises SourceError: what was looked for, and what would work."""
    if kind != "auto" and kind not in get_args(Kind):
        raise SourceError(f"{kind!r} is no kind of corpus: use auto, repo, folder or history")
    if not source.strip() or "\0" in source:
        raise SourceError(f"{source!r} names no source: pass `history:`, a git URL (url@ref) or a path")
    if SEPARATOR in source and _absolute(source.removeprefix(HISTORY), cwd) is None:
        return _several(source, kind, cwd)
    if source.startswith(HISTORY) or kind == "history":
        return Source("history", "history", source.removeprefix(HISTORY), cwd=cwd)
    if (scheme := _URL.match(source)) or _SCP.match(source):
        return _url(source, scheme["scheme"].lower() if scheme else "ssh", kind)
    return _path(source, kind, cwd)


def _several(source: str, kind: str, cwd: Path) -> Source:
    """Sources separated by commas, as one."""
    parts = [part.strip() for part in source.split(SEPARATOR) if part.strip()]
    if any(part.startswith(HISTORY) for part in parts) or kind == "history":
        # What of the past may be read is decided for the whole of a source, by where it is asked from.
        raise SourceError(
            f"{source!r}: past sessions are loaded by themselves; load the rest without them, then {HISTORY}"
        )
    found = [resolve(part, "auto" if kind == "repo" else kind, cwd=cwd) for part in parts]
    if any(each.form == "several" or SEPARATOR in str(each) for each in found):
        raise SourceError(f"{source!r}: only repositories and folders can be loaded together, each named by itself")
    unique = list(dict.fromkeys(map(str, found)))
    if len(unique) < 2:
        return found[0]
    kinds = {each.kind for each in found}
    return Source("repo" if "repo" in kinds else "folder", "several", SEPARATOR.join(unique))


def repositories_in(path: Path) -> list[Path]:
    """The git work trees right below a folder that is in none, in order."""
    with contextlib.suppress(OSError):
        below = sorted(child for child in path.iterdir() if (child / ".git").exists() and not child.is_symlink())
        trees = ((child, checkout.find(child)) for child in below)
        return [child for child, found in trees if found is not None and found.work_tree == child]
    return []


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]", "-", name.encode("utf-8", "replace").decode())


def secret_in(source: str) -> str:
    """Why a source is refused because of a password or token in its URL; empty when there is none."""
    shown = _SECRET.sub(lambda found: f"{found['head'] or found['web']}***@", source)
    if shown == source:
        return ""
    return (
        f"{shown!r} holds a password or token, which would be kept with the corpus: "
        "use ssh, or clone it yourself and load the folder"
    )


def _url(source: str, scheme: str, kind: str) -> Source:
    if reason := secret_in(source):
        raise SourceError(reason)
    if scheme not in _SCHEMES:
        raise SourceError(f"{source!r}: {scheme} URLs are not cloned; use https, ssh or file, or a local path")
    if kind == "folder":
        raise SourceError(f"{source!r} is a git URL and no folder: leave the kind away, or pass repo")
    start = source.find("/", len(scheme) + 3) if "://" in source else source.find(":")
    head, at, revision = source[start:].rpartition("@")
    location = source[:start] + head if at and head else source
    return Source("repo", "url", location, _checked(revision if at and head else "", source))


def _checked(revision: str, source: str) -> str:
    if revision.startswith("-") or any(c.isspace() or ord(c) < 32 for c in revision):
        raise SourceError(f"{source!r}: {revision!r} cannot name a revision; use a branch, tag or commit")
    return revision


def _path(source: str, kind: str, cwd: Path) -> Source:
    path, revision = _split(source, cwd)
    if kind == "folder":
        if revision:
            raise SourceError(f"{source!r}: a folder of documents has no revisions; leave @{revision} away")
        return Source("folder", "documents", str(path))
    found = checkout.find(path)
    if revision and found is None:
        raise SourceError(f"{path} is in no git repository, so it has no revision {revision!r}: leave @{revision} away")
    if found is None and not revision and len(repositories_in(path)) > 1:
        return Source("repo", "several", str(path))
    if found is not None:
        form: Form = "revision" if revision or found.work_tree is None else "worktree"
        return Source("repo", form, str(path), revision)
    if kind == "auto" and mixture.mostly_documents(path):
        return Source("folder", "documents", str(path))
    return Source("repo", "plain", str(path))


def _split(source: str, cwd: Path) -> tuple[Path, str]:
    """The path that exists and the revision after it; a path with `@` in its name wins."""
    whole = _absolute(source, cwd)
    if whole is not None:
        return whole, ""
    at = source.rfind("@")
    while at >= 0:
        head = _absolute(source[:at] or ".", cwd)
        if head is not None and source[at + 1 :]:
            return head, _checked(source[at + 1 :], source)
        at = source.rfind("@", 0, at)
    raise SourceError(
        f"there is no {source!r} (looked in {cwd}): pass `history:`, a git URL (url@ref) or a path that exists"
    )


def _absolute(text: str, cwd: Path) -> Path | None:
    try:
        path = cwd / Path(text).expanduser()
        return path.resolve() if path.exists() else None
    except (OSError, RuntimeError, ValueError):
        return None
