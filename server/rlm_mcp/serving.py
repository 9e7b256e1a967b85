"""`rlm-mcp serve`: the handshake is answered first, everything else is imported behind it."""

import os
import sys
from importlib.metadata import version

from rlm_mcp.front import Front, recorded


def serve(*, early: bool = True) -> int:
    """Serve MCP on stdin and stdout until stdin ends; returns the exit code. `early=False`: without the front."""
    if not early:
        return _serve()
    front = Front(recorded(version("mcp")) if not os.environ.get("RLM_TOOLS") else {})  # noqa: TID251 - settings are read behind it
    front.start()
    try:
        return _serve()
    finally:
        sys.stdout.flush()
        front.finish()


def _serve() -> int:
    from rlm_mcp import settings
    from rlm_mcp.app import serve as serve_app
    from rlm_mcp.errors import RlmError

    try:
        serve_app(settings.load())
    except RlmError as error:
        sys.stderr.write(f"rlm-mcp: {error}\n")
        return 2
    return 0
