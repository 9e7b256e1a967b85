"""Our programs in a sandbox: the runner and `inside`, uploaded once under their hash, and asked by command."""

import hashlib
import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

from rlm_sandbox import program
from rlm_sandbox.daytona.door import Machine
from rlm_sandbox.daytona.patience import Patience
from rlm_sandbox.errors import SandboxUnavailable
from rlm_sandbox.runner import boot

ROOT = ".rlm"
"""Below the sandbox's working directory."""

INSIDE = Path(__file__).parent / "inside"
ASK_SECONDS = 60
PYTHON = "python3"


@cache
def files() -> dict[str, bytes]:
    """All that is uploaded, by path: a folder that Python can run, packages in it laid out as here."""
    ours = "rlm_sandbox/daytona/inside"
    found = {f"{ours}/{path.name}": path.read_bytes() for path in sorted(INSIDE.glob("*.py"))}
    found |= {"rlm_sandbox/__init__.py": b"", "rlm_sandbox/daytona/__init__.py": b""}
    found |= {"__main__.py": found[f"{ours}/__main__.py"]}
    for name in ("boot", *boot.MODULES):
        found[f"runner/{name}.py"] = (program.FOLDER / f"{name}.py").read_bytes()
    return found


class Tools:
    """Our programs in one sandbox."""

    def __init__(self, machine: Machine, patience: Patience, root: str = ROOT) -> None:
        self._machine = machine
        self._patience = patience
        self.root = root
        self.folder = f"{root}/{hashlib.sha256(repr(files()).encode()).hexdigest()[:16]}"

    async def install(self) -> None:
        """Upload them, in one request."""
        placed = [(f"{self.folder}/{name}", data) for name, data in files().items()]
        await self._patience.keep_trying(lambda: self._machine.upload(placed, ASK_SECONDS))

    def command(self, *arguments: str) -> str:
        """The shell command that runs `inside` so."""
        return shlex.join([PYTHON, "-I", "-S", self.folder, *arguments])

    def bridge(self) -> str:
        """The shell command that starts a runner behind a bridge."""
        return self.command("bridge", "-s", "-P", "-S", f"{self.folder}/runner/boot.py", "stdio")

    async def ask(self, *arguments: str, seconds: int = ASK_SECONDS) -> dict[str, Any]:
        """The JSON object that `inside` answers. Raises SandboxUnavailable, e.g. when there is no Python."""
        command = self.command(*arguments)
        done = await self._patience.keep_trying(lambda: self._machine.execute(command, seconds))
        try:
            answer = json.loads(done.output)
        except ValueError:
            answer = None
        if done.code or not isinstance(answer, dict):
            raise SandboxUnavailable(
                f"Our program failed in the Daytona sandbox (`{arguments[0]}`, exit code {done.code}); its snapshot "
                f"needs {PYTHON} 3.11 or newer. It said: {done.output[-500:]}"
            )
        return answer
