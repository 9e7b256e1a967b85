"""Import statements, read from their text: what is imported, from where, under which name."""

import re
from collections.abc import Iterator

from rlm_indexers.symbols.facts import ImportFact

_FROM = re.compile(r"from\s*([\w.\s]+?)\s*\bimport\b\s*(.*)", re.DOTALL)
_HASH_COMMENT = re.compile(r"#[^\n]*|\\\r?\n")
_SLASH_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED = re.compile(r"""(['"`])((?:(?!\1)[^\\\n])+)\1""")


def python(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`import a.b as c`, `from .x import (y as z, …)`."""
    text = _HASH_COMMENT.sub(" ", _text(statement)).strip()
    found = _FROM.match(text)
    if found:
        module = re.sub(r"\s", "", found[1])
        for name, alias in _renamed(found[2].strip("() \t\r\n")):
            yield ImportFact(module, name, alias, line)
    else:
        for name, alias in _renamed(text.removeprefix("import")):
            yield ImportFact(name, "", alias, line)


_JS_IMPORT = re.compile(r"(import|export)\s+(?:type\s+)?(.*?)\s*\bfrom\s*$", re.DOTALL)


def javascript(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`import d, {a as b} from 'm'`, `import 'm'`, `export * from 'm'`, `const {a} = require('m')`."""
    text = _text(statement)
    quoted = list(_QUOTED.finditer(text))
    if not quoted:
        return
    module, head = quoted[-1][2], _SLASH_COMMENT.sub(" ", text[: quoted[-1].start()])
    found = _JS_IMPORT.match(head)
    if found:
        for name, alias in _javascript_names(found[2]):
            yield ImportFact(module, name, alias, line)
    elif "require" in head:
        yield from _required(module, head, line)
    else:
        yield ImportFact(module, "", "", line)


def _required(module: str, head: str, line: int) -> Iterator[ImportFact]:
    """`{a: b} = require(` and `a = require(`."""
    left = re.sub(r"^\s*import\s", "", head).partition("=")[0].strip()
    if left.startswith("{"):
        for name, alias in _renamed(left.strip("{} \n\t").replace(":", " as ")):
            yield ImportFact(module, name, alias, line)
    else:
        yield ImportFact(module, "", left if left.isidentifier() else "", line)


def _javascript_names(clause: str) -> Iterator[tuple[str, str]]:
    before, _, braced = clause.partition("{")
    for part in before.split(","):
        words = part.split()
        if words[:1] == ["*"]:
            yield ("*" if len(words) < 3 else ""), (words[2] if len(words) > 2 else "")
        elif words:
            yield "default", words[0]
    yield from _renamed(braced.partition("}")[0])


def go(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`f "fmt"`: "." as alias takes everything in."""
    found = _QUOTED.search(_text(statement))
    if found:
        alias = _text(statement)[: found.start()].strip()
        yield ImportFact(found[2], "*" if alias == "." else "", alias.strip("._"), line)


_RUST_USE = re.compile(r"(?:pub(?:\([^)]*\))?\s+)?use\s+(.*?);?\s*$", re.DOTALL)


def rust(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`use a::{b::c as d, e::*};` as one fact for each leaf."""
    found = _RUST_USE.match(_SLASH_COMMENT.sub(" ", _text(statement)).replace("r#", ""))
    if not found:
        return
    for path in _unfolded(found[1]):
        words = path.split()
        module, _, name = words[0].rpartition("::") if words else ("", "", "")
        if name == "self":
            module, _, name = module.rpartition("::")
        if name:
            alias = words[2] if len(words) > 2 else ""
            yield ImportFact(module.replace("::", "."), name, alias, line)


def _unfolded(tree: str) -> Iterator[str]:
    """`a::{b, c::{d}}` as `a::b`, `a::c::d`."""
    prefixes = [""]
    current = ""
    for mark in re.findall(r"[{},]|[^{},]+", tree):
        if mark == "{":
            prefixes.append(prefixes[-1] + current.strip())
            current = ""
        elif mark in "},":
            if current.strip():
                yield prefixes[-1] + current.strip()
            current = ""
            if mark == "}" and len(prefixes) > 1:
                prefixes.pop()
        else:
            current += mark
    if current.strip():
        yield prefixes[-1] + current.strip()


def java(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`import static a.B.c;`, `import a.*;`, Kotlin's `import a.B as C`."""
    words = [w for w in _text(statement).replace(";", " ").split() if w not in {"import", "static"}]
    if words:
        module, _, name = words[0].rpartition(".")
        yield ImportFact(module, name, words[2] if len(words) > 2 and words[1] == "as" else "", line)


_INCLUDE = re.compile(r"""#\s*\w+\s*[<"]([^>"\n]+)[>"]""")


def c(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`#include <a/b.h>`: the path as it is written."""
    found = _INCLUDE.match(_text(statement))
    if found:
        yield ImportFact(found[1], "*", "", line)


def cpp(statement: bytes, line: int) -> Iterator[ImportFact]:
    """Includes, `using namespace a::b;`, `using a::b;`."""
    words = _text(statement).rstrip("; \n").split()
    if words[:2] == ["using", "namespace"] and len(words) > 2:
        yield ImportFact(words[2].replace("::", "."), "*", "", line)
    elif words[:1] == ["using"] and len(words) > 1:
        module, _, name = words[1].rpartition("::")
        yield ImportFact(module.replace("::", "."), name, "", line)
    else:
        yield from c(statement, line)


def csharp(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`using A.B;`, `using X = A.B;`, `using static A.B;`."""
    text = _text(statement).rstrip("; \n")
    text = re.sub(r"^(?:global\s+)?using\s+(?:static\s+)?", "", text).strip()
    alias, equals, target = text.partition("=")
    if equals:
        module, _, name = target.strip().rpartition(".")
        yield ImportFact(module, name, alias.strip(), line)
    elif text:
        yield ImportFact(text, "*", "", line)


def ruby(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`require "a/b"`, `require_relative "c"` (as `./c`)."""
    text = _text(statement)
    found = _QUOTED.search(text)
    if found:
        relative = text.startswith("require_relative") and not found[2].startswith(".")
        yield ImportFact("./" + found[2] if relative else found[2], "*", "", line)


def php(statement: bytes, line: int) -> Iterator[ImportFact]:
    r"""`use A\B as C, D;`, `use A\{B, C};`, `require 'file.php'`."""
    text = _text(statement).rstrip("; \n")
    if not text.startswith("use"):
        found = _QUOTED.search(text)
        if found:
            yield ImportFact(found[2], "*", "", line)
        return
    for path in _unfolded(re.sub(r"^use\s+(?:function\s+|const\s+)?", "", text)):
        words = path.split()
        if words:
            module, _, name = words[0].strip("\\").rpartition("\\")
            yield ImportFact(module.replace("\\", "."), name, words[2] if len(words) > 2 else "", line)


def bash(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`source ./a.sh`, `. a.sh`."""
    words = _text(statement).split()
    if len(words) > 1:
        yield ImportFact(words[1].strip("'\""), "*", "", line)


_SWIFT_KINDS = {"class", "enum", "func", "let", "protocol", "struct", "typealias", "var"}


def swift(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`import A`, `import A.B`: all that is in it; `@testable import struct A.B`: one thing."""
    words = _text(statement).partition("import ")[2].split()
    if words[:1] and words[0] in _SWIFT_KINDS and len(words) > 1:
        module, _, name = words[1].rpartition(".")
        yield ImportFact(module, name, "", line)
    elif words:
        yield ImportFact(words[0], "*", "", line)


_SCALA_PART = re.compile(r"((?:[^,{}]|\{[^{}]*\})+)")


def scala(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`import a.b._, c.D`, `import a.{B => C, D as E, *}`: `given` is what is imported without being named."""
    text = _SLASH_COMMENT.sub(" ", _text(statement)).removeprefix("import")
    for part in _SCALA_PART.findall(text):
        path, _, braced = part.strip().partition("{")
        module, _, last = path.strip().rstrip(".").rpartition(".") if not braced else (path.strip(" ."), "", "")
        for name, alias in _renamed((braced.rstrip("} \n") or last).replace("=>", " as ")):
            if name != "given" and alias != "_":
                yield ImportFact(module, "*" if name in {"_", "*"} else name.strip("`"), alias.strip("`"), line)


_LUA_REQUIRE = re.compile(r"""require\s*\(?\s*["']([^"'\n]+)["']\s*\)?(?:\s*\.\s*(\w+))?""")


def lua(statement: bytes, line: int) -> Iterator[ImportFact]:
    """`a, b = require "c", require("d").e`: each with the variable it goes to."""
    text = _text(statement)
    left, _, _ = text.partition("=") if not text.startswith("require") else ("", "", "")
    targets = [target.strip() for target in left.split(",")]
    for number, found in enumerate(_LUA_REQUIRE.finditer(text)):
        alias = targets[number] if number < len(targets) and targets[number].isidentifier() else ""
        yield ImportFact(found[1], found[2] or "", alias if alias != found[2] else "", line)


def _renamed(names: str) -> Iterator[tuple[str, str]]:
    """`a as b, type c` as (a, b), (c, "")."""
    for part in names.split(","):
        words = part.split()
        if words[:1] == ["type"] and len(words) > 1 and words[1] != "as":
            words = words[1:]
        if words:
            yield words[0], words[2] if len(words) > 2 and words[1] == "as" else ""


def _text(statement: bytes) -> str:
    return statement.decode("utf-8", "replace")
