"""The MCP tools: one short function each. Docstrings are what the calling model reads; they are snapshotted."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import AliasChoices, Field

from rlm_mcp import __version__, render, scope
from rlm_mcp.app import App
from rlm_mcp.asking import Asking, AskOptions
from rlm_mcp.errors import RlmError
from rlm_mcp.reading import Page
from rlm_mcp.runs import Run

JSON = Any
P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger(__name__)

INSTRUCTIONS = """\
Ask one question about something far larger than your context: a repository, a folder of documents, past agent \
sessions. rlm_ask reads it in a sandbox, outside your context, and returns a short answer whose citations \
`path:start-end` were re-read and checked. Use it for questions that need many files or all of a corpus. For one known \
file, or one word to grep, your own tools are cheaper.
Corpora: a path, a git URL (url@ref), path@revision, or history: (past Claude Code sessions of this repository)."""

PROGRESS_SECONDS = 4.0
"""How often a waiting request says that it is alive; one client gives up after 60 s of silence."""
SOFT_DEADLINES = {"claude-code": 110.0, "codex-mcp-client": 240.0, "gemini-cli-mcp-client": 240.0, "opencode": 240.0}
"""Seconds after which a client gets a run id instead of an answer, by clientInfo.name (facts: each client's limit)."""
UNKNOWN_CLIENT_DEADLINE = 45.0

READ_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=True)
ASKING = ToolAnnotations(read_only_hint=True, idempotent_hint=False, open_world_hint=True)
ALWAYS = {"anthropic/alwaysLoad": True}

CorpusArgument = Annotated[
    str,
    Field(
        description="a loaded corpus's name, or a source to load: path, path@rev, git URL, history:",
        validation_alias=AliasChoices("corpus", "source", "path", "repo"),
    ),
]


def build_server(app: App) -> MCPServer:
    """An MCP server over `app`. Whatever a tool fails of on purpose reaches the model in words, with isError set."""
    server = MCPServer("rlm", version=__version__, instructions=INSTRUCTIONS, log_level=app.settings.log_level)
    tools = Tools(app)
    offered = (
        (tools.load_corpus, READ_ONLY, ALWAYS),
        (tools.rlm_ask, ASKING, ALWAYS),
        (tools.rlm_job, READ_ONLY, None),
        (tools.corpus_read, READ_ONLY, None),
    )
    for tool, annotations, meta in offered:
        # Python before 3.13 keeps the indentation of docstrings; what models read should not depend on it.
        about = inspect.getdoc(tool)
        offer = server.tool(structured_output=False, description=about, annotations=annotations, meta=meta)
        offer(_in_words(tool))
    return server


class Tools:
    """The tools over one App."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._asking = Asking(app)

    async def load_corpus(
        self,
        source: Annotated[
            str,
            Field(
                description="path, path@revision, git URL (url@ref), several with commas between, or history:",
                validation_alias=AliasChoices("source", "path", "repo", "folder", "corpus", "url"),
            ),
        ],
        ctx: Context[Any, Any],
        kind: Annotated[Literal["auto", "repo", "folder", "history"], Field(description="what it is")] = "auto",
        name: Annotated[str | None, Field(description="a short name to call it by")] = None,
    ) -> CallToolResult:
        """Load a repository, a folder of documents or past agent sessions as a corpus that rlm_ask can be asked about.

        Nothing is written into it; a second load of an unchanged source is instant. Returns the corpus name, its size,
        what was left out and why, and an outline.
        """
        load = self._app.library.load(self._allowed(source, kind), kind=kind, name=name)
        corpus = await _alive(ctx, asyncio.ensure_future(load), f"loading {source}")
        return _result(render.loaded(corpus.info, await asyncio.to_thread(corpus.outline)), corpus.info)

    async def rlm_ask(
        self,
        question: Annotated[
            str,
            Field(
                description="one self-contained question",
                validation_alias=AliasChoices("question", "query", "prompt"),
            ),
        ],
        corpus: CorpusArgument,
        ctx: Context[Any, Any],
        budget_usd: Annotated[float | None, Field(description="most money to spend", ge=0)] = None,
        wait_s: Annotated[float | None, Field(description="seconds to wait before a run id is returned", gt=0)] = None,
        detail: Annotated[Literal["concise", "full"], Field(description="length of the answer")] = "concise",
        follows: Annotated[str | None, Field(description="an earlier run on this corpus to continue from")] = None,
    ) -> CallToolResult:
        """Answer one question about a corpus of any size; every claim cites `path:start-end` lines that were checked.

        The corpus is read outside your context by a model that writes code over it in a sandbox. Returns the answer,
        its checked citations, and what it cost. If it takes long, returns a run id for rlm_job.
        """
        options = AskOptions(budget_usd=budget_usd, follows=follows)
        run = self._asking.start(question, self._allowed(corpus), options)
        return await self._wait(ctx, run, wait_s, detail)

    async def rlm_job(
        self,
        run: Annotated[str, Field(description="a run id", validation_alias=AliasChoices("run", "job", "id"))],
        ctx: Context[Any, Any],
        action: Annotated[Literal["wait", "cancel", "show"], Field(description="what to do with it")] = "wait",
        wait_s: Annotated[float | None, Field(description="seconds to wait", gt=0)] = None,
    ) -> CallToolResult:
        """Wait for a run that rlm_ask left running, cancel it, or show its whole answer."""
        found = self._app.runs.live(run)
        if action == "cancel":
            await self._app.runs.cancel(found)
        return await self._wait(ctx, found, wait_s, "full" if action == "show" else "concise")

    async def corpus_read(
        self,
        corpus: CorpusArgument,
        query: Annotated[
            str, Field(description="path:start-end, path, a symbol's name, /regex/, or words; empty: the outline")
        ] = "",
        limit: Annotated[int, Field(description="most lines", ge=1, le=400)] = 120,
        offset: Annotated[int, Field(description="skip matches", ge=0)] = 0,
    ) -> CallToolResult:
        """Read lines of a corpus, find a symbol, match a regex or search for words. Calls no model, costs nothing."""
        opened, found = await self._app.library.read(self._allowed(corpus), query, Page(limit, offset))
        text = render.matches(found.matches, found.note, found.caveat) or await asyncio.to_thread(opened.outline)
        return _result(text, found.as_json())

    def _allowed(self, source: str, kind: str = "auto") -> str:
        """`source`, unless it would open past sessions of other projects, which only the user can allow."""
        if self._app.settings.history_scope != "all":
            scope.check(source, kind, self._app.places, self._app.cwd)
        return source

    async def _wait(self, ctx: Context[Any, Any], run: Run, wait_s: float | None, detail: str) -> CallToolResult:
        deadline = min(wait_s or UNKNOWN_CLIENT_DEADLINE * 100, _soft_deadline(ctx))
        ended = asyncio.ensure_future(self._app.runs.wait(run, deadline))
        if not await _alive(ctx, ended, lambda: run.message):
            return _result(render.running(run.id, run.seconds, run.message), {"run": run.id, "status": "running"})
        if run.result is None:
            raise _failure(run, self._app.runs.known(run.id))
        return _result(render.answer(run.result, detail), run.result)


async def _alive(ctx: Context[Any, Any], work: "asyncio.Future[T]", doing: str | Callable[[], str]) -> T:
    """The result of `work`; while it lasts the client is told every few seconds that we are alive."""
    ticks = 0
    try:
        while not (await asyncio.wait([work], timeout=PROGRESS_SECONDS))[0]:
            ticks += 1
            await ctx.report_progress(ticks, None, doing if isinstance(doing, str) else doing())
        return work.result()
    finally:
        work.cancel()


def _soft_deadline(ctx: Context[Any, Any]) -> float:
    parameters = ctx.request_context.session.client_params
    name = parameters.client_info.name if parameters and parameters.client_info else ""
    return SOFT_DEADLINES.get(name, UNKNOWN_CLIENT_DEADLINE)


def _failure(run: Run, known: str) -> Exception:
    if isinstance(run.error, RlmError):
        return run.error
    what = f"was {run.ending}" if isinstance(run.error, asyncio.CancelledError) else f"failed: {run.error}"
    return ToolError(render.cut(f"Run {run.id} {what}. {known}", render.HARD_CAP, ""))


def _result(text: str, data: JSON) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], _meta={"rlm/result": data})


def _in_words(tool: Callable[P, Awaitable[CallToolResult]]) -> Callable[P, Awaitable[CallToolResult]]:
    """`tool`, with its expected failures as ToolError: of any other exception the SDK hides the text from the model."""

    @wraps(tool)
    async def told(*args: P.args, **kwargs: P.kwargs) -> CallToolResult:
        try:
            return await tool(*args, **kwargs)
        except RlmError as error:
            raise ToolError(str(error)) from error

    return told
