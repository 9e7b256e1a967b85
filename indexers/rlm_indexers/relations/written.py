"""What the text of a definition says of types: of parameters, results, fields, and of what a name is bound to.

Read from the text, not from a tree, and only when a question needs it. Whatever is not plainly understood is nothing.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_NAME_FIRST = frozenset({"python", "typescript", "tsx", "rust", "kotlin", "swift", "scala"})
"""Languages that write `name: Type`."""
_TYPE_FIRST = frozenset({"java", "csharp", "cpp", "c", "php"})
"""Languages that write `Type name`."""
_PATH = r"[A-Za-z_$][\w$]*(?:(?:\.|::)[A-Za-z_$][\w$]*)*"
_WRAPPED = re.compile(
    rf"^(?:(?:typing|t|typing_extensions)\.)?(?:Optional|Final|ClassVar|Annotated|Required|NotRequired)\[({_PATH})[\],]"
)
_PLAIN = re.compile(rf"^&?(?:'\w+\s+)?(?:mut\s+)?\*?(?:(?:Box|Arc|Rc)<)?({_PATH})")
_CALLED = re.compile(rf"(await\s+)?(?:new\s+)?&?({_PATH})\s*(?:<[\w\s,.<>\[\]]*>)?([({{])")
_ALONE = re.compile(rf"({_PATH})\s*(?:;|$|#|//|\bor\b|\bif\b|\?\?|\|\|)")
_BINDING = re.compile(r"[A-Za-z_$][\w.$]*(?=[ \t]*(?:[,:=)]|in\b|of\b))")
_NOTHING = frozenset({"None", "null", "nil", "undefined", "Nothing"})
_OPENING, _CLOSING = "([{", ")]}"
_LONGEST = 4_000


class Value(NamedTuple):
    """What a name is bound to, as far as it is plain: what is called (or used as it is), and whether it is awaited."""

    path: str
    called: bool = False
    awaited: bool = False


class Bound(NamedTuple):
    """One place at which a name gets its value: its type as written, or what it may be; neither when unclear."""

    type: str = ""
    values: tuple[Value, ...] = ()


def type_named(text: str) -> str:
    """`a.B` of `Optional["a.B"]`, `a.B | None`, `B<T>`, `*B`, `&mut B`; "" of a choice between several."""
    said = text.strip().strip("\"'").strip()
    wrapped = _WRAPPED.match(said.replace('"', "").replace("'", ""))
    if wrapped:
        return wrapped[1]
    choices = [each.strip() for each in said.split("|")] if "[" not in said and "<" not in said else [said]
    choices = [each for each in choices if each and each not in _NOTHING]
    found = _PLAIN.match(choices[0]) if len(choices) == 1 else None
    if found is None:
        return ""
    rest = choices[0][found.end() :].strip()
    return found[1].replace("::", ".") if not rest or (rest[0] in "<[?>!" and not rest.startswith("[]")) else ""


def parameter(language: str, signature: str, name: str) -> str:
    """The type of a parameter, as a definition's head has it; "" when it says none."""
    _, opened, inside = signature.partition("(")
    if language == "go" and signature.startswith("func ("):
        _, _, inside = inside.partition("(")
    if not opened:
        return ""
    return _typed(language, f"({inside}", name, r"[(,]\s*(?:\w+\s+)*?")


def result(language: str, signature: str) -> str:
    """The type that a function returns, as its head has it."""
    if language in {"python", "rust", "php"}:
        head = signature.rpartition("->" if language != "php" else "):")[2] if "->" in signature else ""
        return type_named(head.strip().rstrip(":{ "))
    if language in {"typescript", "tsx", "kotlin"}:
        found = re.search(r"\)\s*:\s*([^={]+)", signature)
        return type_named(found[1]) if found else ""
    if language == "go":
        found = re.search(r"\)\s*\(?\s*(\*?[\w.]+)[^()]*\)?$", signature)
        return type_named(found[1]) if found else ""
    if language in {"java", "csharp"}:
        found = re.search(rf"({_PATH})(?:<[^()]*>)?\s+[\w$]+\s*(?:<[^()]*>)?\(", signature)
        return type_named(found[1]) if found else ""
    return ""


def field(language: str, head: str, name: str) -> Bound:
    """What the declaration of a field or variable says of it."""
    said = _typed(language, head, name, r"(?:^|[\s(,])")
    if said:
        return Bound(said)
    found = re.search(rf"(?:^|[\s,(]){re.escape(name)}\s*:?=(?!=)\s*", head)
    return Bound("", values(head[found.end() :])) if found else Bound()


def promoted(head: str, name: str) -> str:
    """The type of a field that a constructor of TypeScript declares by a parameter."""
    found = re.search(
        rf"(?:private|public|protected|readonly)\s+(?:readonly\s+)?{re.escape(name)}\??\s*:\s*([^,)=]+)", head
    )
    return type_named(found[1]) if found else ""


def may_bind(text: str) -> frozenset[str]:
    """The names that a text may give a value, and some more: quick, so that few texts are read for a name."""
    lines = (line for line in text.split("\n") if "=" in line or "for " in line or " as " in line or "range " in line)
    return frozenset(name for line in lines for name in _BINDING.findall(line))


def bindings(language: str, text: str, name: str) -> Iterator[Bound]:
    """Every place in the text of a function or class at which a name (`x`, `self.x`) gets a value."""
    word = re.escape(name)
    if any(re.search(pattern.replace("WORD", word), text, re.MULTILINE) for pattern in _unclear(language)):
        yield Bound()
    for found in re.finditer(rf"\bwith\s+([^\n]+?)\s+as\s+{word}\s*[:,]", text):
        yield Bound("", tuple(each._replace(path=f"{each.path}().__enter__") for each in values(found[1])))
    second = r"(?:[ \t]*,[ \t]*\w+)?" if language == "go" else ""
    assigned = rf"(?<![\w.]){word}{second}[ \t]*(?::[ \t]*([^=\n]+?))?[ \t]*:?=(?![=>])[ \t]*"
    for found in re.finditer(assigned, text):
        before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if not before.strip() or _declares(language, before):
            typed = type_named(found[1]) if found[1] else _type_before(language, before)
            yield Bound(typed) if typed else Bound("", values(text[found.end() : found.end() + _LONGEST]))


def _unclear(language: str) -> tuple[str, ...]:
    """What gives a name a value that the text does not say: loops, unpacking, exceptions, `:=`."""
    if language == "go":
        return r"\bWORD\s*,[^\n=(]*\brange\b", r",[ \t]*WORD[ \t]*:?=(?!=)"
    return (
        r"\bfor\s+[^\n]*\bWORD\b[^\n]*\b(?:in|of)\b",
        r"\bas\s+\(?[^\n:]*,\s*WORD\b",
        r"\bexcept\b[^\n]*\bas\s+WORD\b",
        r"(?<![\w.])WORD\s*:=",
        r"^[ \t(]*WORD[ \t]*,[^\n=(]*=(?!=)",
        r"^[^\n=(\[{]*,[ \t]*WORD\b[^\n=(]*=(?!=)",
    )


def values(text: str) -> tuple[Value, ...]:
    """The values that an expression may have: of `a or B()` both; none when one of them is not plain."""
    found: list[Value] = []
    rest = text
    while True:
        value, rest = _value(rest)
        if value is None:
            return ()
        if value.path not in _NOTHING:
            found.append(value)
        more = re.match(r"\s*(?:or\b|\?\?|\|\||if\b[^\n]*?\belse\b)\s*", rest)
        if not more:
            return tuple(found) or (Value("None"),)
        rest = rest[more.end() :]


def _value(text: str) -> tuple[Value | None, str]:
    """The first plain value of a text, and what follows it."""
    text = text.removeprefix("(\n").lstrip() if text.startswith("(\n") else text
    called = _CALLED.match(text)
    if called:
        end = _closed(text, called.end() - 1)
        follows = text[end:].lstrip(" \t)?") if end else "."
        if not follows or follows[0] in "\n#;," or re.match(r"or\b|if\b|\?\?|\|\||//", follows):
            return Value(called[2].replace("::", "."), called=True, awaited=bool(called[1])), text[end:]
        return None, ""
    alone = _ALONE.match(text.split("\n", 1)[0])
    return (Value(alone[1]), text[alone.end(1) :]) if alone else (None, "")


def _closed(text: str, at: int) -> int:
    """Where the bracket that opens at a place has been closed; 0 when it is not, or what is inside is unclear."""
    depth = 0
    quote = ""
    for place in range(at, min(len(text), at + _LONGEST)):
        mark = text[place]
        if quote:
            quote = "" if (mark == quote and text[place - 1] != "\\") or mark == "\n" else quote
        elif mark in "\"'`":
            quote = mark
        elif mark in _OPENING:
            depth += 1
        elif mark in _CLOSING:
            depth -= 1
            if not depth:
                return place + 1
    return 0


def _typed(language: str, text: str, name: str, before: str) -> str:
    """The type written beside a name."""
    word = re.escape(name)
    if language in _NAME_FIRST:
        found = re.search(rf"{before}{word}[?!]?\s*:\s*([^=;]+)", text)
        return type_named(_first_part(found[1])) if found else ""
    if language in _TYPE_FIRST:
        found = re.search(rf"({_PATH})(?:<[^()=;]*>)?\??\s+[*&$]?{word}\s*(?:[,);=\[]|$)", text)
        return type_named(found[1]) if found and found[1] not in _NO_TYPES else ""
    if language == "go":
        found = re.search(rf"(?:^|[(,\s]){word}\s+(\*?[\w.]+)\s*(?:[,)`\"]|$)", text)
        return type_named(found[1]) if found and found[1] not in {"=", "struct", "interface", "func"} else ""
    return ""


_NO_TYPES = frozenset({"var", "return", "new", "final", "val", "let", "const", "static", "auto", "private", "public"})


def _first_part(text: str) -> str:
    """Up to the comma or bracket that ends it."""
    depth = 0
    for place, mark in enumerate(text):
        if mark in "[(<{":
            depth += 1
        elif mark in "])>}":
            depth -= 1
        if depth < 0 or (mark == "," and not depth):
            return text[:place]
    return text


def _declares(language: str, before: str) -> bool:
    """Whether what stands before a name on its line leaves the assignment one of a plain name."""
    if language == "python":
        return before.rstrip().endswith((":", ";")) and "(" not in before
    return (
        re.fullmatch(rf"\s*(?:(?:const|let|var|val|final|mut|if)\s+)*(?:{_PATH}(?:<[^()=]*>)?\??\s+)?", before)
        is not None
    )


def _type_before(language: str, before: str) -> str:
    if language not in _TYPE_FIRST:
        return ""
    found = re.search(rf"({_PATH})(?:<[^()=]*>)?\??\s+$", before)
    return type_named(found[1]) if found and found[1] not in _NO_TYPES else ""
