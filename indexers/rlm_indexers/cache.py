"""The folders of the cache: made private, written atomically, locked between processes."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class CacheFolder:
    """`<cache>/…`: every file in it is whole or not there, whenever a process is killed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)  # of parents made on the way, mkdir sets no mode
        self.corpora = self._made("corpora")
        self.sources = self._made("sources")
        self.names = self._made("names")
        self.locks = self._made("locks")
        self.building = self._made("building")

    def _made(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @contextlib.contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """One process at a time per key; the lock dies with its holder."""
        with open(self.locks / key, "a", opener=_private) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def workshop(self) -> Iterator[Path]:
        """A folder to build in, gone afterwards; those of processes that died are swept."""
        folder = self.building / secrets.token_hex(8)
        with self.locked("building"):  # or another's sweep could come between a folder and its lock
            self._sweep()
            folder.mkdir(mode=0o700)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)

    def _sweep(self) -> None:
        for folder in self.building.iterdir():
            with contextlib.suppress(OSError):
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(descriptor)


def publish(built: Path, target: Path) -> None:
    """Move a folder to where it is found, in one step; what lies there already is moved to where `built` was."""
    for name in built.iterdir():
        name.chmod(0o600)
    sync_folder(built)
    with contextlib.suppress(FileNotFoundError):
        target.rename(built.with_name("replaced"))
    built.rename(target)
    sync_folder(target.parent)


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step."""
    passing = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(passing, "w", encoding="utf-8", opener=_private) as file:
            file.write(json.dumps(value, ensure_ascii=True))  # `dump` would encode in Python, not in C
            file.flush()
            os.fsync(file.fileno())
        passing.replace(path)
    finally:
        passing.unlink(missing_ok=True)
    sync_folder(path.parent)


def read_json(path: Path) -> Any:
    """What a JSON file holds; None when it is not there or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
