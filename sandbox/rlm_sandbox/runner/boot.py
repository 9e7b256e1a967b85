"""Starts the runner: `python -s -P -S boot.py zygote FD | stdio [PREAMBLE]`.

Its modules are loaded by hand, each with builtins of its own, so that a cell which writes into `builtins` does not
reach into the runner. They come from the folder of this file, or from SOURCES when this text was sent over a wire
(see rlm_sandbox.program). Nothing here may import anything but the standard library.
"""

import builtins
import os
import sys
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

MODULES = (
    "frames",
    "output",
    "calls",
    "interrupts",
    "cells",
    "names",
    "modules",
    "syscalls",
    "bpf",
    "kernel",
    "lockdown",
    "main",
    "zygote",
)
"""In the order of their imports."""

PACKAGE = "rlm_sandbox.runner"


def _code(name: str, sources: dict[str, str]) -> CodeType:
    if name in sources:
        return compile(sources[name], f"<{PACKAGE}.{name}>", "exec", dont_inherit=True)
    path = os.path.join(os.path.dirname(__file__), f"{name}.py")  # noqa: PTH118, PTH120 - pathlib costs 5 ms here
    code = SourceFileLoader(f"{PACKAGE}.{name}", path).get_code(f"{PACKAGE}.{name}")
    if code is None:
        raise ImportError(path)
    return code


def load(sources: dict[str, str]) -> dict[str, Any]:
    """The runner's modules by short name."""
    package, runner = ModuleType("rlm_sandbox"), ModuleType(PACKAGE)
    sys.modules |= {"rlm_sandbox": package, PACKAGE: runner}
    for name in MODULES:
        module = ModuleType(f"{PACKAGE}.{name}")
        vars(module)["__builtins__"] = dict(vars(builtins))
        sys.modules[module.__name__] = module
        setattr(runner, name, module)
        exec(_code(name, sources), vars(module))
    return vars(runner)


def _take_stdio() -> tuple[int, int]:
    """Standard input and output become private to the channel; what a cell writes to them goes nowhere."""
    receive, send = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    return receive, send


def main(arguments: list[str], sources: dict[str, str]) -> None:
    """Does not return."""
    mode, *rest = arguments
    runner = load(sources)
    runner["modules"].load()
    runner["modules"].close()
    if mode == "zygote":
        runner["zygote"].serve(int(rest[0]))
    receive, send = _take_stdio()
    if rest:
        # What the terminal or the shell said before us ends here, and frames begin.
        os.write(send, rest[0].encode())
    runner["main"].run(receive, send)


if __name__ == "__main__":
    main(sys.argv[1:], globals().get("SOURCES", {}))
