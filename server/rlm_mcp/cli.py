"""The console script `rlm-mcp`: the same core as the MCP tools. `--json` prints one JSON object to stdout.

Exit codes: 0 complete, 3 partial, 2 bad usage, 1 failed, 130 interrupted. Imports stand inside the functions: `serve`
must answer its client before anything heavy is loaded.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import argparse

    from rlm_mcp.settings import Settings

FAILED, BAD_USAGE, INTERRUPTED = 1, 2, 130


def main() -> NoReturn:
    """Run one command and exit with its code."""
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:  # while the command was still being imported: nothing has begun
        sys.exit(INTERRUPTED)


def run(arguments: Sequence[str]) -> int:
    """One command's exit code."""
    if list(arguments) in (["serve"], ["serve", "--no-front"]):
        from rlm_mcp.serving import serve

        return serve(early=len(arguments) == 1)
    from rlm_mcp.arguments import parser

    return _command(parser().parse_args(arguments))


def _command(options: "argparse.Namespace") -> int:
    import logging

    from rlm_mcp import settings
    from rlm_mcp.arguments import overrides
    from rlm_mcp.errors import ConfigError, RlmError

    try:
        loaded = settings.load(**overrides(options))
        logging.basicConfig(stream=sys.stderr, level=loaded.log_level, format="%(levelname)s %(name)s: %(message)s")
        return _run(options, loaded)
    except ConfigError as error:
        return _fail(options, error, BAD_USAGE)
    except RlmError as error:
        return _fail(options, error, FAILED)
    except KeyboardInterrupt:
        return _fail(options, RlmError("interrupted"), INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED


def _run(options: "argparse.Namespace", loaded: "Settings") -> int:
    import asyncio
    from pathlib import Path

    from rlm_mcp import commands
    from rlm_mcp.app import opened
    from rlm_mcp.errors import RlmError

    async def go() -> int:
        async with opened(loaded, cwd=Path.cwd()) as app:
            code: int = await getattr(commands, options.command)(app, options)
            return code

    try:
        return asyncio.run(go())
    except BrokenPipeError:
        raise
    except OSError as error:
        folder = loaded.cache_dir
        raise RlmError(
            f"{error}. What is kept lies in {folder} (RLM_CACHE_DIR): is it writable, is it full?"
        ) from error


def _fail(options: "argparse.Namespace", error: Exception, code: int) -> int:
    import json

    if getattr(options, "json", False):
        print(json.dumps({"error": type(error).__name__, "message": str(error)}, ensure_ascii=False))
    print(f"rlm-mcp: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
