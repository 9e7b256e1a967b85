"""What a cell finds in its namespace, and what the host learns after each cell.

Runs inside the sandbox; standard library only, and the modules preloaded before it. What it reports is a claim: the
host treats the final answer as text to check and the variables as something to tell the model.
"""

import ast
import collections
import csv
import dataclasses
import datetime as dt
import difflib
import functools
import itertools
import json
import math
import statistics
import sys
import textwrap
from collections import Counter, OrderedDict, defaultdict, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlm_indexers.pack import reader
    from rlm_mcp.engine.repl import code_view, combinators, corpus_view, history_view, spans, sub_calls, text_view
else:
    import code_view
    import combinators
    import corpus_view
    import history_view
    import reader
    import spans
    import sub_calls
    import text_view

FINAL_LIMIT = 200_000
"""Characters of a final answer; what is longer is no answer."""
SHOWN_VARIABLES = 40


class Run:
    """The state of one session: the final answer asked for, and the variables as they were last described."""

    def __init__(self) -> None:
        self.final: dict[str, Any] | None = None
        self.answer = {"content": "", "ready": False}
        self.reserved: frozenset[str] = frozenset()
        self.known: dict[str, str] = {}

    def variables(self, namespace: dict[str, Any]) -> dict[str, str]:
        """Name → type and size, of what the cells made."""
        return {
            name: _describe(value)
            for name, value in list(namespace.items())
            if isinstance(name, str) and not name.startswith("__") and name not in self.reserved
        }

    def report(self, namespace: dict[str, Any]) -> dict[str, Any]:
        """What changed since the last cell, and the final answer, if one was asked for."""
        current = self.variables(namespace)
        changed = {name: text for name, text in current.items() if self.known.get(name) != text}
        removed = [name for name in self.known if name not in current]
        self.known = current
        final, self.final = self._final(namespace), None
        shown = dict(list(changed.items())[:SHOWN_VARIABLES])
        return {"final": final, "changed": shown, "changed_count": len(changed), "removed": removed[:SHOWN_VARIABLES]}

    def _final(self, namespace: dict[str, Any]) -> "dict[str, Any] | None":
        given = namespace.get("answer", self.answer)
        if self.final is None and isinstance(given, dict) and given.get("ready"):
            given["ready"] = False
            return {"kind": "answer", "text": as_final(given.get("content", ""))}
        if self.final and self.final["kind"] == "variable":
            return {"kind": "variable", "text": as_final(namespace.get(self.final["name"], ""))}
        return self.final


RUN = Run()


def setup(session: Any) -> dict[str, Any]:
    """The names a cell finds. They are restored after each cell."""
    pack = reader.Pack(session.blob)
    corpus = code_view.Corpus(pack, session.call)
    calls = sub_calls.SubCalls(session.call, session.HostCallError)
    made = combinators.Combinators(calls, lambda: session.call("budget"))
    sys.modules["re"] = shim = text_view.re_module()
    vars(sys.modules["__main__"])["answer"] = RUN.answer  # a variable like others: cells may use the name
    names = {
        "corpus": corpus,
        "context": text_view.view_of(pack.region),
        "re": shim,
        **({"history": history_view.History(corpus)} if corpus.kind == "history" else {}),
        **_given(session, pack),
        **_bound(calls, "llm_query", "llm_query_batched", "rlm_query", "rlm_query_batched"),
        **_bound(made, "llm_map", "llm_filter", "llm_classify", "llm_reduce", "pairs"),
        "budget": lambda: session.call("budget"),
        "turns": functools.partial(_turn, session.call),
        "cite": functools.partial(_cite, session.call, corpus),
        **{function.__name__: function for function in (FINAL, FINAL_VAR, SUBMIT, SHOW_VARS)},
        "SubCallError": sub_calls.SubCallError,
        **_TOOLS,
    }
    RUN.reserved = frozenset(names) | {"answer", "out"}
    return names


def after_cell(namespace: dict[str, Any]) -> dict[str, Any]:
    return RUN.report(namespace)


def FINAL(text: Any = "") -> None:  # noqa: N802 - the name models know
    """End the run with this answer, if the cell goes well."""
    RUN.final = {"kind": "text", "text": as_final(text)}


def FINAL_VAR(name: Any, value: Any = None) -> None:  # noqa: N802 - the name models know
    """End the run with the value of a variable, by its name; or with the value given."""
    names = sys._getframe(1).f_globals  # noqa: SLF001 - the cell's own namespace
    if value is not None or not isinstance(name, str):
        FINAL(name if value is None else value)
    elif name in names:
        RUN.final = {"kind": "variable", "name": name}
    elif name.isidentifier():
        known = ", ".join(list(RUN.variables(names))[:SHOWN_VARIABLES]) or "none"
        raise NameError(f"FINAL_VAR: there is no variable {name!r}; variables: {known}")
    else:
        FINAL(name)


def SUBMIT(*values: Any, **fields: Any) -> None:  # noqa: N802 - the name models know
    """End the run with this answer; several named fields become one text."""
    given = list(values) + list(fields.values())
    FINAL(given[0] if len(given) == 1 else fields or given)


def SHOW_VARS() -> str:  # noqa: N802 - the name models know
    """What the cells have made so far: names, types and sizes."""
    made = RUN.variables(sys._getframe(1).f_globals)  # noqa: SLF001 - the cell's own namespace
    return spans.Shown("\n".join(f"{name}: {description}" for name, description in made.items()) or "no variables yet")


def as_final(value: Any) -> str:
    """A value as the text of an answer: spans as citations, plain data as JSON."""
    if isinstance(value, spans.Spans):
        text = "\n".join(f"[{span.ref}]" for span in value)
    elif isinstance(value, spans.Span):
        text = f"[{value.ref}]"
    elif isinstance(value, dict | list | tuple):
        text = json.dumps(value, ensure_ascii=False, indent=1, default=_as_json)
    else:
        text = str(value)
    return text[:FINAL_LIMIT]


def _as_json(value: Any) -> str:
    return f"[{value.ref}]" if isinstance(value, spans.Span) else str(value)


def _cite(call: Any, corpus: corpus_view.Corpus, place: Any, quote: "str | None" = None) -> str:
    """The marker of a citation the host has checked, `[path:start-end]`; what does not hold is marked unverified."""
    if isinstance(place, spans.Spans):
        return " ".join(_cite(call, corpus, span) for span in place)
    span = place if isinstance(place, spans.Span) else None
    if isinstance(place, spans.Document):
        span = place.span
    ref = span.ref if span else str(place).strip("[]`")
    return str(call("cite", place=ref, quote=None if quote is None else str(quote))["marker"])


def _turn(call: Any, number: int) -> str:
    """What was written and told in an earlier turn."""
    turn = call("turn", number=int(number))
    return spans.Shown(f"{turn['reply']}\n\n{turn['feedback']}")


def _given(session: Any, pack: "reader.Pack") -> dict[str, Any]:
    """For a child run: the spans it was handed."""
    places = session.arguments.get("spans")
    if not places:
        return {}
    return {"given": spans.Spans(spans.Span(pack, d, a, b) for d, a, b in places)}


def _bound(owner: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(owner, name) for name in names}


def _describe(value: Any) -> str:
    """Type and size in a few words, and the value itself when it is short and plain."""
    kind = type(value).__name__
    if isinstance(value, bool | int | float) or value is None:
        return f"{kind} = {str(value)[:40]}"
    try:
        size = f"[{len(value)}]" if hasattr(value, "__len__") else ""
    except Exception:  # noqa: BLE001 - a model's own class may raise anything
        size = ""
    short = f" = {value!r}" if isinstance(value, str) and len(value) <= 40 else ""
    return f"{kind}{size}{short}"


_TOOLS: dict[str, Any] = {
    "ast": ast,
    "collections": collections,
    "csv": csv,
    "dataclasses": dataclasses,
    "datetime": dt,
    "difflib": difflib,
    "functools": functools,
    "itertools": itertools,
    "json": json,
    "math": math,
    "statistics": statistics,
    "textwrap": textwrap,
    "Counter": Counter,
    "OrderedDict": OrderedDict,
    "defaultdict": defaultdict,
    "deque": deque,
}
