"""`#if` and its branches, where they cut through what a parser takes for one piece."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

_NOT_CODE = re.compile(
    rb"""/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:[^"\\\n]|\\.)*+"?|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)*+'?""", re.DOTALL
)
"""Comments and what is quoted. A quote that is not closed ends with its line: no quadratic search for its other end."""
_DIRECTIVE = re.compile(rb"^[ \t]*#(?:[^\n\\]|\\\r?\n|\\.)*", re.MULTILINE)
_CONDITIONAL = re.compile(rb"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b[ \t]*([^\n]*)")
_BLANK = bytes(byte if byte in b"\r\n" else 32 for byte in range(256))
_WHOLE_BEFORE, _WHOLE_AFTER = frozenset(b";{}:)"), frozenset(b";}:")


@dataclass(slots=True)
class _Group:
    """One `#if` to its `#endif`: where its directives stand, first to last."""

    condition: bytes
    directives: list[tuple[int, int]] = field(default_factory=list)

    def branches(self) -> Iterator[tuple[int, int]]:
        for (_, start), (end, _) in pairwise(self.directives):
            yield start, end


def plain_code(data: bytes) -> bytes:
    """The text with comments and what is quoted blanked; of the same length."""
    return _NOT_CODE.sub(lambda found: blank(found[0]), data)


def blank(text: bytes) -> bytes:
    return text.translate(_BLANK)


def cutting_conditionals(code: bytes) -> Iterator[tuple[int, int]]:
    """Where the directives of `#if`s stand that cut through a statement or a head, and all but one branch of each."""
    bare = _DIRECTIVE.sub(lambda found: blank(found[0]), code)
    for group in _groups(code):
        if not all(_is_whole(bare, start, end) for start, end in group.branches()):
            yield from group.directives
            yield from _unwanted(group, bare)


def _groups(code: bytes) -> list[_Group]:
    """Inner ones before those around them."""
    done: list[_Group] = []
    open_ones: list[_Group] = []
    for line in _DIRECTIVE.finditer(code):
        found = _CONDITIONAL.match(line[0])
        if found is None:
            continue
        if found[1].startswith(b"if"):
            open_ones.append(_Group(found[1] + b" " + found[2].strip()))
        if open_ones:
            open_ones[-1].directives.append((line.start(), line.start() + len(line[0].rstrip())))
            if found[1] == b"endif":
                done.append(open_ones.pop())
    return done


def _is_whole(bare: bytes, start: int, end: int) -> bool:
    """Whether a branch is made of whole statements or definitions, and stands where one may."""
    branch = bare[start:end].strip()
    if not branch:
        return True
    before = bare[:start].rstrip()[-1:] if start < 4096 else bare[start - 4096 : start].rstrip()[-1:]
    balanced = branch.count(b"{") == branch.count(b"}") and branch.count(b"(") == branch.count(b")")
    begins = branch[0] not in b"{}),&|?+-=" and not branch.startswith(b"else")
    return balanced and begins and branch[-1] in _WHOLE_AFTER and (not before or before[0] in _WHOLE_BEFORE)


def _unwanted(group: _Group, bare: bytes) -> Iterator[tuple[int, int]]:
    """The branches that would make no sense beside the one that is kept."""
    branches = list(group.branches())
    if b"__cplusplus" in group.condition and _is_linkage(bare[slice(*branches[0])]):
        yield branches[0]
    elif len(branches) > 1:
        listed = all(_is_listed(bare[start:end].strip()) for start, end in branches)
        kept = 1 if group.condition in {b"if 0", b"ifdef __cplusplus"} else 0
        for number, branch in enumerate(branches):
            if number != kept and not listed:
                yield branch


def _is_linkage(branch: bytes) -> bool:
    """Whether it is the beginning or the end of `extern "C" { … }`."""
    return branch.split() in ([b"extern", b"{"], [b"}"])


def _is_listed(branch: bytes) -> bool:
    """Whether it is entries of a list, each with a comma after it."""
    return not branch or (branch.endswith(b",") and branch.count(b"{") == branch.count(b"}"))
