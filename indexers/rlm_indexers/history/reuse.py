"""Which transcripts need not be read again: what was made of them stands in the previous pack of the same source."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from rlm_indexers.corpus import SourceDocument, Unchanged
from rlm_indexers.history.plan import Planned
from rlm_indexers.history.records import open_regular, opened
from rlm_indexers.pack.previous import Previous

_STATE = "state:"
_SECRETS = "secrets:"


def state(each: Planned, key: bytes, version: int) -> str:
    """What decides the documents of a transcript, as one hash: its bytes, and all that is told of it from elsewhere.

    "" where more decides than a file: for a store, and for prompts of lost sessions. Raises OSError when the
    transcript cannot be read.
    """
    if each.transcript.form in {"opencode", "prompts"}:
        return ""
    around = (version, each.id, each.transcript.file, each.where, each.about, each.original)
    files = [_sha256(path) for path in (each.transcript.path, *(original.path for original in each.originals))]
    told = repr((around, sorted(each.subagents.items()), _listing(each.session_folder / "tool-results"), files))
    return hashlib.blake2b(told.encode("utf-8", "surrogateescape"), key=key, digest_size=8).hexdigest()


def _sha256(path: Path) -> str:
    with open_regular(path) as file:
        return opened(file).sha256


def _listing(folder: Path) -> list[tuple[str, int]]:
    """Outputs beside a transcript are written once; they come, and they are swept."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, entry.stat(follow_symlinks=False).st_size) for entry in entries)
    except OSError:
        return []


class Earlier:
    """The documents of an earlier load, by the state they were made of."""

    def __init__(self, previous: Previous | None) -> None:
        self._documents: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        for document in previous.documents() if previous is not None else ():
            for flag in document.flags:
                if flag.startswith(_STATE):
                    self._documents[flag].append((document.id, tuple(document.flags)))

    def documents(self, state: str, secrets: Counter[str]) -> list[Unchanged]:
        """What need not be made again; the secrets that were taken out of it are added to the count."""
        known = self._documents.get(_STATE + state, []) if state else []
        for _, flags in known:
            secrets.update(_told(flags))
        return [Unchanged(name) for name, _ in known]


def marked(documents: Iterable[SourceDocument], state: str, secrets: Mapping[str, int]) -> list[SourceDocument]:
    """New documents with what the next load asks for in their flags."""
    flags = (f"{_STATE}{state}",) if state else ()
    found = (_SECRETS + ",".join(f"{rule}={count}" for rule, count in sorted(secrets.items())),) if secrets else ()
    return [
        replace(document, flags=(*document.flags, *(found if number == 0 else ()), *flags))
        for number, document in enumerate(documents)
    ]


def _told(flags: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for flag in flags:
        if flag.startswith(_SECRETS):
            for entry in flag.removeprefix(_SECRETS).split(","):
                rule, _, count = entry.partition("=")
                counts[rule] += int(count)
    return counts
