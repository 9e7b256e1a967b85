"""What one document says of names, read from its facts as they are kept: without objects, for an index of all."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

_FIELDS = 5
"""Numbers per reference, see `facts_to_json`."""
_OUTLINED = frozenset({"heading", "key", "selector", "element"})
"""Kinds that nothing uses by name."""
_PARTS = re.compile(r"[^./\\:]+")


class Said(NamedTuple):
    """Of one name in one document: how many definitions, how many uses, and whether it is imported."""

    defined: int
    uses: int
    imported: bool


class DocumentNames(NamedTuple):
    """All names of one document, and the words by which its imports may mean others."""

    names: dict[str, Said]
    modules: frozenset[str]


def names_in(facts: str) -> DocumentNames:
    """What the kept facts of a document say; nothing when there are none. A use counts once for each line and role."""
    if not facts:
        return DocumentNames({}, frozenset())
    value = json.loads(facts)
    strings, imports = value["strings"], value["imports"]
    fields = iter(value["references"])
    counted = Counter(row[0] for row in set(zip(*[fields] * _FIELDS, strict=True)))
    uses = {strings[place]: count for place, count in counted.items()}
    for original, alias in {(name, alias) for _, name, alias, _ in imports if alias and name not in ("", alias)}:
        uses[original] = uses.get(original, 0) + uses.get(alias, 0)
    defined = Counter(symbol[0] for symbol in value["symbols"] if symbol[2] not in _OUTLINED)
    imported = {name for _, name, _, _ in imports}
    names = {name: Said(defined[name], uses.get(name, 0), name in imported) for name in {*uses, *defined}}
    return DocumentNames(names, frozenset(_words(imports)))


def _words(imports: list[Any]) -> Iterator[str]:
    """`core` of `app.core`, `stdio` of `a/stdio.h`; "." of what names only folders above."""
    for module, name, _, _ in imports:
        parts = _PARTS.findall(module.rpartition("/")[2])
        yield from (parts[0], parts[-1]) if parts else (".",)
        if name not in ("", "*"):
            yield name
