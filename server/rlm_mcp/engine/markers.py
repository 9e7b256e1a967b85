"""The citation markers of an answer, in the forms that models write them.

The form we ask for is `[path:start-end]` or `[path:line]`, several in one bracket allowed. Also read, because they
claim the same: backticks around or inside, `path:line` without brackets, and "line 12 of path".
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Form = Literal["bracket", "plain", "prose"]


@dataclass(frozen=True, slots=True)
class Reference:
    """One place that a marker names, as it was written."""

    document: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.document}:{self.start}" + (f"-{self.end}" if self.end != self.start else "")


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker in the answer's text, from offset `start` to `end`, and the places it names."""

    form: Form
    start: int
    end: int
    references: tuple[Reference, ...]


_NAMES = (
    "adoc bash bat bib c cc cfg clj cljs cmake conf cpp cs css csv cxx dart diff docx el eml env epub erl "
    "ex exs f90 fs go gradle graphql groovy h hcl hpp hrl hs htm html ini ipynb java jl js json jsonl jsx "
    "kt kts less lock log lua m md mdx mjs ml mli mm nim pas pdf php pl pm pptx properties proto ps1 py "
    "pyi pyx r rb rs rst s scala scss sh sol sql svelte swift tcl tex tf tfvars toml ts tsv tsx txt v vb "
    "vim vue xlsx xml yaml yml zig zsh"
)
EXTENSIONS = frozenset(_NAMES.split())
"""What makes `name.ext:12` a citation and not a host with its port, when the corpus has no document of that name."""

_BRACKET = re.compile(r"\[((?:[^\[\]\n]|\[[^\[\]\n]*\]){3,2000})\]")
_RANGE = r"L?(?P<start>\d{1,9})(?:\s*[-\u2013\u2014]\s*L?(?P<end>\d{1,9}))?"
_AT = r"(?::\s?|#(?=L))"
_NEXT = r"(?=\s*(?:[,;]|$))"
_PLACE = re.compile(rf"\s*[;,]?\s*(?P<path>[^\n]+?){_AT}{_RANGE}{_NEXT}")
_COMMIT = re.compile(
    r"\s*[;,]?\s*(?P<path>(?:commit:[0-9a-f]{7,64}|diff:[0-9a-f]{7,64}\.\.[0-9a-f]{7,64})"
    rf"(?::(?!\d+(?:-\d+)?{_NEXT})[^\n,;:]+)?){_NEXT}"
)
"""A commit cited as such: by its first line, which says who and when."""
_MORE = re.compile(rf"\s*[;,]\s*{_RANGE}{_NEXT}")
_PLAIN = re.compile(rf"(?<![\w.@+~/:\[\\-])(?P<path>[\w.@+~/-]*\w)(?::|#(?=L)){_RANGE}(?!\w)")
_PROSE = re.compile(
    r"\blines?\s+(?P<start>\d{1,9})(?:\s*(?:[-\u2013\u2014]|to|and)\s*(?P<end>\d{1,9}))?"
    r"\s+(?:of|in)\s+`?(?P<path>[\w.@+~/-]*\w)`?",
    re.IGNORECASE,
)


def parse(answer: str, known: Callable[[str], bool]) -> list[Marker]:
    """The markers in order. `known` says whether the corpus has a document of exactly this id."""
    found: list[Marker] = []
    for markers in (_brackets(answer, known), _mentions(answer, known)):
        for marker in markers:
            if all(marker.end <= other.start or other.end <= marker.start for other in found):
                found.append(marker)
    return sorted(found, key=lambda marker: marker.start)


def _brackets(answer: str, known: Callable[[str], bool]) -> Iterator[Marker]:
    for match in _BRACKET.finditer(answer):
        references = tuple(_places(match[1].replace("`", "")))
        if references and all(_is_citation(answer, match.start(), r, known) for r in references):
            yield Marker("bracket", match.start(), match.end(), references)


def _places(inner: str) -> Iterator[Reference]:
    """The places a bracket names; nothing at all when any part of it is something else."""
    found: list[Reference] = []
    at = 0
    while at < len(inner.rstrip()):
        commit = _COMMIT.match(inner, at)
        if commit is not None:
            found.append(Reference(commit["path"].strip(), 1, 1))
            at = commit.end()
            continue
        more = _MORE.match(inner, at) if found else None
        place = more or _PLACE.match(inner, at)
        if place is None:
            return
        path = found[-1].document if more else place["path"].strip()
        found.append(_reference(path, place))
        at = place.end()
    yield from found


def _mentions(answer: str, known: Callable[[str], bool]) -> Iterator[Marker]:
    for match in _PROSE.finditer(answer):
        if _is_path(match["path"], known):
            yield Marker("prose", match.start(), match.end(), (_reference(match["path"], match),))
    for match in _PLAIN.finditer(answer):
        if _is_path(match["path"], known):
            yield Marker("plain", match.start(), match.end(), (_reference(match["path"], match),))


def _is_citation(answer: str, at: int, reference: Reference, known: Callable[[str], bool]) -> bool:
    """Whether a bracket is one: not a subscript like `text[a:5]`, not a time like `[12:30]`."""
    if _is_path(reference.document, known):
        return True
    if reference.document.isdigit() or not any(c.isalnum() for c in reference.document):
        return False
    return not (at and (answer[at - 1].isalnum() or answer[at - 1] in "_])"))


def _is_path(path: str, known: Callable[[str], bool]) -> bool:
    """Whether this names a document: one of the corpus, or something with the look of a file."""
    return ("." in path and path.rpartition(".")[2].lower() in EXTENSIONS) or known(path)


def _reference(path: str, match: "re.Match[str]") -> Reference:
    start = int(match["start"])
    return Reference(path, start, int(match["end"] or start))
