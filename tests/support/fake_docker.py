"""A `docker` without an engine: runs the container's command here, as an ordinary process, so the transport is driven.

It isolates nothing. Mounts become symbolic links at their targets, so the provider under test must be told a folder for
them that may be written to. What it was called with lies in `calls.jsonl` beside it, one array a line.
"""

import json
import os
import signal
import stat
import sys
from itertools import pairwise
from pathlib import Path

RUNTIMES = {"runc": {"path": "runc"}}


def install(folder: Path, *, engine: bool = True, runtimes: dict[str, object] | None = None) -> Path:
    """Put a `docker` into the folder; returns the folder, to be put on the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"engine": engine, "runtimes": runtimes if runtimes is not None else RUNTIMES}
    (folder / "settings.json").write_text(json.dumps(settings))
    command = folder / "docker"
    command.write_text(f"#!{sys.executable}\nimport runpy\nrunpy.run_path({__file__!r})['main']({str(folder)!r})\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return folder


def calls(folder: Path) -> list[list[str]]:
    """What the fake was called with, in order."""
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]


def run(folder: Path, arguments: list[str]) -> None:
    """Become the container's process."""
    options = dict(pairwise(arguments))
    for mount in (arguments[at + 1] for at, word in enumerate(arguments) if word == "--mount"):
        fields = dict(field.partition("=")[::2] for field in mount.split(","))
        target = Path(fields["target"])
        target.unlink(missing_ok=True)
        target.symlink_to(fields["source"])
    (folder / options["--name"]).write_text(str(os.getpid()))
    command = arguments[arguments.index("--entrypoint") + 3 :]
    os.execve(sys.executable, [sys.executable, *command], {"PYTHONHASHSEED": "0"})


def stop(folder: Path, name: str, number: int) -> None:
    os.kill(int((folder / name).read_text()), number)


def main(beside: str) -> None:
    folder = Path(beside)
    settings = json.loads((folder / "settings.json").read_text())
    with (folder / "calls.jsonl").open("a") as file:
        file.write(json.dumps(sys.argv[1:]) + "\n")
    if not settings["engine"]:
        sys.exit("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
    match sys.argv[1:]:
        case ["info", *_]:
            print(json.dumps(settings["runtimes"]))
        case ["run", *rest]:
            run(folder, rest)
        case ["kill", "--signal", "INT", name]:
            stop(folder, name, signal.SIGINT)
        case ["rm", "--force", name]:
            stop(folder, name, signal.SIGKILL)
        case ["ps", *_]:
            print((folder / "ps").read_text() if (folder / "ps").exists() else "", end="")
        case ["image", "inspect", *_] if not (folder / "pulled").exists():
            sys.exit("No such image")
        case ["pull", *_]:
            (folder / "pulled").touch()
