"""Which provider is chosen, what its probe says, and that nothing is loaded for those that are not."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from rlm_sandbox import SandboxError, SandboxUnavailable
from rlm_sandbox import choose as choosing
from rlm_sandbox.choose import choose
from rlm_sandbox.local import LAYERS, LocalProvider

ROOT = Path(__file__).parents[3]

linux = pytest.mark.skipif(sys.platform != "linux", reason="the local sandbox is Linux's")


def chosen(*arguments, **keywords):
    async def run():
        provider = await choose(*arguments, **keywords)
        await provider.close()
        return provider.name

    return asyncio.run(run())


@linux
def test_auto_is_local_where_it_works():
    assert chosen() == chosen("auto") == "local"


def test_auto_is_daytona_when_there_is_a_key():
    assert chosen("auto", daytona_api_key="k", daytona_api_url="http://127.0.0.1:9/api") == "daytona"


def test_daytona_without_a_key_is_refused():
    with pytest.raises(SandboxUnavailable, match="DAYTONA_API_KEY"):
        chosen("daytona")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(SandboxError, match="auto, local, docker, daytona, unsafe-no-isolation"):
        chosen("unsafe")


class Refusing:
    def __init__(self, name):
        self.name = name

    async def open(self, blob):
        raise SandboxUnavailable(f"no {self.name} here.")

    async def close(self):
        pass


def test_auto_refuses_when_nothing_isolates_and_never_goes_without(monkeypatch):
    monkeypatch.setattr(choosing, "_local", lambda: Refusing("local"))
    monkeypatch.setattr(choosing, "_docker", lambda **_: Refusing("docker"))
    with pytest.raises(SandboxUnavailable, match=r"no local here\. .*no docker here\. .*WSL2.*DAYTONA_API_KEY"):
        chosen()


def test_choosing_loads_neither_asyncio_nor_the_cloud():
    code = "import sys, rlm_sandbox, rlm_sandbox.choose; print({'asyncio', 'daytona', 'aiohttp'} & set(sys.modules))"
    environment = {"PYTHONPATH": str(ROOT / "sandbox")}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True)
    assert run.stdout == "set()\n"


def probed(provider):
    async def run():
        probe = await provider.probe()
        await provider.close()
        return probe

    return asyncio.run(run())


@linux
def test_the_probe_of_a_locked_sandbox_says_what_could_not_be_reached():
    probe = probed(LocalProvider())
    assert (probe.provider, probe.available, probe.isolation) == ("local", True, "kernel-policy")
    assert "could not reach: files outside it" in probe.reasons[0]
    assert not any("reached what it must not" in reason for reason in probe.reasons)


@linux
@pytest.mark.parametrize(
    ("missing", "reached"), [("seccomp", "UDP"), ("limits", "more memory"), ("identity", "more threads")]
)
def test_the_probe_of_a_sandbox_with_a_hole_says_what_was_reached(missing, reached):
    probe = probed(LocalProvider(layers=[layer for layer in LAYERS if layer != missing]))
    assert not probe.available
    assert any("reached what it must not" in reason and reached in reason for reason in probe.reasons)


@linux
def test_a_kernel_without_landlock_is_refused_with_the_reason(tmp_path):
    """Asked of the lock itself, in a process of its own, with a kernel that says it has none."""
    code = (
        "from rlm_sandbox.runner import kernel, lockdown\n"
        "kernel.landlock_version = lambda: 0\n"
        "def apply(required):\n"
        "    return lockdown.apply({'layers': ['landlock'], 'required': required}, LIMITS, 0, {3}, None)\n"
        "LIMITS = {'memory_bytes': 10**9, 'threads': 4}\n"
        "try: apply(True)\nexcept lockdown.LockError as error: print(error)\n"
        "print(apply(False))"
    )
    environment = {"PYTHONPATH": str(ROOT / "sandbox")}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True)
    sentence, held = run.stdout.splitlines()
    assert "no Landlock: older than 5.13" in sentence
    assert held == "[]"
