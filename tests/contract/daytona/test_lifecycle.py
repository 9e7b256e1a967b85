"""The sandbox's life: created once, with nothing of ours in it, deleted, and what dead processes left is swept."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rlm_sandbox import SandboxUnavailable
from rlm_sandbox.daytona import Access, DaytonaProvider, lease
from rlm_sandbox.daytona.door import CloudError, retry_after
from rlm_sandbox.daytona.lease import HOST, OURS, OWNER
from rlm_sandbox.daytona.patience import Patience
from rlm_sandbox.daytona.provider import RUN
from rlm_sandbox.owner import host, owner
from tests.support.daytona_emulator import DaytonaEmulator
from tests.support.daytona_emulator.world import Sandbox

pytestmark = pytest.mark.anyio


def test_importing_the_package_and_the_provider_does_not_import_the_sdk() -> None:
    script = (
        "import sys, rlm_sandbox, rlm_sandbox.daytona; sys.exit('daytona' in sys.modules or 'aiohttp' in sys.modules)"
    )
    folder = Path(__file__).parents[3] / "sandbox"
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, check=False)
    assert done.returncode == 0


async def test_the_sandbox_is_closed_off_short_lived_and_labelled(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    await provider.open(None)
    asked = emulator.sandboxes(run="r1")[0].asked
    wanted = {"networkBlockAll": True, "autoDeleteInterval": 0, "ttlMinutes": 240, "autoStopInterval": 15}
    assert wanted.items() <= asked.items()
    assert {OURS, OWNER, HOST} <= asked["labels"].keys()
    assert not asked["env"]


async def test_the_sandbox_carries_the_name_of_the_run_that_began_last(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    provider.serve("first")
    await provider.open(None)
    assert len(emulator.sandboxes(run="r1", **{RUN: "first"})) == 1
    provider.serve("second")
    async with asyncio.timeout(5):
        while not emulator.sandboxes(run="r1", **{RUN: "second", OURS: "1"}):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not emulator.sandboxes(**{RUN: "first"})


def everything_in(box: Sandbox) -> bytes:
    """Its files, and the environments of its processes."""
    files = [path for path in box.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert box.leaders
    return b"".join(path.read_bytes() for path in [*files, *(Path(f"/proc/{one}/environ") for one in box.leaders)])


async def test_the_key_never_enters_the_sandbox(provider: DaytonaProvider, emulator: DaytonaEmulator) -> None:
    await provider.open(None)
    box = emulator.sandboxes()[0]
    assert emulator.key.encode() not in everything_in(box)


async def test_a_hostile_env_file_in_the_working_directory_changes_nothing(
    emulator: DaytonaEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "DAYTONA_API_URL=http://127.0.0.1:9/api\nDAYTONA_TARGET=elsewhere\nDAYTONA_API_KEY=other\n"
        "DAYTONA_HAPPY_EYEBALLS_DELAY=rubbish\nDAYTONA_OTEL_ENABLED=true\nDAYTONA_ORGANIZATION_ID=theirs\n"
    )
    os.mkfifo(tmp_path / ".env.local")  # whoever reads this waits for ever
    monkeypatch.chdir(tmp_path)
    provider = DaytonaProvider(Access(emulator.key, emulator.url), spare=False)
    session = await provider.open(None)
    assert (await session.exec("print(1)")).stdout == "1\n"
    assert emulator.sandboxes()[0].asked.get("target") is None
    assert Path.cwd() == tmp_path
    await provider.close()


async def test_a_create_whose_answer_was_lost_is_not_done_twice(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    emulator.faults.lose_reply("POST", "/api/sandbox")
    await provider.open(None)
    assert len(emulator.sandboxes()) == 1
    assert len(emulator.record.matching("POST", "/api/sandbox")) == 1


async def test_rate_limits_and_bad_gateways_are_waited_out(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    emulator.faults.reply("POST", "/api/sandbox", 429, retry_after="0")
    emulator.faults.reply("POST", "/api/sandbox", 502)
    emulator.faults.reply("POST", "*/files/bulk-upload", 502)
    emulator.faults.reply("GET", "*/pty/create-connect", 502)
    session = await provider.open(None)
    assert (await session.exec("print(1)")).stdout == "1\n"
    assert len(emulator.sandboxes()) == 1


async def test_a_longer_wait_than_we_have_patience_for_is_said(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    emulator.faults.reply("POST", "/api/sandbox", 429, retry_after="3600")
    with pytest.raises(SandboxUnavailable, match="429"):
        await provider.open(None)


async def test_a_refused_key_names_the_settings_to_check(emulator: DaytonaEmulator) -> None:
    provider = DaytonaProvider(Access("wrong", emulator.url))
    with pytest.raises(SandboxUnavailable, match="DAYTONA_API_KEY"):
        await provider.open(None)
    assert (await provider.probe()).available is False
    await provider.close()


async def test_a_slow_create_is_waited_for_by_the_provider(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    emulator.faults.creating_seconds = 0.3
    assert (await (await provider.open(None)).exec("print(1)")).stdout == "1\n"


async def test_a_sandbox_that_breaks_while_created_is_deleted(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    emulator.faults.create_ends_in = "error"
    with pytest.raises(SandboxUnavailable, match="error"):
        await provider.open(None)
    assert not emulator.sandboxes()


async def test_a_create_that_was_cut_short_is_cleaned_up_at_the_end(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    emulator.faults.creating_seconds = 30
    opening = asyncio.create_task(provider.open(None))
    async with asyncio.timeout(20):
        while not emulator.sandboxes():  # noqa: ASYNC110 - made in another thread
            await asyncio.sleep(0.01)
    opening.cancel()
    await asyncio.wait([opening])
    await provider.close()
    assert not emulator.sandboxes()


async def test_close_deletes_the_sandbox_and_a_second_close_is_fine(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    await provider.open(None)
    await provider.close()
    await provider.close()
    assert not emulator.sandboxes()


def a_dead_owner() -> str:
    """The label of a process that has ended."""
    gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    label = owner(gone.pid)
    gone.communicate()
    return label


async def test_a_sandbox_in_use_is_kept_from_stopping_for_idleness(
    provider: DaytonaProvider, emulator: DaytonaEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "AWAKE_SECONDS", 0.02)
    await provider.open(None)
    async with asyncio.timeout(10):
        while len(emulator.record.matching("POST", "/last-activity")) < 2:  # noqa: ASYNC110 - another thread's record
            await asyncio.sleep(0.01)


async def test_what_a_dead_process_left_is_swept_and_what_lives_is_not(
    provider: DaytonaProvider, emulator: DaytonaEmulator
) -> None:
    dead_owner = a_dead_owner()
    mine = {OURS: "1", HOST: host()}
    left = emulator.world.create({"labels": {**mine, OWNER: dead_owner}})
    kept = emulator.world.create({"labels": {**mine, OWNER: owner(os.getppid())}})
    strange = emulator.world.create({"labels": {**mine, HOST: "another", OWNER: dead_owner}})
    await provider.open(None)
    await provider.close()
    assert left not in emulator.sandboxes()
    assert {kept, strange} <= set(emulator.sandboxes())


async def test_probe_says_where_text_goes_and_whose_isolation_it_is(provider: DaytonaProvider) -> None:
    probe = await provider.probe()
    assert probe.available
    assert "leaves this machine" in probe.reasons[0]
    assert "emulator gives none" in probe.reasons[2]
    assert probe.reasons[3].endswith("every layer.")


def test_a_retry_after_is_honoured_in_both_its_forms() -> None:
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}) > 1e6
    assert retry_after({}) is None
    assert Patience().wait(1, CloudError("limited", 429, 7.0)) == 7
    assert Patience().wait(1, CloudError("limited", 429, 7000.0)) is None
    assert Patience().wait(1, CloudError("no", 400)) is None
