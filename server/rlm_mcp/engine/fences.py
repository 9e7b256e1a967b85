"""Where a model's code block begins and ends, decided by Python's own tokenizer where fences alone would mislead."""

import ast
import io
import re
import textwrap
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

CODE_TAGS = frozenset({"", "repl", "python", "py", "python3"})
_OPENING = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$", re.MULTILINE)
_CANDIDATES = 64
"""How many closing fences are tried: enough for any honest reply, and a bound on a hostile one."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of code. `start` and `end` are offsets of the whole block in the reply."""

    code: str
    start: int
    end: int
    closed: bool
    error: SyntaxError | None
    """Why the code does not parse, or None."""


def first_code_block(text: str) -> Block | None:
    """The first block tagged repl, python, py or nothing; blocks in other languages are stepped over."""
    at = 0
    while opening := _OPENING.search(text, at):
        if opening["info"].strip().lower() in CODE_TAGS:
            return _block(text, opening)
        at = next((end for _, end in _closings(text, opening["fence"], opening.end())), len(text))
    return None


def syntax_error(code: str) -> SyntaxError | None:
    """Why `code` does not parse, or None when it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is the model's business, not ours
            ast.parse(code)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError) as error:
        return SyntaxError(str(error) or type(error).__name__)
    return None


def _block(text: str, opening: re.Match[str]) -> Block:
    """The block begun by `opening`: up to the first closing fence that does not stand inside a string literal."""
    begin = min(opening.end() + 1, len(text))
    best: Block | None = None
    for stop, end in _closings(text, opening["fence"], begin):
        code = _unindented(text[begin:stop], opening["indent"])
        error = syntax_error(code)
        if error is None:
            return Block(code, opening.start(), end, closed=True, error=None)
        if best is None and not _inside_string(code):
            best = Block(code, opening.start(), end, closed=True, error=error)
    if best is not None:
        return best
    rest = _unindented(text[begin:], opening["indent"])
    return Block(rest, opening.start(), len(text), closed=False, error=syntax_error(rest))


def _unindented(code: str, indent: str) -> str:
    """The code of a block that stands indented, as in a list."""
    return textwrap.dedent(code) if indent else code


def _closings(text: str, fence: str, begin: int) -> Iterator[tuple[int, int]]:
    """Ends of the code and of the block, for each fence that could close it: alone on its line, or behind code."""
    mark = re.escape(fence[0]) + f"{{{len(fence)},}}"
    closing = re.compile(rf"(?P<own>^[ \t]*)?{mark}[ \t]*$", re.MULTILINE)
    for count, match in enumerate(closing.finditer(text, begin)):
        if count >= _CANDIDATES:
            return
        yield match.start(), match.end()


def _inside_string(code: str) -> bool:
    """Whether the code ends within a triple-quoted string, so that a fence there is text."""
    try:
        for _ in tokenize.generate_tokens(io.StringIO(code).readline):
            pass
    except (tokenize.TokenError, SyntaxError) as error:
        return "multi-line string" in str(error) or "triple-quoted" in str(error)
    return False
