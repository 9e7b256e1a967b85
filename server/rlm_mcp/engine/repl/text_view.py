"""`context`: the whole text of a corpus as something like a str, mapped and never copied whole; and a `re` to match.

Runs inside the sandbox; standard library only. Up to EXACT bytes the text is decoded once, at its first use, and
behaves as a str does. Beyond that, offsets count bytes of UTF-8: `find`, slices and matches agree with each other, a
slice that cuts a character drops it, and slices above SLICE bytes stay views.
"""

import re as _re
import types
from collections.abc import Iterator
from typing import Any

PLAIN = 2_000_000
"""Bytes up to which `context` is simply a str."""
EXACT = 32_000_000
SLICE = 8_000_000
CHUNK = 1 << 20


class Text:
    """A long text, str-like. `str(text)` gives it whole, unless it is too long for that."""

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self._decoded: str | None = None

    @property
    def small(self) -> bool:
        """Whether offsets count characters, as in a str."""
        return len(self.view) <= EXACT

    def __str__(self) -> str:
        if not self.small:
            size = f"{len(self.view) / 1e6:,.0f} MB"
            raise ValueError(f"the text has {size}: slice it, iterate over corpus.docs, or use corpus.grep")
        if self._decoded is None:
            self._decoded = str(self.view, "utf-8", "replace")
        return self._decoded

    def __repr__(self) -> str:
        return f"<text of {len(self):,} {'characters' if self.small else 'bytes'}; slice it to see some>"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __len__(self) -> int:
        return len(str(self)) if self.small else len(self.view)

    def __bool__(self) -> bool:
        return len(self.view) > 0

    def __hash__(self) -> int:
        return hash((Text, len(self.view)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Text):
            return self.view == other.view
        return isinstance(other, str) and bool(self.view == other.encode("utf-8", "surrogatepass"))

    def __add__(self, other: object) -> str:
        return str(self) + str(other)

    def __radd__(self, other: object) -> str:
        return str(other) + str(self)

    def __iter__(self) -> Iterator[str]:
        if self.small:
            yield from str(self)
            return
        for at in range(0, len(self.view), CHUNK):
            yield from _decode(self.view[at : at + CHUNK])

    def __contains__(self, part: str) -> bool:
        return self.find(part) >= 0

    def __getitem__(self, key: "int | slice") -> "str | Text":
        if self.small:
            return str(self)[key]
        if not isinstance(key, slice):
            at = range(len(self.view))[key]
            return _decode(self.view[at : at + 4])[:1]
        start, stop, step = key.indices(len(self.view))
        part = self.view[start:stop]
        if step != 1:
            return str(Text(part))[::step] if step > 0 else str(Text(self.view[stop + 1 : start + 1]))[::step]
        return _decode(part) if len(part) <= SLICE else Text(part)

    def find(self, part: str, start: int = 0, end: "int | None" = None) -> int:
        if self.small:
            return str(self).find(part, start, end)
        low, high, _ = slice(start, end).indices(len(self.view))
        match = _literal(part).search(self.view, low, high)
        return match.start() if match else -1

    def rfind(self, part: str, start: int = 0, end: "int | None" = None) -> int:
        if self.small:
            return str(self).rfind(part, start, end)
        low, high, _ = slice(start, end).indices(len(self.view))
        needle = part.encode("utf-8", "surrogatepass")
        while high > low:
            begin = max(low, high - CHUNK)
            at = bytes(self.view[begin : high + len(needle)]).rfind(needle)
            if at >= 0 and begin + at + len(needle) <= len(self.view):
                return begin + at
            high = begin
        return -1

    def index(self, part: str, start: int = 0, end: "int | None" = None) -> int:
        at = self.find(part, start, end)
        if at < 0:
            raise ValueError("substring not found")
        return at

    def count(self, part: str, start: int = 0, end: "int | None" = None) -> int:
        if self.small:
            return str(self).count(part, start, end)
        low, high, _ = slice(start, end).indices(len(self.view))
        return sum(1 for _ in _literal(part).finditer(self.view, low, high))

    def startswith(self, part: "str | tuple[str, ...]") -> bool:
        return _decode(self.view[:CHUNK]).startswith(part)

    def endswith(self, part: "str | tuple[str, ...]") -> bool:
        return _decode(self.view[-CHUNK:]).endswith(part)

    def splitlines(self, keepends: bool = False) -> "list[str] | Lines":
        """The lines, ended by newlines only; beyond EXACT bytes something that gives them one by one."""
        if not self.small:
            return Lines(self.view, keepends)
        return [line if keepends else line.removesuffix("\n") for line in _re.findall(r"[^\n]*\n|[^\n]+", str(self))]

    def split(self, separator: "str | None" = None, maxsplit: int = -1) -> Any:
        if not self.small and separator == "\n":
            return self.splitlines()
        return str(self).split(separator, maxsplit)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(str, name):
            raise AttributeError(f"context has no attribute {name!r}")
        return getattr(str(self), name)


class Lines:
    """The lines of a text too long to be split at once: iterate, or take len()."""

    def __init__(self, view: memoryview, keepends: bool) -> None:
        self.view = view
        self._keepends = keepends

    def __iter__(self) -> Iterator[str]:
        for match in _re.finditer(rb"[^\n]*\n|[^\n]+", self.view):
            line = match[0].decode("utf-8", "replace")
            yield line if self._keepends else line.removesuffix("\n")

    def __len__(self) -> int:
        return sum(1 for _ in _re.finditer(rb"\n|[^\n]\Z", self.view))


class Match:
    """A match in a text too long to be decoded: offsets count bytes, groups are str."""

    def __init__(self, match: "_re.Match[bytes]") -> None:
        self._match = match

    def group(self, *groups: Any) -> Any:
        found = self._match.group(*groups)
        return tuple(map(_decoded, found)) if isinstance(found, tuple) else _decoded(found)

    def groups(self, default: Any = None) -> tuple[Any, ...]:
        return tuple(map(_decoded, self._match.groups(default)))

    def groupdict(self, default: Any = None) -> dict[str, Any]:
        return {name: _decoded(value) for name, value in self._match.groupdict(default).items()}

    def __getitem__(self, group: Any) -> Any:
        return _decoded(self._match[group])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._match, name)


class Pattern:
    """A compiled pattern that also takes `context`."""

    def __init__(self, pattern: "_re.Pattern[Any]") -> None:
        self._pattern = pattern

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._pattern, name)
        if name not in _METHODS:
            return method

        def applied(*args: Any, **kwargs: Any) -> Any:
            at = 1 if name in ("sub", "subn") else 0
            if len(args) <= at or not isinstance(args[at], Text):
                return method(*args, **kwargs)
            return _on_text(self._pattern, name, args[at], (*args[:at],), args[at + 1 :], kwargs)

        return applied

    def __repr__(self) -> str:
        return repr(self._pattern)


_METHODS = frozenset({"search", "match", "fullmatch", "findall", "finditer", "split", "sub", "subn"})


def _on_text(
    pattern: "_re.Pattern[Any]", name: str, text: Text, before: tuple[Any, ...], after: tuple[Any, ...], kwargs: Any
) -> Any:
    if text.small or name in ("sub", "subn") or isinstance(pattern.pattern, bytes):
        return getattr(pattern, name)(*before, str(text), *after, **kwargs)
    flags = pattern.flags & ~_re.UNICODE
    found = getattr(_re.compile(pattern.pattern.encode(), flags), name)(*before, text.view, *after, **kwargs)
    if name == "finditer":
        return map(Match, found)
    if name in ("findall", "split"):
        return [tuple(map(_decoded, f)) if isinstance(f, tuple) else _decoded(f) for f in found]
    return None if found is None else Match(found)


def re_module() -> types.ModuleType:
    """A module that is `re`, except that its functions take `context` too."""
    shim = types.ModuleType("re", _re.__doc__)
    shim.__dict__.update({name: getattr(_re, name) for name in dir(_re) if not name.startswith("__")})

    def compile_(pattern: Any, flags: Any = 0) -> Any:
        return pattern if isinstance(pattern, Pattern) else Pattern(_re.compile(pattern, flags))

    def function(name: str) -> Any:
        def apply(pattern: Any, *args: Any, flags: Any = 0, **kwargs: Any) -> Any:
            if name in _POSITIONAL and len(args) > _POSITIONAL[name]:
                *args, flags = args  # type: ignore[assignment]
            return getattr(compile_(pattern, flags), name)(*args, **kwargs)

        return apply

    shim.__dict__.update({name: function(name) for name in _METHODS} | {"compile": compile_})
    return shim


_POSITIONAL = {"search": 1, "match": 1, "fullmatch": 1, "findall": 1, "finditer": 1, "split": 2, "sub": 3, "subn": 3}
"""How many arguments stand before `flags` when it is given by position."""


def view_of(region: memoryview) -> "str | Text":
    """What `context` is for this text."""
    return str(region, "utf-8", "replace") if len(region) <= PLAIN else Text(region)


def _literal(part: str) -> "_re.Pattern[bytes]":
    return _re.compile(_re.escape(part.encode("utf-8", "surrogatepass")))


def _decode(data: memoryview) -> str:
    """The characters that lie wholly within these bytes."""
    return str(data, "utf-8", "ignore")


def _decoded(value: Any) -> Any:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | bytearray | memoryview) else value
