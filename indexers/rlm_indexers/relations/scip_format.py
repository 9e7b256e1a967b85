"""SCIP indexes as their makers write them: protobuf's only door.

The format is `scip.proto` of the SCIP project (github.com/sourcegraph/scip). Only the few fields that are needed are
declared here, under their numbers there; the documents of an index are taken as bytes and read one by one.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

_DEFINITION = 1
"""The bit of `symbol_roles` that marks a definition."""
_TYPES = {"bytes": 12, "string": 9, "int32": 5}
_MESSAGES: dict[str, dict[str, tuple[int, str, bool]]] = {
    # field: (number, type, repeated)
    "Index": {"documents": (2, "bytes", True)},
    "Document": {
        "relative_path": (1, "string", False),
        "occurrences": (2, "bytes", True),
        "position_encoding": (6, "int32", False),
    },
    "Occurrence": {
        "range": (1, "int32", True),
        "symbol": (2, "string", False),
        "symbol_roles": (3, "int32", False),
    },
}


_LAST = re.compile(r"(?:`((?:[^`]|``)+)`|([\w+$-]+))(?:[/#:!.]|\(\+?\w*\)\.)$")
"""The last descriptor: a name, in backticks if it has odd characters, and a mark of what it names."""


class Occurrence(NamedTuple):
    """A symbol at a place: line 1-based, columns in units of the document's encoding, from 0, the end excluded."""

    line: int
    start: int
    end: int
    symbol: str
    is_definition: bool


class Document(NamedTuple):
    """What an index says of one document. Encoding: 1 UTF-8, 2 UTF-16, 3 UTF-32 units; 0 when it is not said."""

    path: str
    encoding: int
    occurrences: list[Occurrence]


def documents(data: bytes) -> Iterator[Document]:
    """The documents of an index. ValueError where the bytes are none."""
    from google.protobuf.message import DecodeError

    index, document, occurrence = (message(name) for name in _MESSAGES)
    try:
        for raw in index.FromString(data).documents:
            found = document.FromString(raw)
            said = (occurrence.FromString(each) for each in found.occurrences)
            kept = [one for each in said if (one := _occurrence(each))]
            yield Document(found.relative_path, found.position_encoding, kept)
    except DecodeError as error:
        raise ValueError("the bytes are cut short, or no SCIP index") from error


def name_in(symbol: str) -> str:
    """The name in the last descriptor of a symbol: `put` of `… shop.store/Store#put().`; "" of a local one."""
    found = None if symbol.startswith("local ") else _LAST.search(symbol)
    return (found[1] or "").replace("``", "`") or found[2] or "" if found else ""


def _occurrence(said: Any) -> Occurrence | None:
    """An occurrence on one line; what spans several is no identifier."""
    place = list(said.range)
    if len(place) == 4 and place[0] == place[2]:
        place = [place[0], place[1], place[3]]
    if len(place) != 3 or min(place) < 0 or not said.symbol:
        return None
    return Occurrence(place[0] + 1, place[1], place[2], said.symbol, bool(said.symbol_roles & _DEFINITION))


@cache
def message(name: str) -> Any:
    """The class of a message."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name=f"rlm/scip/{name}.proto", package="rlm.scip", syntax="proto3")
    message = file.message_type.add(name=name)
    for field, (number, kind, repeated) in _MESSAGES[name].items():
        message.field.add(name=field, number=number, type=_TYPES[kind], label=3 if repeated else 1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"rlm.scip.{name}"))
