"""A program: opens the door to litellm in a fresh process, makes calls that fail, and reports what that did.

python fresh_litellm.py REPORT URL      (writes JSON to REPORT; whatever reaches stdout is a finding)
"""

import asyncio
import json
import logging
import os
import sys
import threading
from pathlib import Path

import rlm_mcp.models.choose
from rlm_mcp.models.base import Message, Request
from rlm_mcp.models.errors import ModelError
from rlm_mcp.models.litellm_door import LitellmModel, ready

PROMPT = "the prompt that must stay private"
KEY = "zq9planted0123456789abcdef"  # with no prefix that would give it away


class Watch:
    """What the interpreter was asked to do, by audit events."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.env_files: list[str] = []
        self.import_threads: list[str] = []
        sys.addaudithook(self._event)

    def _event(self, event: str, arguments: tuple) -> None:
        if event == "socket.getaddrinfo":
            self.hosts.append(str(arguments[0]))
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            self.hosts.append(str(arguments[1][0]))
        elif event == "open" and str(arguments[0]).endswith(".env"):
            self.env_files.append(str(arguments[0]))
        elif event == "import" and arguments[0] == "litellm":
            self.import_threads.append(threading.current_thread().name)


class Kept(logging.Handler):
    """Every log record's text."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


async def failures(url: str) -> list[str]:
    """The messages of calls that fail, each in its own way."""
    models = [
        LitellmModel("openai/gpt-6-luna", api_base=url, api_key=KEY),
        LitellmModel("openai/meta-llama/Llama-3-70b", api_base=url, api_key=KEY),
        LitellmModel("anthropic/claude-haiku-5-5", api_base=url, api_key=KEY),
        LitellmModel("openai/nobody", api_base="http://127.0.0.1:9/v1", api_key=KEY),
        LitellmModel("nosuch"),
    ]
    said = []
    for model in models:
        for _ in range(3):
            try:
                await model.complete(Request((Message("user", PROMPT),), 7, 20, json_schema={"type": "object"}))
            except ModelError as failure:
                said.append(f"{type(failure).__name__}: {failure}; {failure.__cause__}")
        await model.close()
    return said


async def watched(url: str) -> dict:
    kept = Kept()
    logging.basicConfig(level=logging.INFO, handlers=[kept])
    watch = Watch()
    found = {"imported early": "litellm" in sys.modules or "openai" in sys.modules}
    litellm = await ready()
    found |= {"hosts at import": list(watch.hosts), "import threads": watch.import_threads}
    litellm.token_counter(model="meta-llama/Meta-Llama-3-70B", text="words")
    found["said"] = await failures(url)
    found |= {"hosts": sorted(set(watch.hosts)), "env files": watch.env_files, "log": kept.texts}
    found["OPENAI_API_BASE"] = os.environ.get("OPENAI_API_BASE")
    return found


if __name__ == "__main__":
    assert rlm_mcp.models.choose
    Path(sys.argv[1]).write_text(json.dumps(asyncio.run(watched(sys.argv[2]))))
