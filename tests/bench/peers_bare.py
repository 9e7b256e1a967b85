"""The clients alone: python peers_bare.py URL aiohttp|openai|openai-turns COUNT → {"answer", "seconds", "rss_mb"}.

`aiohttp` and `openai` make COUNT calls at once, after one that opens the connection; `openai-turns` makes them one by
one, to the root model, as a loop without an engine would.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Call = Callable[[str, int], Awaitable[str]]


async def by_aiohttp(url: str, count: int) -> dict[str, Any]:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call(model: str, number: int) -> str:
            body = {"model": model, "messages": [{"role": "user", "content": f"item {number}"}]}
            async with session.post(f"{url}/chat/completions", json=body) as answer:
                return str((await answer.json())["choices"][0]["message"]["content"])

        return await at_once(call, count)


async def by_openai(url: str, count: int, *, turns: bool = False) -> dict[str, Any]:
    import openai

    async with openai.AsyncOpenAI(base_url=url, api_key="none") as client:

        async def call(model: str, number: int) -> str:
            messages: Any = [{"role": "user", "content": f"item {number}"}]
            answer = await client.chat.completions.create(model=model, messages=messages)
            return str(answer.choices[0].message.content)

        return await one_by_one(call, count) if turns else await at_once(call, count)


async def at_once(call: Call, count: int) -> dict[str, Any]:
    await call("gpt-4.1-mini", -1)
    started = time.perf_counter()
    answers = await asyncio.gather(*(call("gpt-4.1-mini", n) for n in range(count)))
    return {"answer": str(sum("echo" in text for text in answers)), "seconds": time.perf_counter() - started}


async def one_by_one(call: Call, count: int) -> dict[str, Any]:
    started = time.perf_counter()
    for number in range(count):
        await call("gpt-4.1", number)
    return {"answer": str(count), "seconds": time.perf_counter() - started}


def peak_mb() -> float:
    """The most memory this process had. Not ru_maxrss, which begins with what the parent had when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def main() -> None:
    url, how, count = sys.argv[1:]
    if how == "aiohttp":
        found = asyncio.run(by_aiohttp(url, int(count)))
    else:
        found = asyncio.run(by_openai(url, int(count), turns=how == "openai-turns"))
    print(json.dumps(found | {"rss_mb": peak_mb()}))


if __name__ == "__main__":
    main()
