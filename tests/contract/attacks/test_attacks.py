"""The local sandbox under attack: as whoever runs this, as an ordinary user, and with layers taken away."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rlm_sandbox.local import LAYERS
from tests.contract.attacks import inside, outside
from tests.contract.attacks.column import ATTACKS

ROOT = Path(__file__).parents[3]
NOBODY = 65534
ALL = (*LAYERS, "watchdog")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the local sandbox is Linux's"),
    pytest.mark.timeout(620),
]


def column(layers, *chosen, python=sys.executable, user=None):
    """What each attack reached, run by another process: one that has nothing of pytest's in it."""
    run = subprocess.run(
        [python, "-m", "tests.contract.attacks.column", ",".join(layers) or "none", *chosen],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'sandbox'}:{ROOT}", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        user=user,
        group=user,
        extra_groups=[] if user else None,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    return json.loads(run.stdout)["attacks"]


def reached(found):
    return {name for name, what in found.items() if what["reached"]}


def without(*layers):
    return [layer for layer in ALL if layer not in layers]


@functools.cache
def python_for_everybody():
    """An interpreter that an ordinary user may run; ours may lie in root's home."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        check = [python, "-c", "import sys, ctypes; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(check, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", check=False).returncode == 0:
                return python
        except OSError:
            continue
    return None


def assert_nothing_got_through(found):
    assert len(found) == len(ATTACKS) >= 300
    assert reached(found) == set()
    assert {name: what["harm"] for name, what in found.items() if what["harm"]} == {}


def test_nothing_gets_through():
    assert_nothing_got_through(column(ALL))


@pytest.mark.skipif(os.geteuid() != 0, reason="who runs this is an ordinary user already")
def test_nothing_gets_through_as_an_ordinary_user():
    python = python_for_everybody()
    if python is None:
        pytest.skip("no Python 3.11 or newer here that an ordinary user may run")
    assert_nothing_got_through(column(ALL, python=python, user=NOBODY))


def test_without_a_lock_the_attacks_are_real():
    certain = {f"{attack.kind}: {attack.name}" for attack in ATTACKS if attack.control == "reached"}
    real = reached(column(()))
    assert certain - real == set()
    assert len(real) >= 170


@pytest.mark.parametrize(
    ("missing", "chosen", "expected"),
    [
        (("descriptors",), [outside.DESCRIPTORS], {"descriptors: what the host had open, by read"}),
        (("limits",), [inside.BOMBS], {"bombs: descriptors"}),
        (("limits", "watchdog"), [inside.BOMBS], {"bombs: heap", "bombs: one block"}),
        (("identity",), [inside.BOMBS], {"bombs: raw threads with tiny stacks"}),
        (
            ("seccomp",),
            [outside.META, outside.NETWORK, outside.UNIX, outside.PROGRAMS, inside.EXECUTABLE],
            {"learn of files: stat a file", "network: UDP", "run programs: fork", "new executable memory: map it"},
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_each_layer_stops_something_that_the_others_do_not(missing, chosen, expected):
    assert expected <= reached(column(without(*missing), *chosen))


def test_landlock_holds_files_and_connections_when_the_filter_does_not():
    """With the filter on, nothing gets as far as Landlock; so it is shown to matter behind a filter with holes."""
    chosen = [outside.READ, outside.NETWORK, outside.UNIX, outside.PROC]
    with_it = reached(column(without("seccomp"), *chosen))
    without_it = reached(column(without("seccomp", "landlock"), *chosen))
    held = {"read files: open a file", "read files: list a folder", "network: TCP", "unix sockets: an abstract socket"}
    assert held <= without_it - with_it
