"""The emulator against the unmodified SDK: everything the provider uses, and what may go wrong."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from daytona import (
    AsyncDaytona,
    AsyncSandbox,
    CreateSandboxFromImageParams,
    CreateSandboxFromSnapshotParams,
    DaytonaConfig,
    FileUpload,
    ListSandboxesQuery,
    PtySize,
    SessionExecuteRequest,
)
from daytona.common.errors import (
    DaytonaAuthenticationError,
    DaytonaBadGatewayError,
    DaytonaConnectionError,
    DaytonaError,
    DaytonaNotFoundError,
    DaytonaProcessExecutionTimeoutError,
    DaytonaRateLimitError,
)

from tests.support.daytona_emulator import DaytonaEmulator

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def client(emulator: DaytonaEmulator, key: str | None = None) -> AsyncIterator[AsyncDaytona]:
    config = DaytonaConfig(api_key=key or emulator.key, api_url=emulator.url, target="loopback")
    async with AsyncDaytona(config) as daytona:
        yield daytona


@asynccontextmanager
async def sandbox(emulator: DaytonaEmulator) -> AsyncIterator[AsyncSandbox]:
    async with client(emulator) as daytona:
        yield await daytona.create()


async def until(true: Callable[[], bool]) -> None:
    """Wait for what happens in the emulator's thread, which has no event of ours."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


class Screen:
    """What a terminal showed, and a way to wait for it."""

    def __init__(self) -> None:
        self.seen = b""
        self.more = asyncio.Event()

    def show(self, data: bytes) -> None:
        self.seen += data
        self.more.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(10):
            while text not in self.seen:
                self.more.clear()
                await self.more.wait()


async def test_create_carries_labels_limits_and_network_block_to_the_api(emulator: DaytonaEmulator) -> None:
    async with client(emulator) as daytona:
        params = CreateSandboxFromSnapshotParams(
            labels={"run": "r1"}, ephemeral=True, ttl_minutes=30, network_block_all=True, auto_stop_interval=7
        )
        made = await daytona.create(params)
        assert made.state == "started"
        asked = emulator.sandboxes(run="r1")[0].asked
        wanted = {"networkBlockAll": True, "ttlMinutes": 30, "autoStopInterval": 7, "autoDeleteInterval": 0}
        assert wanted.items() <= asked.items()
        imaged = await daytona.create(CreateSandboxFromImageParams(image="debian:12"))
        assert "debian:12" in emulator.world.sandboxes[imaged.id].asked["buildInfo"]["dockerfileContent"]


async def test_list_by_labels_pages_through_all_that_carry_them(emulator: DaytonaEmulator) -> None:
    async with client(emulator) as daytona:
        for number in range(5):
            await daytona.create(CreateSandboxFromSnapshotParams(labels={"odd": str(number % 2)}))
        found = [one.id async for one in daytona.list(ListSandboxesQuery(labels={"odd": "0"}, limit=2))]
        assert sorted(found) == sorted(one.id for one in emulator.sandboxes(odd="0"))
        assert len(emulator.record.matching("GET", "/api/sandbox")) == 2


async def test_get_and_delete_end_in_not_found(emulator: DaytonaEmulator) -> None:
    async with client(emulator) as daytona:
        made = await daytona.create()
        assert (await daytona.get(made.id)).id == made.id
        await daytona.delete(made)
        with pytest.raises(DaytonaNotFoundError):
            await daytona.get(made.id)
        assert not emulator.sandboxes()


async def test_a_slow_create_is_waited_for(emulator: DaytonaEmulator) -> None:
    emulator.faults.creating_seconds = 0.3
    async with sandbox(emulator) as made:
        assert made.state == "started"
        assert emulator.record.matching("GET", f"/api/sandbox/{made.id}")


async def test_a_create_that_ends_in_error_says_so(emulator: DaytonaEmulator) -> None:
    emulator.faults.create_ends_in = "error"
    with pytest.raises(DaytonaError, match="error state"):
        async with sandbox(emulator):
            pass


async def test_refusals_arrive_as_the_sdk_s_typed_errors(emulator: DaytonaEmulator) -> None:
    async with client(emulator) as daytona:
        emulator.faults.reply("POST", "/api/sandbox", 429, retry_after="7")
        with pytest.raises(DaytonaRateLimitError) as limited:
            await daytona.create()
        assert limited.value.headers["Retry-After"] == "7"
        emulator.faults.reply("POST", "/api/sandbox", 502)
        with pytest.raises(DaytonaBadGatewayError):
            await daytona.create()
    async with client(emulator, key="wrong") as daytona:
        with pytest.raises(DaytonaAuthenticationError):
            await daytona.create()


async def test_a_lost_reply_leaves_a_sandbox_behind(emulator: DaytonaEmulator) -> None:
    emulator.faults.lose_reply("POST", "/api/sandbox")
    async with client(emulator) as daytona:
        with pytest.raises(DaytonaConnectionError):
            await daytona.create()
    assert len(emulator.sandboxes()) == 1


async def test_time_to_live_and_idle_time_delete_an_ephemeral_sandbox() -> None:
    with DaytonaEmulator(minute=0.1) as emulator:
        async with client(emulator) as daytona:
            mortal = await daytona.create(CreateSandboxFromSnapshotParams(ttl_minutes=2, auto_stop_interval=0))
            idle = await daytona.create(CreateSandboxFromSnapshotParams(ephemeral=True, auto_stop_interval=1))
            await until(lambda: not emulator.sandboxes())
            for gone in (mortal, idle):
                with pytest.raises(DaytonaNotFoundError):
                    await gone.refresh_data()


async def test_uploads_arrive_and_come_back(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        await made.fs.upload_files([FileUpload(b"x" * 70_000, f"some/where/{n}.bin") for n in range(5)])
        await made.fs.upload_file_stream(b"streamed", "stream.txt")

        async def pieces() -> AsyncIterator[bytes]:
            yield b"piece by "
            yield b"piece"

        await made.fs.upload_file_stream(pieces(), "deep/pieces.txt")
        assert await made.fs.download_file("some/where/4.bin") == b"x" * 70_000
        assert await made.fs.download_file("stream.txt") == b"streamed"
        assert await made.fs.download_file("deep/pieces.txt") == b"piece by piece"
        with pytest.raises(DaytonaError):
            await made.fs.download_file("nowhere")
        assert emulator.record.uploaded > 5 * 70_000
        assert {one.name for one in await made.fs.list_files("some/where")} == {f"{n}.bin" for n in range(5)}


async def test_a_truncated_upload_is_reported_as_well_stored(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        emulator.faults.truncate_upload(3)
        await made.fs.upload_file(b"abcdef", "short")
        assert await made.fs.download_file("short") == b"abc"


async def test_exec_returns_both_streams_the_code_and_keeps_its_time(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        done = await made.process.exec("echo out; echo err >&2; echo $WORD; exit 3", env={"WORD": "given"})
        assert (done.exit_code, sorted(done.result.split())) == (3, ["err", "given", "out"])
        with pytest.raises(DaytonaProcessExecutionTimeoutError):
            await made.process.exec("sleep 60", timeout=1)


async def test_the_emulator_s_own_environment_does_not_reach_a_sandbox(
    emulator: DaytonaEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYTONA_API_KEY", "host-secret")
    async with sandbox(emulator) as made:
        assert "host-secret" not in (await made.process.exec("env")).result


async def test_a_session_command_takes_input_and_its_log_is_followed(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        await made.process.create_session("s")
        request = SessionExecuteRequest(
            command="read a; echo got $a; echo bad >&2", run_async=True, suppress_input_echo=True
        )
        started = await made.process.execute_session_command("s", request)
        out: list[str] = []
        err: list[str] = []
        follow = made.process.get_session_command_logs_async("s", started.cmd_id, out.append, err.append)
        following = asyncio.create_task(follow)
        await made.process.send_session_command_input("s", started.cmd_id, "word\n")
        await asyncio.wait_for(following, 10)
        assert ("".join(out).strip(), "".join(err).strip()) == ("got word", "bad")
        assert (await made.process.get_session_command("s", started.cmd_id)).exit_code == 0
        await made.process.delete_session("s")


async def test_a_terminal_is_raw_on_demand_and_its_exit_code_arrives(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        screen = Screen()
        pty = await made.process.create_pty_session("p", screen.show, envs={"WORD": "given"}, pty_size=PtySize(40, 200))
        await pty.send_input("stty raw -echo; echo R''EADY $WORD $(stty size); exec sh -c 'head -c 300000 | wc -c'\n")
        await screen.until(b"READY given 40 200")
        for _ in range(10):
            await pty.send_input(b"y\x03\n" * 10_000)
        await screen.until(b"300000")
        assert b"\x03" not in screen.seen
        assert (await pty.wait()).exit_code == 0


async def test_a_terminal_outlives_its_connection_until_it_is_killed(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        screen = Screen()
        first = await made.process.create_pty_session("p", screen.show)
        await first.send_input("X=kept\n")
        await first.disconnect()
        again = await made.process.connect_pty_session("p", screen.show)
        await again.send_input("echo $X-$X\n")
        await screen.until(b"kept-kept")
        assert [one.id for one in await made.process.list_pty_sessions()] == ["p"]
        await made.process.kill_pty_session("p")
        assert (await asyncio.wait_for(again.wait(), 10)).exit_code == 137


async def test_a_terminal_is_cut_within_a_frame_on_demand(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        screen = Screen()
        pty = await made.process.create_pty_session("p", screen.show)
        await pty.send_input("echo a''b\n")
        await screen.until(b"ab")
        assert emulator.cut_terminals() == 1
        ended = await asyncio.wait_for(pty.wait(), 10)
        assert ended.exit_code is None
        assert not pty.is_connected()


async def test_messages_above_64_kib_end_a_faithful_terminal(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        pty = await made.process.create_pty_session("p", Screen().show)
        await pty.send_input(b" " * 70_000)
        assert (await asyncio.wait_for(pty.wait(), 10)).exit_code is None


async def test_a_reader_that_falls_behind_is_dropped(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        held = asyncio.Event()
        pty = await made.process.create_pty_session("p", lambda _: held.wait())
        await pty.send_input("cat /dev/zero\n")
        await until(lambda: not any(terminal.clients for terminal in emulator.terminals.all))
        held.set()
        assert (await asyncio.wait_for(pty.wait(), 10)).exit_code is None


async def test_losing_a_sandbox_ends_its_terminals_and_refuses_its_toolbox(emulator: DaytonaEmulator) -> None:
    async with sandbox(emulator) as made:
        pty = await made.process.create_pty_session("p", Screen().show)
        emulator.lose(emulator.sandboxes()[0], "error")
        await asyncio.wait_for(pty.wait(), 10)
        with pytest.raises(DaytonaError, match="not running"):
            await made.process.exec("true")


async def test_distance_costs_one_round_trip_per_request() -> None:
    with DaytonaEmulator(latency=0.2) as emulator:
        async with sandbox(emulator) as made:
            await made.process.exec("true")
            start = time.monotonic()
            await made.process.exec("true")
            assert time.monotonic() - start >= 0.2
