"""What `rlm-mcp` accepts on its command line."""

import argparse
from typing import Any

from rlm_mcp import __version__
from rlm_mcp.settings import PROVIDER_NAMES

FLAGS = {
    "model": "root model: a litellm name, agent:claude, agent:codex or offline",
    "sub-model": "model for sub-calls",
    "effort": "how hard a reasoning root model thinks: low, medium or high",
    "budget-usd": "most money one run may spend, in USD",
    "max-tokens": "most tokens of one run",
    "max-calls": "most sub-calls of one run",
    "max-iterations": "most turns of the root model",
    "max-depth": "how deep rlm_query may nest",
    "max-seconds": "most wall time of one run, in seconds",
    "max-errors": "most failing cells in a row",
    "cell-timeout": "seconds one cell may compute",
    "samples": "independent runs that must agree, 1 to 3",
    "strategy": "auto, direct, search, map or loop",
}
"""Flags of `ask` that override the settings of the same name."""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="rlm-mcp", description="One question about any corpus, answered with checked citations."
    )
    top.add_argument("--version", action="version", version=f"rlm-mcp {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_serve, _load, _ask, _read, _symbols, _exec, _verify, _runs, _doctor):
        add(commands)
    return top


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """What the flags say of settings, by the settings' names; None where a flag was not given."""
    flags = {flag.replace("-", "_"): getattr(options, flag.replace("-", "_"), None) for flag in FLAGS}
    return flags | {"sandbox": getattr(options, "provider", None)}


Commands = Any
"""argparse keeps the type of a subparsers action private."""


def _command(commands: Commands, name: str, about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.add_argument("--json", action="store_true", help="print one JSON object to stdout")
    return parser


def _corpus(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("corpus", help="a name, an id, or a source: path, path@rev, git URL (url@ref), history:")


def _provider(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--provider", choices=PROVIDER_NAMES, help="where cells run")


def _serve(commands: Commands) -> None:
    parser = commands.add_parser("serve", help="the MCP server on stdin and stdout")
    parser.add_argument(
        "--no-front", action="store_true", help="do not answer the handshake before the SDK is imported"
    )


def _load(commands: Commands) -> None:
    parser = _command(commands, "load", "load a source as a corpus")
    parser.add_argument("source", help="path, path@rev, git URL (url@ref), history:, history:PATH")
    parser.add_argument("--kind", choices=["auto", "repo", "folder", "history"], default="auto")
    parser.add_argument("--name", help="a short name to call it by")


def _ask(commands: Commands) -> None:
    parser = _command(commands, "ask", "answer one question about a corpus")
    _corpus(parser)
    parser.add_argument("question")
    parser.add_argument(
        "--follows", metavar="RUN", help="an earlier run on the same corpus, whose variables to start with"
    )
    for flag, about in FLAGS.items():
        parser.add_argument(f"--{flag}", help=about, metavar=flag.rsplit("-", 1)[-1].upper())
    _provider(parser)


def _read(commands: Commands) -> None:
    parser = _command(commands, "read", "read lines, find a symbol, match a regex or search for words; calls no model")
    _corpus(parser)
    parser.add_argument("query", help="path, path:a-b, a symbol, /regex/, or words")
    parser.add_argument("--limit", type=int, default=120, help="most lines to return")
    parser.add_argument("--offset", type=int, default=0, help="matches (of a path: lines) to skip")


def _symbols(commands: Commands) -> None:
    parser = _command(commands, "symbols", "the symbol map as JSON lines")
    _corpus(parser)
    parser.add_argument("--path", help="only this document")


def _exec(commands: Commands) -> None:
    parser = _command(commands, "exec", "run one cell in a fresh session over a corpus")
    _corpus(parser)
    parser.add_argument("file", nargs="?", default="-", help="a file with the cell; - is stdin")
    parser.add_argument("--cell-timeout", metavar="SECONDS", help=FLAGS["cell-timeout"])
    _provider(parser)


def _verify(commands: Commands) -> None:
    parser = _command(commands, "verify", "check citations given as JSON lines on stdin")
    _corpus(parser)


def _runs(commands: Commands) -> None:
    parser = _command(commands, "runs", "the runs recorded on this machine")
    parser.add_argument("action", nargs="?", choices=["list", "show", "resume", "cancel"], default="list")
    parser.add_argument("run", nargs="?", help="a run's id")


def _doctor(commands: Commands) -> None:
    parser = _command(commands, "doctor", "what works here: models, sandbox, git, cache")
    _provider(parser)
