"""rlm-mcp, driven as its command line drives it: arguments and output as in peers_rlms.py.

The corpus is loaded before the clock starts, and by another process, as it is for every question but the first.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rlm_mcp import settings
from rlm_mcp.app import opened
from rlm_mcp.asking import Asking


async def asked(url: str, path: str) -> dict[str, Any]:
    os.environ.update(OPENAI_BASE_URL=url, OPENAI_API_KEY="none")
    with tempfile.TemporaryDirectory() as cache:
        chosen = settings.load(
            {}, model="openai/gpt-4.1", sub_model="openai/gpt-4.1-mini", sandbox="local", strategy="loop",
            cache_dir=cache, budget_usd=50, max_calls=10_000, max_iterations=40,
        )  # fmt: skip
        await asyncio.to_thread(load, path, cache)
        async with opened(chosen, cwd=Path(cache)) as app:
            started = time.perf_counter()
            run = Asking(app).start("How many?", path)
            await app.runs.wait(run)
            seconds = time.perf_counter() - started
            if run.error is not None or run.result is None:
                raise run.error or RuntimeError("no result")
            answer = re.search(r"ANSWER: (\S+)", run.result["answer"])
            return {"answer": answer[1] if answer else run.result["answer"], "seconds": seconds}


def load(path: str, cache: str) -> None:
    """By the command line."""
    command = [Path(sys.executable).with_name("rlm-mcp"), "load", path]
    subprocess.run(command, env=os.environ | {"RLM_CACHE_DIR": cache}, check=True, capture_output=True)


def peak_mb() -> float:
    """The most memory this process had. Not ru_maxrss, which begins with what the parent had when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def main() -> None:
    found = asyncio.run(asked(*sys.argv[1:]))
    print(json.dumps(found | {"rss_mb": peak_mb()}))


if __name__ == "__main__":
    main()
