"""A folder of documents: each file to text with anchors, or to the reason why not. Nothing is followed out of it."""

import csv
import errno
import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rlm_indexers.converters.base import VERSIONS, Unreadable
from rlm_indexers.converters.cache import DerivedTexts
from rlm_indexers.converters.process import Converter, Limits
from rlm_indexers.corpus import Anchor, Fetched, Skipped, SourceDocument
from rlm_indexers.errors import SourceError
from rlm_indexers.text import decode, document_id, is_binary

VERSION = 1
"""Raise it when the same files give other documents; the converters have numbers of their own."""
_RACY = 2_000_000_000
TEXT_BYTES = 64 * 1024 * 1024
LINE_BYTES = 1024 * 1024
IGNORED = frozenset({"node_modules", "__pycache__", "__MACOSX"})
FORMATS = {
    ".pdf": "pdf",
    ".ipynb": "notebook",
    ".eml": "mail",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
}
_LANGUAGES = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_HEADER_BYTES = 64 * 1024


@dataclass(slots=True)
class _Reading:
    """One pass over the files of a folder."""

    root: Path
    limits: Limits
    skipped: list[Skipped]
    progress: Callable[[str], None] | None


def fetch(
    source: Path,
    *,
    cache: Path | None = None,
    progress: Callable[[str], None] | None = None,
    limits: Limits | None = None,
) -> Fetched:
    """The documents of a folder, or one file. `cache`: where derived texts are kept from load to load.

    Raises SourceError when there is nothing to read. Hidden files and folders, symbolic links and what gives no text
    are listed in `skipped`, each with its reason.
    """
    root = Path(os.path.abspath(source))  # noqa: PTH100 - not resolve(): a link that was named is meant, not its target
    if not root.exists():
        raise SourceError(f"there is no file or folder {root}: pass the path of one that exists")
    if not os.access(root, os.R_OK):
        raise SourceError(f"{root} cannot be read: check its permissions")
    started = time.time_ns()
    fetched = Fetched("folder", root.name or str(root), (), facts={"root": str(root)})
    reading = _Reading(root, limits or Limits(), fetched.skipped, progress)
    files = _files(reading)
    fetched.fingerprint = _fingerprint(files, reading, started)
    fetched.documents = _documents(reading, files, cache / "derived" if cache is not None else None)
    return fetched


def _documents(reading: _Reading, files: list[tuple[str, str]], cache: Path | None) -> Iterator[SourceDocument]:
    with Converter(reading.limits) as converter:
        texts = DerivedTexts(cache, converter)
        for name, path in files:
            if reading.progress is not None:
                reading.progress(name)
            try:
                yield _document(reading, texts, name, path)
            except Unreadable as error:
                reading.skipped.append(Skipped(name, str(error)))
            except OSError as error:
                reading.skipped.append(Skipped(name, _refusal(error)))


def _fingerprint(files: list[tuple[str, str]], reading: _Reading, started: int) -> str:
    """What tells this state of the folder from others without reading it; "" while a change could go unseen."""
    digest = hashlib.sha256(repr((VERSION, VERSIONS, reading.limits, reading.skipped)).encode())
    for name, path in files:
        try:
            status = os.lstat(path)
        except OSError:
            return ""
        if max(status.st_mtime_ns, status.st_ctime_ns) > started - _RACY:  # its next change may bear the same time
            return ""
        state = (name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        digest.update(repr(state).encode())
    return digest.hexdigest()


def _refusal(error: OSError) -> str:
    return "symlink" if error.errno == errno.ELOOP else f"unreadable: {error.strerror}"


def _files(reading: _Reading) -> list[tuple[str, str]]:
    """Ids and paths of everything that is a file and not hidden, sorted as a pack wants them."""
    if reading.root.is_file():
        return [(document_id(reading.root.name), str(reading.root))]
    found: dict[str, str] = {}
    for path in _walk(reading, str(reading.root)):
        name = document_id(os.path.relpath(path, reading.root))
        if name in found:
            reading.skipped.append(Skipped(name, "duplicate-id: two names that differ only in what no id can show"))
        found.setdefault(name, path)
    return sorted(found.items(), key=lambda item: item[0].encode())


def _walk(reading: _Reading, top: str) -> Iterator[str]:
    pending = [top]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            reading.skipped.append(Skipped(_shown(reading, folder) + "/", f"unreadable: {error.strerror}"))
            continue
        for entry in listed:
            if reason := _ignored(entry):
                reading.skipped.append(Skipped(_shown(reading, entry.path), reason))
            elif entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            else:
                yield entry.path


def _shown(reading: _Reading, path: str) -> str:
    return document_id(os.path.relpath(path, reading.root))


def _ignored(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "symlink"
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_dir(follow_symlinks=False):
        return "ignored-folder" if entry.name in IGNORED else ""
    return "" if entry.is_file(follow_symlinks=False) else "no-regular-file"


def _document(reading: _Reading, texts: DerivedTexts, name: str, path: str) -> SourceDocument:
    suffix = Path(path).suffix.lower()
    form = FORMATS.get(suffix)
    data = _content(path, reading.limits.input_bytes if form else TEXT_BYTES)
    if not data:
        raise Unreadable("empty")
    digest = hashlib.sha256(data).hexdigest()
    if form is None and data.startswith(b"%PDF-"):
        form = "pdf"
    if form is None:
        return _plain(name, suffix, data, digest)
    converted = texts.convert(form, data, digest)
    anchors = tuple(Anchor(line, values) for line, values in converted.anchors)
    return SourceDocument(name, converted.text.encode(), digest, anchors, (*converted.flags, f"derived:{form}"))


def _content(path: str, limit: int) -> bytes:
    """The bytes of a regular file, whatever was put in its place since it was listed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("no-regular-file")
        data = b"" if status.st_size > limit else file.read(limit + 1)
    if status.st_size > limit or len(data) > limit:
        raise Unreadable(f"too-large: {max(status.st_size, len(data))} bytes")
    return data


def _plain(name: str, suffix: str, data: bytes, digest: str) -> SourceDocument:
    if is_binary(data):
        raise Unreadable(f"binary: {suffix}" if suffix else "binary")
    text, flags = decode(data)
    text, cut = _cut_long_lines(text)
    language = _LANGUAGES.get(suffix, "")
    if cut:
        flags = (*flags, f"long-lines-cut:{cut}")
    return SourceDocument(name, text, digest, _header(language, text), flags, language)


def _cut_long_lines(text: bytes) -> tuple[bytes, int]:
    """The text with no line above 1 MiB, and how many were cut; each cut says in its place how much is missing."""
    lines = text.split(b"\n")
    cut = 0
    for index, line in enumerate(lines):
        if len(line) > LINE_BYTES:
            kept = line[:LINE_BYTES].decode("utf-8", "ignore").encode()
            lines[index] = kept + f" […] [{len(line) - len(kept)} bytes of this line left out]".encode()
            cut += 1
    return (b"\n".join(lines), cut) if cut else (text, 0)


def _header(language: str, text: bytes) -> tuple[Anchor, ...]:
    """Of a table, its column names; of JSON lines, the keys of the first: what a reader needs at every row."""
    first = text[:_HEADER_BYTES].partition(b"\n")[0].decode("utf-8", "ignore")
    names: list[str] = []
    if language in {"csv", "tsv"}:
        names = _columns(first, "\t" if language == "tsv" else max(",;\t|", key=first.count))
    elif language == "jsonl":
        names = _keys(first)
    return (Anchor(1, {"columns": [name.strip()[:100] for name in names[:200]]}),) if names else ()


def _columns(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _keys(line: str) -> list[str]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return []
    return list(record) if isinstance(record, dict) else []
