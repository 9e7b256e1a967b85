"""A folder of documents: each file to text with anchors, or to the reason why not. Nothing is followed out of it."""

import csv
import errno
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from rlm_indexers import large, versions
from rlm_indexers.converters.base import Unreadable
from rlm_indexers.converters.cache import DerivedTexts
from rlm_indexers.converters.process import Converter, Limits
from rlm_indexers.corpus import Anchor, Fetched, Skipped, SourceDocument
from rlm_indexers.errors import SourceError
from rlm_indexers.pack.previous import Previous, in_runs
from rlm_indexers.repo.files import Status
from rlm_indexers.repo.stat_cache import Seen, StatCache, now_ns
from rlm_indexers.text import SNIFFED_BYTES, decode, document_id, is_binary

_RACY = 2_000_000_000
_PASSING = ("converter-timeout", "converter-crashed")
"""How reasons begin that a busy machine may have caused."""
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
    cache: Path | None
    previous: Previous | None
    confine: Path | None

    def known(self) -> StatCache | None:
        """What files held that look as they did; asked anew by each version, which may read them otherwise."""
        if self.cache is None:
            return None
        return StatCache(self.cache / "files.sqlite", f"{self.root}\0{versions.documents()}\0{self.limits}")


@dataclass(frozen=True, slots=True)
class _File:
    """A file by its id, as it looked when it was listed."""

    name: str
    path: str
    status: Status | None

    @property
    def key(self) -> bytes:
        return os.fsencode(self.path)

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.path)[1].lower()  # noqa: PTH122 - of every file, at every load

    @property
    def form(self) -> str | None:
        return FORMATS.get(self.suffix)


def fetch(
    source: Path,
    *,
    cache: Path | None = None,
    previous: Previous | None = None,
    progress: Callable[[str], None] | None = None,
    limits: Limits | None = None,
    confine: Path | None = None,
) -> Fetched:
    """The documents of a folder, or one file. `cache`: where derived texts are kept, and what unchanged files held.
    `confine`: see Converter.

    Raises SourceError when there is nothing to read. Hidden files and folders, symbolic links and what gives no text
    are listed in `skipped`, each with its reason. `previous`: the pack of an earlier load.
    """
    root = Path(os.path.abspath(source))  # noqa: PTH100 - not resolve(): a link that was named is meant, not its target
    if not root.exists():
        raise SourceError(f"there is no file or folder {root}: pass the path of one that exists")
    if not os.access(root, os.R_OK):
        raise SourceError(f"{root} cannot be read: check its permissions")
    started = time.time_ns()
    fetched = Fetched("folder", root.name or str(root), (), facts={"root": str(root)})
    reading = _Reading(root, limits or Limits(), fetched.skipped, progress, cache, previous, confine)
    files = _looked_at(_files(reading))
    fetched.fingerprint = _fingerprint(files, reading, started)
    fetched.documents = in_runs(_documents(reading, files))
    return fetched


def _looked_at(files: list[tuple[str, str]]) -> list[_File]:
    return [_File(name, path, _status(path)) for name, path in files]


def _status(path: str) -> Status | None:
    try:
        return Status.of(os.lstat(path))
    except OSError:
        return None


def _documents(reading: _Reading, files: list[_File]) -> Iterator[SourceDocument | int]:
    known = reading.known()
    with Converter(reading.limits, reading.confine) as converter:
        texts = DerivedTexts(reading.cache / "derived" if reading.cache is not None else None, converter)
        for file in files:
            seen = known.get(file.key, file.status) if known and file.status else None
            number = reading.previous.find(file.name, seen.sha256) if reading.previous and seen else None
            if seen and seen.verdict:
                reading.skipped.append(Skipped(file.name, seen.verdict))
            elif number is not None:
                yield number
            else:
                yield from _read(reading, texts, known, file)
    if known:
        known.save({file.key for file in files})


def _read(reading: _Reading, texts: DerivedTexts, known: StatCache | None, file: _File) -> Iterator[SourceDocument]:
    """The document that a file is, or none and the reason among the skipped."""
    if reading.progress is not None:
        reading.progress(file.name)
    at = now_ns()
    try:
        with _opened(file.path) as opened:
            status = Status.of(os.fstat(opened.fileno()))
            document, sha256, reason = _made(reading, texts, file, opened, status)
            steady = Status.of(os.fstat(opened.fileno())) == status
    except OSError as error:
        reading.skipped.append(Skipped(file.name, _refusal(error)))
        return
    if known and steady and sha256 and not reason.startswith(_PASSING):
        known.record(file.key, status, Seen(sha256, "", "", reason), at)
    if document is None:
        reading.skipped.append(Skipped(file.name, reason))
    else:
        yield document if steady else replace(document, flags=(*document.flags, "changed-while-read"))


def _made(
    reading: _Reading, texts: DerivedTexts, file: _File, opened: IO[bytes], status: Status
) -> tuple[SourceDocument | None, str, str]:
    """A document or the reason why there is none, and between them the hash of the file if all of it was read."""
    sha256 = ""
    if not stat.S_ISREG(status.mode):
        return None, "", "no-regular-file"
    try:
        if file.form is None and status.size > TEXT_BYTES:
            document = _large(file, opened, status.size, reading.cache or Path(tempfile.gettempdir()))
            return document, document.sha256, ""
        data = _content(opened, status.size, reading.limits.input_bytes if file.form else TEXT_BYTES)
        sha256 = hashlib.sha256(data).hexdigest()
        return _document(texts, file, data, sha256), sha256, ""
    except Unreadable as error:
        return None, sha256, str(error)
    except large.NoText as error:
        return None, error.sha256, str(error)


def _large(file: _File, opened: IO[bytes], size: int, room: Path) -> SourceDocument:
    """A text that is read in pieces."""
    head = os.pread(opened.fileno(), SNIFFED_BYTES, 0)
    if is_binary(head) or size > large.MOST_BYTES:
        raise Unreadable(f"too-large: {size} bytes")
    found = large.read(opened.fileno(), size, room)
    language = _LANGUAGES.get(file.suffix, "")
    anchors = _header(language, bytes(found.text[:_HEADER_BYTES]))
    return SourceDocument(file.name, found.text, found.sha256, anchors, (*found.flags, "large"), language)


def _fingerprint(files: list[_File], reading: _Reading, started: int) -> str:
    """What tells this state of the folder from others without reading it; "" while a change could go unseen."""
    if any(f.status is None or max(f.status.mtime_ns, f.status.ctime_ns) > started - _RACY for f in files):
        return ""  # the next change of a file may bear the same time
    digest = hashlib.sha256(repr((versions.documents(), reading.limits, reading.skipped)).encode())
    digest.update("\n".join(f"{f.name}\0{f.status}" for f in files).encode())
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


def _document(texts: DerivedTexts, file: _File, data: bytes, sha256: str) -> SourceDocument:
    if not data:
        raise Unreadable("empty")
    form = file.form or ("pdf" if data.startswith(b"%PDF-") else None)
    if form is None:
        return _plain(file.name, file.suffix, data, sha256)
    converted = texts.convert(form, data, sha256)
    anchors = tuple(Anchor(line, values) for line, values in converted.anchors)
    return SourceDocument(file.name, converted.text.encode(), sha256, anchors, (*converted.flags, f"derived:{form}"))


def _opened(path: str) -> IO[bytes]:
    """A file, opened so that nothing put in its place since it was listed is followed or waited for."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def _content(file: IO[bytes], size: int, limit: int) -> bytes:
    data = b"" if size > limit else file.read(limit + 1)
    if size > limit or len(data) > limit:
        raise Unreadable(f"too-large: {max(size, len(data))} bytes")
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
