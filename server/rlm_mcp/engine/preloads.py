"""What is loaded into every session: the pack's reader and the modules of `repl/`, as source text, in order."""

from functools import cache
from importlib import resources

from rlm_sandbox.base import Preload

MODULES = (
    "text_view",
    "spans",
    "corpus_view",
    "code_view",
    "history_view",
    "schemas",
    "sub_calls",
    "combinators",
    "prelude",
)
"""Each may import those before it, by these names."""


@cache
def preloads() -> tuple[Preload, ...]:
    """The modules of a session."""
    reader = resources.files("rlm_indexers.pack").joinpath("reader.py").read_text(encoding="utf-8")
    folder = resources.files("rlm_mcp.engine").joinpath("repl")
    ours = (Preload(name, folder.joinpath(f"{name}.py").read_text(encoding="utf-8")) for name in MODULES)
    return (Preload("reader", reader), *ours)
