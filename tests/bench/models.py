"""64 sub-calls in one batch against a 50 ms model: ours, and beside it the bare clients, in one run.

python tests/bench/models.py            (prints one JSON object; times in seconds, best and median of the rounds)
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from rlm_mcp.models.base import Message, Request
from rlm_mcp.models.calls import Calls
from rlm_mcp.models.litellm_door import LitellmModel, ready
from rlm_mcp.models.openai_door import OpenAIModel

ROOT = Path(__file__).parents[2]
WIDE, DELAY, ROUNDS = 64, 0.05, 9
PROMPT = "words to read " * 300

Batch = Callable[[int], Awaitable[object]]


async def main(url: str) -> dict[str, object]:
    started = time.perf_counter()
    await ready()
    imported = time.perf_counter() - started
    figures = {
        "rlm_mcp, openai/…": await ours(OpenAIModel("openai/m", api_base=url, api_key="k")),
        "rlm_mcp, through litellm": await ours(LitellmModel("openai/m", api_base=url, api_key="k")),
        "bare aiohttp": await bare_aiohttp(url),
        "bare openai": await bare_openai(url),
    }
    bare = figures["bare aiohttp"]["best"]
    ratios = {name: round(figure["best"] / bare, 2) for name, figure in figures.items()}
    return {"calls": WIDE, "model": DELAY, "litellm import": round(imported, 2), **figures, "to bare aiohttp": ratios}


async def ours(model: OpenAIModel | LitellmModel) -> dict[str, float]:
    calls = Calls()

    async def batch(number: int) -> None:
        requests = [Request((Message("user", f"{number}.{i} {PROMPT}"),), 50, 30) for i in range(WIDE)]
        await asyncio.gather(*(calls.complete(model, request) for request in requests))

    figure = await measured(batch)
    await model.close()
    return figure


async def bare_aiohttp(url: str) -> dict[str, float]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(text: str) -> object:
            body = {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 50}
            async with session.post(url + "/chat/completions", json=body) as response:
                return await response.json()

        return await measured(lambda number: asyncio.gather(*(one(f"{number}.{i} {PROMPT}") for i in range(WIDE))))


async def bare_openai(url: str) -> dict[str, float]:
    import openai

    async with openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:

        def one(text: str) -> Awaitable[object]:
            messages = [{"role": "user", "content": text}]
            return client.chat.completions.create(model="m", messages=messages, max_tokens=50)

        return await measured(lambda number: asyncio.gather(*(one(f"{number}.{i} {PROMPT}") for i in range(WIDE))))


async def measured(batch: Batch) -> dict[str, float]:
    """Wall seconds of a batch and CPU milliseconds per call, after one round that is not counted."""
    await batch(-1)
    walls = []
    spent = time.process_time()
    for number in range(ROUNDS):
        started = time.perf_counter()
        await batch(number)
        walls.append(time.perf_counter() - started)
    cpu = (time.process_time() - spent) / ROUNDS / WIDE
    return {"best": round(min(walls), 4), "median": round(statistics.median(walls), 4), "cpu ms": round(cpu * 1000, 2)}


if __name__ == "__main__":
    program = [sys.executable, str(ROOT / "tests/support/scripted_model.py"), "--delay", str(DELAY)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        print(json.dumps(asyncio.run(main(server.stdout.readline().strip())), indent=1))
        server.terminate()
