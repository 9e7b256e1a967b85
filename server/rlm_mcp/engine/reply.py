"""What a root model's reply asks for: one cell, a final answer, or neither and then a hint says what was wrong.

One cell per turn: the first complete block counts and the text behind it is dropped, because whatever it says about
the cell's output was written before there was any.
"""

import ast
import re
from dataclasses import dataclass
from typing import Literal

from rlm_mcp.engine import fences

FinalKind = Literal["text", "variable"]

_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL)
_FINAL = re.compile(r"^[ \t>*`]*(?P<name>FINAL_VAR|FINAL|SUBMIT)[ \t]*\(", re.MULTILINE)

NO_BLOCK = (
    "No code block found. Reply with one ```repl block of Python, or, once you have seen the evidence, "
    "with FINAL(your answer) alone."
)
BROKEN_FENCE = (
    "The code block was never closed and does not parse ({error}). It may have been cut by the length limit: "
    "send one shorter block, closed by ``` on a line of its own."
)
SYNTAX = "The block does not parse: {error}. Nothing was run. Send the corrected block."
EMPTY_BLOCK = "The code block is empty. Nothing was run."
FINAL_BESIDE_CODE = (
    "The FINAL beside the code block was not accepted: it was written before the block's output existed. "
    "Read the output, then answer."
)


@dataclass(frozen=True, slots=True)
class Final:
    """A final answer as the model asked for it: its text, or the name of the variable that holds it."""

    kind: FinalKind
    value: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A parsed reply. Exactly one of `code`, `final` and `hint` says what happens next; `notes` go with `code`."""

    kept: str
    """What stays in the conversation: the reply up to the end of its block."""
    code: str | None = None
    final: Final | None = None
    hint: str | None = None
    notes: tuple[str, ...] = ()


def parse(text: str) -> Reply:
    """What the reply asks for."""
    text = _THINKING.sub("", text).strip()
    block = fences.first_code_block(text)
    if block is None or _holds(text, block):
        final = _final(text)
        return Reply(text, final=final) if final else Reply(text, hint=NO_BLOCK)
    kept = text[: block.end]
    hint = _fault(block)
    if hint is not None:
        return Reply(kept, hint=hint)
    outside = text[: block.start] + "\n" + text[block.end :]
    notes = (FINAL_BESIDE_CODE,) if _FINAL.search(outside) else ()
    return Reply(kept, code=block.code, notes=notes)


def _holds(text: str, block: fences.Block) -> bool:
    """Whether the block stands inside the parentheses of a final answer, as a part of its text."""
    final = _FINAL.search(text, 0, block.start)
    if final is None:
        return False
    between = text[final.end() : block.start]
    return between.count("(") >= between.count(")") and text.rstrip(" \t\n`*").endswith(")")


def _fault(block: fences.Block) -> str | None:
    if block.error is not None:
        template = SYNTAX if block.closed else BROKEN_FENCE
        return template.format(error=_say(block.error))
    return EMPTY_BLOCK if not block.code.strip() else None


def _say(error: SyntaxError) -> str:
    """The error in one line, with the line it points at."""
    where = f"line {error.lineno}: " if error.lineno else ""
    source = f" — `{error.text.strip()[:120]}`" if error.text and error.text.strip() else ""
    return f"{where}{error.msg}{source}"


def _final(text: str) -> Final | None:
    """The last final answer written as text. What stands before it is the model thinking aloud."""
    found = list(_FINAL.finditer(text))
    if not found:
        return None
    first = found[0] if found[0]["name"] != "FINAL_VAR" else found[-1]
    inner = _inside_parentheses(text[first.end() :])
    if first["name"] == "FINAL_VAR":
        return Final("variable", inner.split(",")[0].strip().strip("\"'`"))
    return Final("text", _unquoted(_without_keyword(inner)))


def _inside_parentheses(rest: str) -> str:
    """Up to the parenthesis that closes the call at a line's end; failing that up to the last one, or to the end."""
    depth = 1
    for match in re.finditer(r"\(|\)(?P<ends>[ \t`*]*$)?", rest, re.MULTILINE):
        depth += 1 if match[0] == "(" else -1
        if depth <= 0 and match["ends"] is not None:
            return rest[: match.start()].strip()
        depth = max(depth, 1)
    end = rest.rfind(")")
    return (rest if end < 0 else rest[:end]).strip()


def _without_keyword(inner: str) -> str:
    """`SUBMIT(answer="…")` names its field; the name is not part of the answer."""
    match = re.match(r"(answer|text|content|value)\s*=\s*(?=[\"'])", inner)
    return inner[match.end() :] if match else inner


def _unquoted(inner: str) -> str:
    """The string's value when the whole argument is one string literal; otherwise the text as it stands."""
    try:
        value = ast.literal_eval(inner)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return inner
    return value if isinstance(value, str) else inner
