"""The only door to the `daytona` package: a small cloud, without one of its types.

Importing the SDK takes seconds, so it happens in a thread, the first time a cloud is connected to.
"""

import asyncio
import email.utils
import importlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

from rlm_sandbox.daytona.elsewhere import run_elsewhere
from rlm_sandbox.errors import SandboxUnavailable

T = TypeVar("T")
DEFAULT_URL = "https://app.daytona.io/api"
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
LOST = {404, 410}


@dataclass(frozen=True, slots=True)
class Access:
    """Where the cloud is, and the key to it. Both are passed to the SDK explicitly."""

    key: str = field(repr=False)
    url: str = DEFAULT_URL
    target: str = ""
    """The region; empty means the organization's default."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The sandbox to create. Times in minutes."""

    labels: Mapping[str, str]
    snapshot: str = ""
    ttl: int = 240
    auto_stop: int = 15


@dataclass(frozen=True, slots=True)
class Executed:
    """A command that ended: its exit code and both streams."""

    code: int
    output: str


class CloudError(SandboxUnavailable):
    """The cloud refused or could not be reached. `status` is HTTP's, if there was an answer."""

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        """Seconds to wait before the next try, as the answer said."""

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status is None or self.status in TRANSIENT


class Terminal:
    """A raw byte stream to a shell in the sandbox, over one websocket."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def send(self, data: bytes) -> None:
        await translated(self._handle.send_input(data))

    async def ended(self) -> int | None:
        """The shell's exit code, once it ended; None when the connection did."""
        result = await self._handle.wait()
        code: int | None = result.exit_code
        return code

    async def kill(self) -> None:
        await translated(self._handle.kill())

    async def disconnect(self) -> None:
        await self._handle.disconnect()


class Machine:
    """One sandbox in the cloud."""

    def __init__(self, sdk: ModuleType, sandbox: Any) -> None:
        self._sdk = sdk
        self._sandbox = sandbox

    @property
    def id(self) -> str:
        return str(self._sandbox.id)

    @property
    def labels(self) -> dict[str, str]:
        return dict(self._sandbox.labels)

    @property
    def state(self) -> str:
        return str(getattr(self._sandbox.state, "value", self._sandbox.state))

    async def alive(self) -> bool:
        """Whether it still runs, asked now."""
        try:
            await translated(self._sandbox.refresh_data())
        except CloudError as error:
            if error.status in LOST:
                return False
            raise
        return self.state == "started"

    async def delete(self) -> None:
        """Ask for its end; one that is gone already is fine."""
        try:
            await translated(self._sandbox.delete())
        except CloudError as error:
            if error.status not in LOST:
                raise

    async def label(self, labels: Mapping[str, str]) -> None:
        """Carry these labels and no others."""
        await translated(self._sandbox.set_labels(dict(labels)))

    async def wait_started(self, seconds: float) -> None:
        await translated(self._sandbox.wait_for_sandbox_start(timeout=seconds))

    async def touch(self) -> None:
        """Count as active, so that it is not stopped for idleness."""
        await translated(self._sandbox.refresh_activity())

    async def execute(self, command: str, seconds: int) -> Executed:
        done = await translated(self._sandbox.process.exec(command, timeout=seconds))
        return Executed(done.exit_code, done.result)

    async def upload(self, files: Sequence[tuple[str, bytes]], seconds: int) -> None:
        """Store bytes under paths relative to the working directory, in one request."""
        wanted = [self._sdk.FileUpload(data, path) for path, data in files]
        await translated(self._sandbox.fs.upload_files(wanted, seconds))

    async def terminal(self, name: str, on_data: Callable[[bytes], None], envs: Mapping[str, str]) -> Terminal:
        """A new terminal; what it shows goes to `on_data` at once, which must not block."""
        opening = self._sandbox.process.create_pty_session(name, on_data, envs=dict(envs))
        return Terminal(await translated(opening))

    async def kill_terminal(self, name: str) -> None:
        await translated(self._sandbox.process.kill_pty_session(name))

    async def terminal_again(self, name: str, on_data: Callable[[bytes], None]) -> Terminal:
        """The same terminal after its connection was lost, as long as its shell lives."""
        return Terminal(await translated(self._sandbox.process.connect_pty_session(name, on_data)))

    async def start_command(self, session: str, command: str) -> str:
        """The id of a command that now runs in a new session, its input left open."""
        process = self._sandbox.process
        await translated(process.create_session(session))
        request = self._sdk.SessionExecuteRequest(command=command, run_async=True, suppress_input_echo=True)
        started = await translated(process.execute_session_command(session, request))
        return str(started.cmd_id)

    async def running(self, session: str, command: str) -> bool:
        """Whether that command has not ended yet."""
        found = await translated(self._sandbox.process.get_session_command(session, command))
        return found.exit_code is None

    async def follow(self, session: str, command: str, on_text: Callable[[str], None]) -> None:
        """Hand over the command's output as it grows; returns when the command ended."""
        follow = self._sandbox.process.get_session_command_logs_async
        await translated(follow(session, command, on_text, lambda _: None))

    async def feed(self, session: str, command: str, text: str) -> None:
        await translated(self._sandbox.process.send_session_command_input(session, command, text))

    async def end_session(self, session: str) -> None:
        await translated(self._sandbox.process.delete_session(session))


class Cloud:
    """A connected client. Close it in the loop it was made in."""

    def __init__(self, sdk: ModuleType, client: Any) -> None:
        self._sdk = sdk
        self._client = client

    async def create(self, wish: Wish, seconds: float) -> Machine:
        """A started sandbox with all network access blocked, that dies when it stops or its time is over."""
        params = self._sdk.CreateSandboxFromSnapshotParams(
            snapshot=wish.snapshot or None,
            labels=dict(wish.labels),
            ephemeral=True,
            ttl_minutes=wish.ttl,
            auto_stop_interval=wish.auto_stop,
            network_block_all=True,
            public=False,
        )
        return Machine(self._sdk, await translated(self._client.create(params, timeout=seconds)))

    async def find(self, labels: Mapping[str, str]) -> list[Machine]:
        """The sandboxes that carry all these labels."""
        query = self._sdk.ListSandboxesQuery(labels=dict(labels))
        return await translated(self._listed(query))

    async def _listed(self, query: Any) -> list[Machine]:
        return [Machine(self._sdk, one) async for one in self._client.list(query)]

    async def close(self) -> None:
        await self._client.close()


async def connect(access: Access) -> Cloud:
    """A client for that cloud. Nothing is asked of it yet."""
    sdk = await asyncio.to_thread(importlib.import_module, "daytona")
    return Cloud(sdk, await asyncio.to_thread(run_elsewhere, lambda: _client(sdk, access)))


def _client(sdk: ModuleType, access: Access) -> Any:
    config = sdk.DaytonaConfig(api_key=access.key, api_url=access.url, target=access.target or None)
    return sdk.AsyncDaytona(config)


async def translated(work: Awaitable[T]) -> T:
    """What `work` gives; the SDK's errors become CloudError."""
    try:
        return await work
    except Exception as error:
        base = importlib.import_module("daytona.common.errors").DaytonaError
        if not isinstance(error, base):
            raise
        raise cloud_error(error) from error


def cloud_error(error: Any) -> CloudError:
    # A refused websocket keeps its status in the cause only.
    status = error.status_code or getattr(error.__cause__, "status", None)
    if status in (401, 403):
        message = f"Daytona refused the key (HTTP {status}). Check DAYTONA_API_KEY and RLM_DAYTONA_API_URL."
        return CloudError(message, status)
    return CloudError(f"Daytona: {error}", status, retry_after(error.headers))


def retry_after(headers: Mapping[str, Any]) -> float | None:
    """Seconds to wait, from a Retry-After header in either of its two forms."""
    value = next((str(text) for name, text in headers.items() if name.lower() == "retry-after"), "")
    if value.isdigit():
        return float(value)
    moment = email.utils.parsedate_tz(value)
    if moment is None:
        return None
    return max(0.0, email.utils.mktime_tz(moment) - time.time())
