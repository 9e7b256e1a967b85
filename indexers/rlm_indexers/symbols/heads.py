"""Heads of C definitions without the macros in them: what is left is a type, a name, and parameters."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_START = re.compile(rb"^(?:[A-Za-z_]|[ \t]+(?=[A-Z][A-Z0-9_]+[ \t]+[A-Za-z]))", re.MULTILINE)
"""What begins a line, and what begins an indented one with a word that is written like a macro and another."""
_FLAT = rb"[^(){};]*"
_IN_PARENTHESES = rb"\(" + _FLAT + rb"\)"
for _ in range(3):
    _IN_PARENTHESES = rb"\(" + _FLAT + rb"(?:" + _IN_PARENTHESES + _FLAT + rb")*\)"
_TOKEN = re.compile(rb"\s*(?:([A-Za-z_]\w*(?:\s*::\s*~?\w+)*)|([*&]+)|(" + _IN_PARENTHESES + rb")|(\S|\Z))")
_KINDS = ("word", "star", "call", "stop")
_MOST_TOKENS = 400

_STORAGE = frozenset(
    b"static extern inline const volatile register auto constexpr virtual explicit friend mutable "
    b"__inline __inline__ __const __volatile__ _Noreturn _Thread_local thread_local __extension__ "
    b"typename __cdecl __stdcall __fastcall __thiscall __vectorcall".split()
)
_PRIMITIVES = frozenset(b"void char short int long float double signed unsigned bool _Bool size_t ssize_t".split())
_TAGS = frozenset((b"struct", b"union", b"enum", b"class"))
_AFTER = frozenset((b"const", b"override", b"final", b"noexcept", b"volatile"))
_OTHERS = frozenset(
    b"typedef if else for while do switch case default return goto break continue sizeof using namespace template "
    b"public private protected operator asm __asm__".split()
)
"""Words in what is no head, or a head of which nothing is known here."""
_ATTRIBUTES = frozenset((b"__attribute__", b"__attribute", b"__declspec", b"_Alignas", b"alignas"))
_MACRO = re.compile(rb"[A-Z0-9_]*(?:API|EXPORT|IMPORT|INLINE|CALL|ATTR|PUBLIC|EXTERN|NORETURN|DECL)[A-Z0-9_]*$")
_PARAMETERS = re.compile(rb"\(\s*\w+(?:\s*,\s*\w+)*\s*\)$")
_CONVENTION = re.compile(rb"\(\s*([A-Z][A-Z0-9_]*)\s*\*\s*\w+\s*\)\s*\(")
"""`(WINAPI *name)(`: how a function is called, before a pointer to it."""
_PROMISE = re.compile(
    rb"(?:\)|\b(?:const|override|noexcept))\s*([A-Z][A-Z0-9_]{2,}\s*" + _IN_PARENTHESES + rb")(?=\s*\{)"
)
"""`) LOCKS_EXCLUDED(mutex) {`: what is said of a function after its parameters."""
_TYPE = re.compile(rb"\([\w\s*]+\)$")


class _Token(NamedTuple):
    kind: str
    """`word`, `star`, `call` (what is in parentheses) or `stop`."""
    start: int
    end: int
    text: bytes


Spans = Iterator[tuple[int, int]]
Words = list[_Token]


class _Call(NamedTuple):
    """Words, the last of which is called; and what stands in its parentheses."""

    words: Words
    arguments: _Token

    @property
    def before(self) -> Words:
        return self.words[:-1]

    @property
    def span(self) -> tuple[int, int]:
        return self.words[0].start, self.arguments.end


def promises(code: bytes) -> Spans:
    """Where macros say how a function is called, or what holds while it runs."""
    for pattern in (_CONVENTION, _PROMISE):
        yield from (found.span(1) for found in pattern.finditer(code))


def macros(code: bytes) -> Spans:
    """Where macros stand in heads that begin a line: in C without comments, quoted text and cut-up conditionals."""
    done = 0
    for found in _START.finditer(code):
        if found.start() >= done:
            tokens = list(_tokens(code, found.start()))
            done = tokens[-1].start
            yield from _in_head(tokens)


def _tokens(code: bytes, start: int) -> Iterator[_Token]:
    for _ in range(_MOST_TOKENS):
        found = _TOKEN.match(code, start)
        group = (found.lastindex if found else None) or len(_KINDS)
        if found is None or group == len(_KINDS):
            break
        yield _Token(_KINDS[group - 1], found.start(group), found.end(group), found[group])
        start = found.end()
    stop = found.end() - len(found[4] or b"") if found and found.lastindex == len(_KINDS) else start
    yield _Token("stop", stop, stop, code[stop : stop + 1])


def _in_head(tokens: Words) -> Spans:
    stop = tokens.pop().text
    if any(token.text in _OTHERS for token in tokens):
        return
    attributes = {n + k for n, token in enumerate(tokens) if token.text in _ATTRIBUTES for k in (0, 1)}
    yield from ((tokens[n].start, tokens[n].end) for n in attributes if n < len(tokens))
    calls, rest = _calls([token for n, token in enumerate(tokens) if n not in attributes])
    if any(not call.words for call in calls):
        yield from _called_twice(calls)
    elif not calls:
        yield from _tag(rest, stop) if rest and rest[0].text in _TAGS and stop in b"{:" else _excess(rest[:-1])
    else:
        yield from _function(calls, rest, stop)


def _calls(tokens: Words) -> tuple[list[_Call], Words]:
    """What is called, in order; and the words after the last."""
    calls: list[_Call] = []
    words: Words = []
    for token in tokens:
        if token.kind == "call":
            calls.append(_Call(words, token))
            words = []
        else:
            words.append(token)
    return calls, words


def _called_twice(calls: list[_Call]) -> Spans:
    """`PREFIX(name)(int a)`: the name is what stands in the first parentheses."""
    for first, second in pairwise(calls):
        if first.words and not second.words and _PARAMETERS.match(first.arguments.text):
            yield first.words[-1].start, first.words[-1].end
            yield from _edges(first.arguments)
            yield from _excess(first.before)


def _tag(words: Words, stop: bytes) -> Spans:
    """`class EXPORT Name {`."""
    names = [word for word in words[1:] if word.text not in _AFTER and word.text not in _TAGS]
    if stop and all(word.kind == "word" for word in names):
        yield from ((word.start, word.end) for word in names[:-1])


def _function(calls: list[_Call], rest: Words, stop: bytes) -> Spans:
    head = calls[-1]
    if len(rest) == 1 and not _has_type(head.before):
        yield from _typed_by(head)
        calls = calls[:-1]
    elif len(rest) == 1 and rest[0].text not in _AFTER:
        yield from ((word.start, word.end) for word in rest)
    elif len(rest) > 1 and not (_PARAMETERS.match(head.arguments.text) and rest[-1].text in head.arguments.text):
        yield from (call.span for call in calls)
        yield from _excess(rest[:-1])
        return
    if calls and calls[-1] is head:
        yield from _head(calls, stop)
    else:
        yield from (call.span for call in calls)


def _head(calls: list[_Call], stop: bytes) -> Spans:
    """The last call is what is defined or declared, if anything is; those before it are macros."""
    head, before = calls[-1], calls[:-1]
    if not _has_type(head.before) and before:
        last = before.pop()
        if _has_type(last.before):
            yield last.words[-1].start, last.arguments.end
            yield from _excess(last.before + head.before)
        elif _TYPE.match(last.arguments.text) and stop in b"{;":
            yield from _typed_by(last)
        else:
            yield last.span
    elif _has_type(head.before):
        yield from _excess(head.before)
    yield from (call.span for call in before)
    if not _has_type(head.before) and stop in b"#}":
        yield head.span


def _typed_by(call: _Call) -> Spans:
    """`EXPORT(int) name`: what is left is the type."""
    yield call.words[-1].start, call.words[-1].end
    yield from _edges(call.arguments)


def _edges(arguments: _Token) -> Spans:
    yield arguments.start, arguments.start + 1
    yield arguments.end - 1, arguments.end


def _has_type(words: Words) -> bool:
    return any(word.kind == "word" and word.text not in _STORAGE for word in words)


def _excess(words: Words) -> Spans:
    """What is no type in the words before a name: `PyObject *_Py_HOT`, `static int CALLBACK`."""
    names: Words = []
    tagged = False
    for word in words:
        if word.kind == "word" and word.text not in _STORAGE | _PRIMITIVES | _TAGS and not tagged:
            names.append(word)
        tagged = word.text in _TAGS
    if not any(word.text in _PRIMITIVES | _TAGS for word in words):
        kept = _likeliest(names, words)
        names = [name for name in names if name is not kept]
    yield from ((name.start, name.end) for name in names)


def _likeliest(names: Words, words: Words) -> _Token | None:
    """Which of several names is the type: the one before a `*`, else the first that is not written like a macro."""
    star = next((word.start for word in words if word.kind == "star"), None)
    if star is not None:
        return max((name for name in names if name.start < star), key=lambda name: name.start, default=None)
    plain = [name for name in names if not name.text.isupper()] or [n for n in names if not _MACRO.match(n.text)]
    return next(iter(plain or names), None)
