"""The passages of a document that search ranks: one per definition, windows of lines for what lies between."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from rlm_indexers.pack.reader import Pack

WINDOW_LINES = 40
LONGEST_LINES = 200
"""A longer definition is cut into windows, so that a hit is worth reading."""
LEAVES = frozenset({"constant", "variable", "property", "field"})


class Chunk(NamedTuple):
    """Lines `start` to `end`; `title` is the qualified name of a definition, else empty."""

    start: int
    end: int
    title: str
    name: str
    kind: str


def chunks(pack: Pack, i: int) -> list[Chunk]:
    """The chunks of document `i`, in order; together they cover every line once."""
    lines = pack.line_count(i)
    out: list[Chunk] = []
    at = 1
    for chunk in _definitions(_symbols(pack, i), lines):
        start = max(chunk.start, at)
        if start > chunk.end:
            continue
        out.extend(_windows(at, start - 1))
        out.extend(_cut(chunk._replace(start=start)))
        at = chunk.end + 1
    out.extend(_windows(at, lines))
    return out


def _symbols(pack: Pack, i: int) -> list[dict[str, Any]]:
    """The definitions as they are stored, all parsed in one go."""
    found: list[dict[str, Any]] = json.loads(b"[" + pack.symbol_rows(i).strip().replace(b"\n", b",") + b"]")
    return found


def _definitions(symbols: list[dict[str, Any]], lines: int) -> Iterator[Chunk]:
    """Definitions that stand for themselves: a class is its head up to its first member, a function is whole."""
    rows = [row for row in symbols if row["kind"] not in LEAVES and 1 <= row["start_line"] <= row["end_line"] <= lines]
    parents = {row["parent"] for row in rows}
    inside = 0
    for number, row in enumerate(rows):
        if row["start_line"] <= inside:
            continue
        end = row["end_line"]
        if row["qualname"] in parents and row["kind"] not in ("function", "method"):
            members = [r["start_line"] for r in rows[number + 1 :] if r["parent"] == row["qualname"]]
            end = min((m - 1 for m in members if row["start_line"] < m <= end), default=end)
        else:
            inside = end
        yield Chunk(row["start_line"], end, row["qualname"], row["name"], row["kind"])


def _cut(chunk: Chunk) -> Iterator[Chunk]:
    start = chunk.start
    while chunk.end - start + 1 > LONGEST_LINES:
        yield chunk._replace(start=start, end=start + LONGEST_LINES - 1)
        start += LONGEST_LINES
    yield chunk._replace(start=start)


def _windows(start: int, end: int) -> Iterator[Chunk]:
    for at in range(start, end + 1, WINDOW_LINES):
        yield Chunk(at, min(end, at + WINDOW_LINES - 1), "", "", "")
