"""`rlm-mcp serve`: the handshake is answered first, everything else is imported behind it."""

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from rlm_mcp.front import Front, recorded

if TYPE_CHECKING:
    from pathlib import Path

    from rlm_mcp.settings import Settings


def serve(*, early: bool = True) -> int:
    """Serve MCP on stdin and stdout until stdin ends; returns the exit code. `early=False`: without the front."""
    if not early:
        return _serve()
    front = Front(recorded(version("mcp")))
    front.start()
    try:
        return _serve()
    finally:
        sys.stdout.flush()
        front.finish()


def _serve() -> int:
    import asyncio

    from rlm_mcp import settings
    from rlm_mcp.errors import RlmError

    try:
        asyncio.run(_until_stdin_ends(settings.load()))
    except RlmError as error:
        sys.stderr.write(f"rlm-mcp: {error}\n")
        return 2
    return 0


async def _until_stdin_ends(settings: "Settings") -> None:
    from rlm_mcp.app import opened
    from rlm_mcp.tools import build_server

    async with opened(settings, cwd=_project()) as app:
        await build_server(app).run_stdio_async()


def _project() -> "Path":
    """The folder that relative sources are meant from: where the client started us, or what it calls its project."""
    from pathlib import Path

    from rlm_mcp import settings

    project = Path(settings.variables().get("CLAUDE_PROJECT_DIR") or ".")
    return project.absolute() if project.is_dir() else Path.cwd()
