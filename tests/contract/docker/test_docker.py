"""The docker provider up to the engine's client: the exact command, the transport really driven, every refusal said."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rlm_sandbox import Blob, Limits, Preload, SandboxUnavailable, Segment
from rlm_sandbox.docker import Container, DockerProvider, reader
from rlm_sandbox.owner import owner
from tests.support import fake_docker

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the fake `docker` lies, first on the PATH."""
    installed = fake_docker.install(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(installed), prepend=":")
    return installed


@pytest.fixture
async def provider(folder: Path, tmp_path: Path) -> AsyncIterator[DockerProvider]:
    (tmp_path / "inside").mkdir()
    one = DockerProvider(folder=str(tmp_path / "inside"))
    yield one
    await one.close()


@pytest.fixture
def blob(tmp_path: Path) -> Blob:
    path = tmp_path / "blob"
    path.write_bytes(b"the corpus")
    path.chmod(0o644)
    return Blob(path, "0" * 64, 10, (Segment("0" * 64, 0, 10),))


def test_the_command_is_exactly_this() -> None:
    limits = Limits(memory_mb=500, processes=20)
    container = Container(
        "rlm-1", "python:3.13-slim", Path("/tmp/p/runner.py"), "begin", limits, Path("/cache/b,1"), runtime="runsc"
    )
    assert container.arguments() == [
        *["run", "--rm", "--interactive", "--name", "rlm-1", "--label", f"rlm-owner={owner()}"],
        *["--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
        *["--pids-limit", "36", "--memory", "756m", "--memory-swap", "756m", "--ipc", "none", "--log-driver", "none"],
        *["--user", "65534:65534", "--workdir", "/", "--env", "LANG=C.UTF-8", "--env", "PYTHONHASHSEED=0"],
        *["--runtime", "runsc"],
        *["--mount", "type=bind,source=/tmp/p/runner.py,target=/rlm/runner.py,readonly"],
        *["--mount", 'type=bind,"source=/cache/b,1",target=/rlm/blob,readonly'],
        *["--entrypoint", "python3", "python:3.13-slim", "-s", "-P", "-S", "/rlm/runner.py", "stdio", "begin"],
    ]


def test_the_command_without_a_blob_mounts_nothing_else_of_ours() -> None:
    said = Container("rlm-1", "image", Path("/r.py"), "begin", Limits()).arguments()
    assert [said[at + 1] for at, word in enumerate(said) if word in ("--mount", "--volume", "-v")] == [
        "type=bind,source=/r.py,target=/rlm/runner.py,readonly"
    ]
    assert "--runtime" not in said


async def test_a_session_runs_over_the_client_s_standard_streams(provider: DockerProvider, blob: Blob) -> None:
    async def double(arguments: dict[str, Any]) -> Any:
        return arguments["n"] * 2

    show = Preload("show", "def setup(session):\n    return {'blob': session.blob, 'call': session.call}\n")
    await provider.publish(blob)
    session = await provider.open(blob, preloads=[show], host_calls={"double": double})
    result = await session.exec("print(bytes(blob), call('double', n=4), len('x' * 10**6))")
    assert result.stdout == "b'the corpus' 8 1000000\n"
    child = await session.child(arguments={}, host_calls={})
    assert (await child.exec("print(len(blob))")).stdout == "10\n"


async def test_a_hanging_cell_is_interrupted_through_the_engine(provider: DockerProvider, folder: Path) -> None:
    session = await provider.open(None)
    await session.exec("a = 5")
    stopped = await session.exec("import re; re.match('(a+)+$', 'a' * 50 + 'b')", seconds=0.3)
    assert stopped.error is not None
    assert (stopped.error.kind, stopped.died) == ("Timeout", False)
    assert (await session.exec("print(a)")).stdout == "5\n"
    assert ["kill", "--signal", "INT"] in [call[:3] for call in fake_docker.calls(folder)]


async def test_closing_a_session_removes_its_container(provider: DockerProvider, folder: Path) -> None:
    session = await provider.open(None)
    await session.close()
    names = [call[call.index("--name") + 1] for call in fake_docker.calls(folder) if call[0] == "run"]
    assert ["rm", "--force", *names] in fake_docker.calls(folder)


async def test_a_container_that_dies_is_replaced_by_replay(provider: DockerProvider, folder: Path) -> None:
    session = await provider.open(None)
    await session.exec("a = 5")
    name = next(call[call.index("--name") + 1] for call in fake_docker.calls(folder) if call[0] == "run")
    await asyncio.to_thread(fake_docker.stop, folder, name, 9)
    result = await session.exec("print(a)")
    assert result.stdout == "5\n" or (result.died and result.restored)
    assert (await session.exec("print(a)")).stdout == "5\n"


async def test_gvisor_is_used_when_the_engine_has_it(tmp_path: Path, folder: Path, provider: DockerProvider) -> None:
    fake_docker.install(folder, runtimes={"runc": {}, "runsc": {}})
    probe = await provider.probe()
    assert (probe.available, "gVisor" in probe.reasons[0]) == (True, True)
    started = next(call for call in fake_docker.calls(folder) if call[0] == "run")
    assert started[started.index("--runtime") + 1] == "runsc"


async def test_the_image_is_fetched_once_and_said_so(provider: DockerProvider, folder: Path, blob: Blob) -> None:
    said: list[str] = []
    await provider.publish(blob, progress=said.append)
    await provider.publish(blob, progress=said.append)
    assert said == ["fetching the image python:3.13-slim"]


async def test_containers_of_dead_processes_are_ended_at_the_start(provider: DockerProvider, folder: Path) -> None:
    gone = await asyncio.to_thread(dead)
    (folder / "ps").write_text(f"aaa {gone}\nbbb {owner()}\nccc \n")
    await provider.open(None)
    removed = [call[2] for call in fake_docker.calls(folder) if call[0] == "rm"]
    assert removed == ["aaa"]


def dead() -> str:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    label = owner(process.pid)
    process.communicate()
    return label


async def test_without_an_engine_probe_says_what_to_do(folder: Path, provider: DockerProvider) -> None:
    fake_docker.install(folder, engine=False)
    probe = await provider.probe()
    assert not probe.available
    assert "Is the docker daemon running?" in probe.reasons[0]
    assert "RLM_SANDBOX" in probe.reasons[0]


async def test_without_the_client_probe_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    probe = await DockerProvider().probe()
    assert not probe.available
    assert probe.reasons[0].startswith("There is no `docker` command on the PATH.")


async def test_a_container_that_never_speaks_is_a_refusal_with_its_words(
    provider: DockerProvider, folder: Path
) -> None:
    await provider.publish(Blob(folder / "docker", "0" * 64, 1, ()))
    (Path(provider._files.name) / "runner.py").write_text("raise SystemExit('no such thing')")
    with pytest.raises(SandboxUnavailable, match="no such thing"):
        await provider.open(None)


def test_a_private_blob_is_read_as_its_owner_and_never_as_root(blob: Blob, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reader(blob.path) == "65534:65534"
    blob.path.chmod(0o600)
    status = blob.path.stat()
    if status.st_uid:
        assert reader(blob.path) == f"{status.st_uid}:{status.st_gid}"
    else:
        with pytest.raises(SandboxUnavailable, match="chmod"):
            reader(blob.path)


async def test_without_leave_to_fetch_the_image_there_is_no_sandbox_and_no_download(folder: Path) -> None:
    with pytest.raises(SandboxUnavailable, match=r"docker pull python:3\.13-slim"):
        await DockerProvider(pull=False).open(None)
    assert [call for call in fake_docker.calls(folder) if call[0] == "pull"] == []
