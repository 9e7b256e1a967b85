"""What stands beside a pack in the cache: everything about a corpus that is not text."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_indexers.cache import read_json, write_json
from rlm_indexers.corpus import CorpusInfo, Coverage, Kind, Segment, Skipped

FORMAT = 2
NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One corpus as it was loaded."""

    info: CorpusInfo
    coverage: Coverage
    segments: tuple[Segment, ...]
    key: str
    """Of the source it was loaded from."""
    kind: Kind


def write(folder: Path, manifest: Manifest) -> None:
    info, coverage = manifest.info, manifest.coverage
    write_json(
        folder / NAME,
        {
            "format": FORMAT,
            "key": manifest.key,
            "info": {name: getattr(info, name) for name in CorpusInfo.__dataclass_fields__},
            "coverage": {
                "indexed": coverage.indexed,
                "text_only": coverage.text_only,
                "skipped": _pairs(coverage.skipped),
                "without_symbols": _pairs(coverage.without_symbols),
                "languages": coverage.languages,
                "parsed": coverage.parsed,
            },
            "segments": [[part.sha256, part.offset, part.length] for part in manifest.segments],
        },
    )


def read(folder: Path) -> Manifest | None:
    """The manifest in a corpus's folder; None when there is none that this version can use, or files are missing."""
    found: Any = read_json(folder / NAME)
    if not isinstance(found, dict) or found.get("format") != FORMAT or not _whole(folder, found["segments"]):
        return None
    info = CorpusInfo(**found["info"])
    coverage = found["coverage"]
    for name in ("skipped", "without_symbols"):
        coverage[name] = tuple(Skipped(*each) for each in coverage[name])
    segments = tuple(Segment(*each) for each in found["segments"])
    return Manifest(info, Coverage(**coverage), segments, found["key"], info.kind)


def _pairs(left_out: tuple[Skipped, ...]) -> list[list[str]]:
    return [[each.id, each.reason] for each in left_out]


def _whole(folder: Path, segments: list[list[Any]]) -> bool:
    """Whether the files that belong to a corpus are there, the pack in its full length."""
    try:
        size = (folder / "pack").stat().st_size
    except OSError:
        return False
    return size == sum(length for _, _, length in segments) and (folder / "search.sqlite").is_file()
