"""The commands of `rlm-mcp`: each does one thing over an App and returns an exit code."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlm_mcp import doctor as doctors
from rlm_mcp import reading, render
from rlm_mcp.asking import Asking, AskOptions
from rlm_mcp.errors import ConfigError, LowerError, RlmError, in_words
from rlm_mcp.runs import Run
from rlm_mcp.terminal import Progress

if TYPE_CHECKING:
    from rlm_mcp.app import App

JSON = Any
Options = argparse.Namespace
EXIT = {"complete": 0, "partial": 3, "failed": 1}


async def load(app: "App", options: Options) -> int:
    """Load a source and say what it is."""
    with Progress() as say:
        opened = await app.library.load(options.source, kind=options.kind, name=options.name, say=say)
    _print(options, opened.info, lambda: render.loaded(opened.info, opened.outline()))
    return 0


async def ask(app: "App", options: Options) -> int:
    """Answer a question; progress goes to stderr."""
    return await _answered(
        app, options, Asking(app).start(options.question, options.corpus, AskOptions(follows=options.follows))
    )


async def _answered(app: "App", options: Options, run: Run) -> int:
    try:
        with Progress() as say:
            async for message in app.runs.watch(run, every=0.2):
                say(f"{message} · {run.seconds:.0f} s")
    except asyncio.CancelledError:
        await app.runs.interrupt(run)
        print(f"rlm-mcp: interrupted; go on with: rlm-mcp runs resume {run.id}", file=sys.stderr)
        raise
    result = _result(run)
    _print(options, result, lambda: render.answer(result, "full"))
    return EXIT[result["status"]]


async def read(app: "App", options: Options) -> int:
    """Matches of a query, without a model."""
    _, found = await app.library.read(options.corpus, options.query, reading.Page(options.limit, options.offset))
    _print(options, found.as_json(), lambda: render.matches(found.matches, found.note, found.caveat) or "nothing found")
    return 0


async def symbols(app: "App", options: Options) -> int:
    """The symbol map as JSON lines, with or without --json."""
    opened = await app.library.resolve(options.corpus)
    if options.path:
        with in_words():
            opened.corpus.document(options.path)
    for symbol in opened.corpus.symbols(path=options.path):
        print(json.dumps(_symbol(symbol), ensure_ascii=False))
    return 0


async def exec(app: "App", options: Options) -> int:  # noqa: A001 - the command's name
    """One cell in a fresh session over a corpus."""
    from rlm_mcp.engine.scratch import run_cell

    code = sys.stdin.read() if options.file == "-" else _file(options.file)
    opened = await app.library.resolve(options.corpus)
    result = await run_cell(code, opened.corpus, await app.provider(), app.session_limits(app.settings))
    _print(options, result, lambda: result["stdout"] + (f"\n{_told(result['error'])}" if result["error"] else ""))
    return 1 if result["error"] or result["died"] else 0


async def verify(app: "App", options: Options) -> int:
    """Citations on stdin → the same with state and reason, as JSON lines. Exit 1 when one is rejected."""
    from rlm_mcp.engine.texts import Texts

    opened = await app.library.resolve(options.corpus)
    texts, rejected = Texts(opened.corpus), 0
    for number, given in _json_lines(sys.stdin):
        row = texts.verify(*_fields(given, number))
        rejected += row.state == "rejected"
        print(json.dumps(given | {"state": row.state, "reason": row.reason, **_corrected(row)}, ensure_ascii=False))
    return 1 if rejected else 0


async def runs(app: "App", options: Options) -> int:
    """The runs of this machine; the journal of one; an interrupted one resumed, or one under way cancelled."""
    if options.action == "list":
        listed = list(app.runs.list())
        _print(options, {"runs": listed}, lambda: "\n".join(_line(row) for row in listed) or "no runs yet")
        return 0
    if not options.run:
        raise ConfigError(f"runs {options.action} needs a run's id. See: rlm-mcp runs list.")
    if options.action == "resume":
        return await _answered(app, options, Asking(app).resume(options.run))
    if options.action == "cancel":
        app.runs.request_cancel(options.run)
        _print(options, {"run": options.run, "status": "cancelling"}, lambda: f"{options.run}: asked to stop")
        return 0
    for record in app.runs.show(options.run):
        print(json.dumps(record, ensure_ascii=False))
    return 0


async def doctor(app: "App", options: Options) -> int:
    """What works here, and what to do about what does not. Exit 1 when questions cannot be answered."""
    report = await doctors.examine(app)
    _print(options, report, lambda: doctors.told(report))
    return 0 if report["ready"] else 1


def _result(run: Run) -> dict[str, JSON]:
    if run.result is not None:
        return run.result
    if isinstance(run.error, RlmError):
        raise run.error
    if isinstance(run.error, asyncio.CancelledError):
        raise LowerError(f"Run {run.id} was {run.ending}. Its record: rlm-mcp runs show {run.id}.") from run.error
    raise LowerError(f"Run {run.id} failed: {run.error}. Its record: rlm-mcp runs show {run.id}.") from run.error


def _print(options: Options, data: JSON, text: Any) -> None:
    print(json.dumps(data, ensure_ascii=False) if options.json else text())


def _symbol(symbol: Any) -> dict[str, JSON]:
    fields = ("document", "name", "qualname", "kind", "line", "start_line", "end_line", "parent", "language")
    return {field: getattr(symbol, field) for field in fields}


def _file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read a cell from {path}: {error}. Give a file, or - for stdin.") from error


def _told(error: dict[str, str]) -> str:
    return f"{error['traceback']}{error['kind']}: {error['message']}"


def _json_lines(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, JSON]]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                given = json.loads(line)
            except ValueError as error:
                raise ConfigError(f"line {number} of stdin is not JSON: {error}.") from error
            if not isinstance(given, dict):
                raise ConfigError(f"line {number} of stdin is not a JSON object: {line.strip()[:80]}.")
            yield number, given


def _fields(given: dict[str, JSON], number: int) -> tuple[str, int, int, str]:
    document, start, end = given.get("document"), given.get("start_line"), given.get("end_line")
    quote = given.get("quote") or ""
    if not (isinstance(document, str) and type(start) is int and type(end) is int and isinstance(quote, str)):
        raise ConfigError(
            f"line {number} of stdin needs document (text), start_line and end_line (numbers), quote (text)."
        )
    return document, start, end, quote


def _corrected(row: Any) -> dict[str, JSON]:
    if row.state != "repaired":
        return {}
    return {"document": row.span.document, "start_line": row.span.start, "end_line": row.span.end, "quote": row.quote}


def _line(row: dict[str, JSON]) -> str:
    return f"{row['run']}  {row['status']:<10}  {row['corpus']}  {row['question'][:80]}"
