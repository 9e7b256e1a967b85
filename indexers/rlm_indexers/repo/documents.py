"""The documents of a work tree as it is on disk, of a plain folder of code, or of a revision.

What is indexed of a work tree: tracked files with their bytes on disk, and untracked ones that git does not ignore. No
filter of git's runs, and git's own opinion on what changed (index flags can lie) is not asked.
"""

import contextlib
import gc
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from rlm_indexers.corpus import Fetched, SourceDocument, UnchangedRun
from rlm_indexers.errors import SourceError
from rlm_indexers.git import checkout as checkouts
from rlm_indexers.git.checkout import Checkout
from rlm_indexers.pack.previous import Previous, in_runs
from rlm_indexers.relations import scip_index
from rlm_indexers.repo import content, listing, revisions
from rlm_indexers.repo import state as history_facts
from rlm_indexers.repo.files import Tree
from rlm_indexers.repo.stat_cache import Seen, StatCache
from rlm_indexers.repo.survey import File, Survey
from rlm_indexers.sources import Source

Progress = Callable[[str], None] | None


def fetch(source: Source, *, cache: Path, previous: Previous | None = None, progress: Progress = None) -> Fetched:
    """The documents of a repository source. `cache`: a folder of ours; `previous`: the last pack of this source.

    Raises SourceError when the repository or the revision is not there.
    """
    match source.form:
        case "url":
            return revisions.fetch_url(source, cache=cache, progress=progress)
        case "revision":
            return revisions.fetch_path(source)
        case _:
            return _fetch_tree(source, cache, previous, progress)


def _fetch_tree(source: Source, cache: Path, previous: Previous | None, progress: Progress) -> Fetched:
    base = Path(source.location)
    if not base.exists():
        raise SourceError(f"{base} is gone: pass the path of a repository or folder that exists")
    found = checkouts.find(base) if source.form == "worktree" else None
    root = base if base.is_dir() else base.parent
    facts, listed = _list(found, base)
    fetched = Fetched("repo", source.name, (), facts={"root": str(base), **facts})
    if progress:
        progress("looking at the files")
    with _opened(root) as tree, _uncollected():
        survey = Survey(tree, StatCache(cache / "files.sqlite", str(root)), cache, _algorithm(facts))
        survey.look(listed)
        known = survey.settle()
        index, problems = scip_index.take(tree, cache)

    survey.skipped.extend(problems)
    if index:
        fetched.facts["scip"] = index

    def conclude() -> None:
        _conclude(fetched, survey, found, base, listed)
        fetched.fingerprint = _fingerprint(fetched, survey)

    if known:
        conclude()
    fetched.documents = _documents(survey, root, previous, conclude)
    return fetched


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for garbage in cycles, which would go again and again through what is made here to stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _opened(root: Path) -> Tree:
    try:
        return Tree(root)
    except OSError as error:
        raise SourceError(
            f"{root} cannot be read ({error.strerror}): check that it exists, and its permissions"
        ) from error


def _list(found: Checkout | None, base: Path) -> tuple[dict[str, object], listing.Listed]:
    """The files below `base`; those of an ignored folder inside a repository are listed as if there were no git."""
    if found is None:
        return {"git": False}, listing.list_folder(base)
    listed = listing.list_work_tree(found, base)
    if not listed.tracked and not listed.untracked and base != found.work_tree:
        return {"git": False}, listing.list_folder(base)
    return {"git": True, **history_facts.of(found)}, listed


def _algorithm(facts: dict[str, object]) -> str:
    revision = facts.get("revision")
    return "sha256" if isinstance(revision, str) and len(revision) == 64 else "sha1"


def _documents(
    survey: Survey, root: Path, previous: Previous | None, conclude: Callable[[], None]
) -> Iterator[SourceDocument | UnchangedRun]:
    before = [file.seen for file in survey.files]
    with _opened(root) as survey.tree:
        yield from in_runs(_found(survey, previous))
    if not root.exists():
        raise SourceError(f"{root} was deleted while it was read: load it again when it is back")
    if [file.seen for file in survey.files] != before:
        conclude()


def _found(survey: Survey, previous: Previous | None) -> Iterator[SourceDocument | int]:
    """Each file with text: as a number of the previous pack if that holds it as it is now."""
    for file in survey.files:
        if file.seen and file.seen.verdict:
            continue
        number = _held(file, previous)
        if number is not None:
            yield number
        elif document := survey.read(file):
            yield document


def _held(file: File, previous: Previous | None) -> int | None:
    number = previous.find(file.id, file.seen.sha256) if previous and file.seen else None
    if previous is None or number is None:
        return None
    flags = previous.flags(number)
    same = "changed-while-read" not in flags and file.tracked == ("untracked" not in flags)
    return number if same else None


def _conclude(fetched: Fetched, survey: Survey, found: Checkout | None, base: Path, listed: listing.Listed) -> None:
    """Say what was skipped and whether the tree is dirty, now that every file was read; remember what was read."""
    survey.cache.save({file.path for file in survey.files if file.seen and file.seen.verdict != "gone"})
    fetched.skipped[:] = sorted({*survey.skipped, *survey.judged()})
    if found is not None and fetched.facts["git"]:
        fetched.facts["dirty"] = _dirty(survey, found, base, listed, fetched.facts["revision"])


def _dirty(survey: Survey, found: Checkout, base: Path, listed: listing.Listed, head: str | None) -> bool | None:
    """Whether the text differs from the checked-out commit's, untracked files included; line ends do not count.

    None when that commit lies in another repository, from which this one borrows.
    """
    if found.git().objects.borrowed:
        return None
    if head is None:
        return bool(survey.files)
    if survey.missing or any(not file.tracked for file in survey.files):
        return True
    tree = listing.tree_at(found, head, base)
    ours = {path for path, (mode, _) in tree.items() if mode != listing.SUBMODULE}
    if ours != set(listed.tracked):
        return True
    changed = [(file, tree[file.path][1]) for file in survey.files if not _same(file, tree[file.path][1])]
    return bool(changed) and not _all_lfs(found, changed)


def _same(file: File, oid: str) -> bool:
    return file.seen is not None and oid in (file.seen.oid, file.seen.oid_lf)


def _all_lfs(found: Checkout, changed: list[tuple[File, str]]) -> bool:
    """Whether every changed file is what the Git LFS pointer in the commit stands for."""
    with found.git().blobs() as blobs:
        return all(
            file.seen is not None and content.lfs_target((blobs.read(oid) or b"")[:1024]) == file.seen.sha256
            for file, oid in changed
        )


def _fingerprint(fetched: Fetched, survey: Survey) -> str:
    """What changes whenever the documents, the skipped or the facts do."""
    state = hashlib.sha256(json.dumps([content.VERSION, fetched.facts], sort_keys=True).encode())
    seen = ((file.id, file.seen or Seen("", "", "", ""), file.tracked) for file in survey.files)
    rows = [f"{name}\0{held.sha256}\0{held.verdict}\0{tracked}" for name, held, tracked in seen]
    rows += [f"{skipped.id}\0{skipped.reason}" for skipped in fetched.skipped]
    state.update("\n".join(rows).encode())
    return state.hexdigest()
