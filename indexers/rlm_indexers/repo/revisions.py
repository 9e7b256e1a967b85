"""The documents of a commit, read from the object store: of a local repository, or of a mirror of a remote one."""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rlm_indexers.corpus import Fetched, Skipped, SourceDocument
from rlm_indexers.errors import GitError, SourceError
from rlm_indexers.git import checkout as checkouts
from rlm_indexers.git import command as git
from rlm_indexers.git.checkout import Checkout
from rlm_indexers.repo import content, listing
from rlm_indexers.sources import Source

Progress = Callable[[str], None] | None


def fetch_path(source: Source) -> Fetched:
    """A pinned revision of a local repository; of a bare one without a revision, what its HEAD names."""
    path = Path(source.location)
    found = checkouts.find(path)
    if found is None:
        raise SourceError(f"{path} is in no git repository: pass a path inside one, or leave @{source.revision} away")
    return _fetch(found, source, path)


def fetch_url(source: Source, *, cache: Path, progress: Progress = None) -> Fetched:
    """A revision (or HEAD) of a remote repository, mirrored in the cache and brought up to date unless pinned."""
    mirrors = cache / "mirrors"
    mirrors.mkdir(mode=0o700, exist_ok=True)
    mirror = mirrors / (hashlib.sha256(source.location.encode()).hexdigest()[:24] + ".git")
    with (mirrors / f"{mirror.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mirror.is_dir():
            _say(progress, f"cloning {source.location}")
            _clone(source.location, mirror)
        elif not _pinned(mirror, source.revision):
            _say(progress, f"fetching {source.location}")
            git.fetch(mirror, source.location)
    return _fetch(Checkout(mirror, None), source, mirror, remote=True)


def _clone(url: str, mirror: Path) -> None:
    """A mirror that is whole or not there."""
    with tempfile.TemporaryDirectory(dir=mirror.parent, prefix="tmp-") as folder:
        made = Path(folder) / "clone.git"
        git.clone(url, made)
        shutil.move(made, mirror)


def _pinned(mirror: Path, revision: str) -> bool:
    """Whether the revision is a full commit name that is here already: nothing can change about it."""
    full = len(revision) in (40, 64) and all(c in "0123456789abcdef" for c in revision)
    try:
        return full and git.Git(mirror).commit(revision) == revision
    except GitError:
        return False


def _fetch(found: Checkout, source: Source, base: Path, *, remote: bool = False) -> Fetched:
    reader = found.git()
    if not source.revision and reader.head() is None:
        raise SourceError(f"{source.location} has no commit yet: there is nothing to read")
    commit = reader.commit(source.revision or "HEAD")
    facts = {"git": True, "revision": commit, "dirty": False, "asked": source.revision or "HEAD"}
    if not remote and (found.git_dir / "shallow").is_file():
        facts["shallow"] = True
    fetched = Fetched("repo", source.name, (), facts={("url" if remote else "root"): source.location, **facts})
    tree = listing.tree_at(found, commit, base)
    if not tree and found.work_tree not in (None, base):
        raise SourceError(f"{source.location} does not exist in {source.revision}: pass a path that does")
    fetched.documents = _documents(found, tree, fetched.skipped)
    fetched.fingerprint = hashlib.sha256(
        repr((content.VERSION, commit, str(source), sorted(facts.items()))).encode()
    ).hexdigest()
    return fetched


def _documents(found: Checkout, tree: dict[bytes, tuple[str, str]], skipped: list[Skipped]) -> Iterator[SourceDocument]:
    named = sorted((listing.document_id(path), path) for path in tree)
    named.sort(key=lambda pair: pair[0].encode())
    with found.git().blobs() as blobs:
        for name, path in named:
            mode, oid = tree[path]
            reason = {listing.SUBMODULE: "submodule", listing.SYMLINK: "symlink"}.get(mode, "")
            data, reason = (None, reason) if reason else blobs.read_up_to(oid, content.LARGEST_BYTES)
            reason = reason or content.verdict(data or b"")
            if reason:
                skipped.append(Skipped(name, reason))
            elif data is not None:
                yield content.document(name, data)


def _say(progress: Progress, what: str) -> None:
    if progress:
        progress(what)
