"""What every test may ask for: real repositories, and the console script in a home of its own."""

import subprocess
from pathlib import Path

import pytest

from tests.support.cli import Cli

SOURCES = {
    "src/app.py": '''"""The application."""


def main() -> int:
    """Start everything."""
    return run_server(8080)
''',
    "src/server.py": """import socket


def run_server(port: int) -> int:
    listener = socket.create_server(("", port))
    return listener.fileno()
""",
    "README.md": "# Tiny\n\nA tiny server. It listens on port 8080.\n",
}


def make_repository(folder: Path, files: dict[str, str]) -> Path:
    """A git work tree with one commit of `files`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small git work tree."""
    (tmp_path / "tiny").mkdir()
    return make_repository(tmp_path / "tiny", SOURCES)


@pytest.fixture
def cli(tmp_path: Path, repository: Path) -> Cli:
    """The console script, run inside the small repository."""
    (tmp_path / "home").mkdir()
    return Cli(tmp_path / "home", repository)
