"""rlm-mcp, driven as its command line drives it: arguments and output as in peers_rlms.py.

The corpus is loaded before the clock starts, as it is for every question but the first.
"""

import asyncio
import json
import os
import re
import resource
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
        async with opened(chosen, cwd=Path(cache)) as app:
            await app.library.load(path)
            started = time.perf_counter()
            run = Asking(app).start("How many?", path)
            await app.runs.wait(run)
            seconds = time.perf_counter() - started
            if run.error is not None or run.result is None:
                raise run.error or RuntimeError("no result")
            answer = re.search(r"ANSWER: (\S+)", run.result["answer"])
            return {"answer": answer[1] if answer else run.result["answer"], "seconds": seconds}


def main() -> None:
    found = asyncio.run(asked(*sys.argv[1:]))
    own, child = (resource.getrusage(who).ru_maxrss / 1000 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps(found | {"rss_mb": own, "child_rss_mb": child}))


if __name__ == "__main__":
    main()
