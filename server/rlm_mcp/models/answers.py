"""Answers already paid for, kept on disk by what was asked: asking the same again costs nothing.

One SQLite file, bounded in bytes; what was used longest ago goes first. It is a convenience: a broken, locked or full
file means a miss, never a failed call. Answers may quote the corpus, so the file is readable by its owner only.
"""

import hashlib
import json
import logging
import sqlite3
import time
from dataclasses import asdict
from pathlib import Path

from rlm_mcp.models.base import Reply, Request, Usage

log = logging.getLogger(__name__)

DEFAULT_BYTES = 256 * 1024 * 1024


def key(model: str, request: Request, sample: int = 0) -> str:
    """The name of what is asked: model, messages and all that shapes the answer. Equal keys, equal answers."""
    asked = [
        model,
        [[message.role, message.content] for message in request.messages],
        request.max_tokens,
        request.stop,
        request.json_schema,
        sample,
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


class Answers:
    """Replies by key. Use from one thread."""

    def __init__(self, path: Path, max_bytes: int = DEFAULT_BYTES) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self._db = self._opened()
        self._bytes = self._size()

    def get(self, name: str) -> Reply | None:
        """What was answered, or None."""
        try:
            row = self._ask("SELECT reply FROM answers WHERE key = ?", name)
            if row is None:
                return None
            self._ask("UPDATE answers SET used = ? WHERE key = ?", time.time(), name)
            fields = json.loads(row[0])
            return Reply(**{**fields, "usage": Usage(**fields["usage"])})
        except (sqlite3.Error, ValueError, TypeError, KeyError) as problem:
            log.debug("no answer from %s: %s", self.path, problem)
            return None

    def put(self, name: str, reply: Reply) -> None:
        """Keep it."""
        body = json.dumps(asdict(reply))
        try:
            self._ask("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", name, body, len(body), time.time())
            self._bytes += len(body)
            if self._bytes > self.max_bytes:
                self._forget_oldest()
        except sqlite3.Error as problem:
            log.debug("answer not kept in %s: %s", self.path, problem)

    def close(self) -> None:
        """Safe to call twice."""
        self._db.close()

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connect(str(self.path))
        except (sqlite3.Error, OSError) as problem:
            log.warning("answers are kept in memory only, because %s: %s", self.path, problem)
            return self._connect(":memory:")

    def _connect(self, name: str) -> sqlite3.Connection:
        if name != ":memory:":
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
        db = sqlite3.connect(name, timeout=0.05, isolation_level=None, check_same_thread=False)
        # A crash may lose the last answers; they would only be asked again.
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, reply TEXT, bytes INT, used REAL)")
        return db

    def _ask(self, sql: str, *values: object) -> tuple[str, ...] | None:
        row: tuple[str, ...] | None = self._db.execute(sql, values).fetchone()
        return row

    def _size(self) -> int:
        return int((self._ask("SELECT coalesce(sum(bytes), 0) FROM answers") or ("0",))[0])

    def _forget_oldest(self) -> None:
        """Down to nine tenths, so that this is rare."""
        excess = self._size() - self.max_bytes * 9 // 10
        for name, size in self._db.execute("SELECT key, bytes FROM answers ORDER BY used").fetchall():
            if excess <= 0:
                break
            self._ask("DELETE FROM answers WHERE key = ?", name)
            excess -= size
        self._bytes = self._size()
