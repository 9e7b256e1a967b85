"""Real git repositories for tests, made with the real git and an environment that no user's configuration reaches."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
    "GIT_ALLOW_PROTOCOL": "file",
}


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree and what one does in it."""

    root: Path

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout.strip()

    def write(self, path: str | bytes, data: str | bytes = b"text\n") -> Path:
        target = Path(os.fsdecode(os.fsencode(self.root) + b"/" + os.fsencode(path)))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        return target

    def commit(self, message: str = "change", **files: str | bytes) -> str:
        """Commit everything there is; `name__py="…"` writes `name.py` before."""
        for name, data in files.items():
            self.write(name.replace("__", "."), data)
        self.git("add", "-A")
        self.git("commit", "-qm", message, "--allow-empty")
        return self.git("rev-parse", "HEAD")


def made(root: Path, *arguments: str) -> Repository:
    """A new repository, on branch `main`."""
    root.mkdir(parents=True, exist_ok=True)
    repository = Repository(root)
    repository.git("init", "-q", "-b", "main", *arguments)
    return repository
