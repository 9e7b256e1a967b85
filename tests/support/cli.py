"""Runs the console script as a user would, with a cache and a home of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JSON = Any
SCRIPT = Path(sys.executable).with_name("rlm-mcp")


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> JSON:
        return json.loads(self.out)

    @property
    def rows(self) -> list[JSON]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Cli:
    """`rlm-mcp` in a folder; nothing of the caller's environment but PATH reaches it."""

    home: Path
    cwd: Path
    env: tuple[tuple[str, str], ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        own = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        return own | {"RLM_CACHE_DIR": str(self.home / "cache")} | dict(self.env)

    def __call__(self, *arguments: str, stdin: str = "", timeout: float = 100) -> Ran:
        ran = subprocess.run(
            [str(SCRIPT), *arguments],
            cwd=self.cwd,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)
