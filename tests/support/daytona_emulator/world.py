"""Sandboxes and their lives. A sandbox is a temporary folder and the process sessions started in it."""

import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

JSON = Any
LIVE = ("creating", "started")


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def kill_session(leader: int) -> None:
    """End every process of the session that `leader` started, whatever process groups it made."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[3]) == leader:
                os.kill(int(entry.name), signal.SIGKILL)


@dataclass(eq=False)
class Sandbox:
    """One emulated sandbox, as the API shows it."""

    id: str
    folder: Path
    asked: Mapping[str, JSON]
    """The body of the create request."""
    toolbox: str
    minute: float
    """How many seconds a minute has here."""
    state: str = "creating"
    created: float = field(default_factory=time.time)
    active: float = field(default_factory=time.time)
    started_at: float = 0.0
    leaders: set[int] = field(default_factory=set)
    """Process sessions to end with the sandbox."""
    parts: dict[str, Any] = field(default_factory=dict)
    """What the toolbox's rooms keep here: sessions, terminals."""

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.asked.get("labels") or {})

    @property
    def name(self) -> str:
        return str(self.asked.get("name") or self.id)

    @property
    def destroy_at(self) -> float | None:
        minutes = self.asked.get("ttlMinutes")
        return self.created + minutes * self.minute if minutes else None

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What its processes see: nothing of the emulator's own environment."""
        own = {"HOME": str(self.home), "PATH": f"{self.folder}/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm"}
        return {**own, **(self.asked.get("env") or {}), **(extra or {})}

    def path(self, name: str) -> Path:
        """Where a path of the API lies here; relative ones start at the working directory, as the daemon has it."""
        return self.home / name

    def as_json(self, *, listed: bool = False) -> dict[str, JSON]:
        asked = self.asked
        shown: dict[str, JSON] = {
            "id": self.id,
            "organizationId": "emulated",
            "name": self.name,
            "snapshot": asked.get("snapshot"),
            "user": asked.get("user") or "daytona",
            "labels": self.labels,
            "public": bool(asked.get("public")),
            "networkBlockAll": bool(asked.get("networkBlockAll")),
            "target": asked.get("target") or "loopback",
            "cpu": asked.get("cpu") or 1,
            "gpu": 0,
            "memory": asked.get("memory") or 1,
            "disk": asked.get("disk") or 3,
            "state": self.state,
            "errorReason": "emulated" if self.state == "error" else None,
            "autoStopInterval": asked.get("autoStopInterval", 15),
            "autoDeleteInterval": asked.get("autoDeleteInterval", -1),
            "autoDestroyAt": stamp(self.destroy_at) if self.destroy_at else None,
            "createdAt": stamp(self.created),
            "updatedAt": stamp(self.created),
            "lastActivityAt": stamp(self.active),
            "toolboxProxyUrl": self.toolbox,
        }
        if not listed:
            shown |= {"env": asked.get("env") or {}, "kvm": False, "volumes": []}
        return shown


SANDBOX = web.RequestKey("sandbox", Sandbox)
"""Where a request keeps the sandbox that its path names."""


class World:
    """All sandboxes of one emulator."""

    def __init__(self, minute: float) -> None:
        self.minute = minute
        self.sandboxes: dict[str, Sandbox] = {}
        self.toolbox = ""

    def create(self, asked: Mapping[str, JSON]) -> Sandbox:
        folder = Path(tempfile.mkdtemp(prefix="rlm-emulated-sandbox-"))
        (folder / "home").mkdir()
        (folder / "bin").mkdir()
        python = getattr(sys, "_base_executable", sys.executable)
        (folder / "bin" / "python3").symlink_to(Path(python).resolve())
        one = Sandbox(secrets.token_hex(8), folder, asked, self.toolbox, self.minute)
        self.sandboxes[one.id] = one
        return one

    def find(self, id_or_name: str) -> Sandbox | None:
        found = self.sandboxes.get(id_or_name)
        return found or next((one for one in self.sandboxes.values() if one.name == id_or_name), None)

    def stop(self, one: Sandbox, state: str = "stopped") -> None:
        """End its processes; an ephemeral sandbox is deleted by being stopped."""
        for leader in list(one.leaders):
            kill_session(leader)
        one.leaders.clear()
        one.state = state
        if state == "stopped" and one.asked.get("autoDeleteInterval") == 0:
            self.destroy(one)

    def destroy(self, one: Sandbox) -> None:
        for leader in list(one.leaders):
            kill_session(leader)
        one.state = "destroyed"
        self.sandboxes.pop(one.id, None)
        shutil.rmtree(one.folder, ignore_errors=True)

    def tick(self, now: float) -> None:
        """Let time do its work: `creating` ends, idle sandboxes stop, time to live runs out."""
        for one in list(self.sandboxes.values()):
            if one.state == "creating" and one.started_at and now >= one.started_at:
                one.state = one.parts.get("ends_in", "started")
            idle = one.asked.get("autoStopInterval", 15)
            if one.destroy_at and now >= one.destroy_at:
                self.destroy(one)
            elif one.state == "started" and idle and now >= one.active + idle * one.minute:
                self.stop(one)

    def close(self) -> None:
        for one in list(self.sandboxes.values()):
            self.destroy(one)
