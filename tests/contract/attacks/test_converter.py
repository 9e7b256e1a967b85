"""A document that has taken over its converter: what it could do, without the lock and with it."""

import socket
import sys

import pytest

from rlm_indexers.converters.base import VERSIONS, Unreadable
from rlm_indexers.converters.process import Converter, Limits
from rlm_indexers.store import Store
from rlm_mcp.app import App
from rlm_mcp.settings import Settings
from rlm_sandbox.confinement import PROGRAM
from tests.support.documents import pdf

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the lock is Linux's")

TAKEN_OVER = """
import mmap, os, runpy, signal, socket, sys
from rlm_indexers.converters.base import Converted

def connect():
    with socket.socket() as s: s.connect(("127.0.0.1", PORT))

def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.sendto(b"x", ("127.0.0.1", PORT))

def new_process():
    pid = os.fork()
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)

def new_program():
    if os.spawnv(os.P_WAIT, "/bin/true", ["true"]): raise OSError

def code():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)

ATTEMPTS = {
    "read a file": lambda: open("/etc/passwd").read(),
    "learn of a file": lambda: os.stat("/etc/passwd"),
    "list a folder": lambda: os.listdir("/"),
    "write a file": lambda: os.close(os.open(TARGET, os.O_WRONLY | os.O_CREAT)),
    "connect": connect, "send": send, "unix": lambda: socket.socketpair(),
    "fork": new_process, "exec": new_program, "code": code,
    "signal its host": lambda: os.kill(os.getppid(), 0),
    "read what was left open": lambda: os.pread(LEFT_OPEN, 1, 0),
}

def convert(data):
    done = []
    for name, attempt in ATTEMPTS.items():
        try: attempt()
        except (OSError, PermissionError): continue
        done.append(name)
    return Converted("\\n".join(done) + "\\n")

def confine(keep):
    global LEFT_OPEN
    LEFT_OPEN = os.open("/etc/passwd", os.O_RDONLY)
    if PROGRAM: runpy.run_path(PROGRAM)["confine"](keep)
    import rlm_indexers.converters.html as html
    html.convert = convert
"""


def taken_over(folder, listener, program):
    """What a converter succeeds in whose html was replaced by an attacker's code, once it was confined so."""
    with Converter(confine=hostile(folder, listener, program)) as converter:
        return set(converter.convert("html", b"<p>x").text.split("\n")) - {""}


def hostile(folder, listener, program):
    file = folder / "taken_over.py"
    names = {"PROGRAM": program and str(program), "PORT": listener.getsockname()[1], "TARGET": str(folder / "new")}
    file.write_text("".join(f"{name} = {value!r}\n" for name, value in names.items()) + TAKEN_OVER)
    return file


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_document_that_takes_over_its_converter_reaches_nothing(tmp_path, listener):
    control = taken_over(tmp_path, listener, None)
    assert len(control) >= 11
    assert taken_over(tmp_path, listener, PROGRAM) == set()


def test_what_a_store_converts_is_confined(tmp_path, listener):
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "page.html").write_text("<p>x")
    store = Store(tmp_path / "cache", confine=hostile(tmp_path, listener, None))
    assert "connect" in store.load(str(tmp_path / "documents")).corpus.pack.text(0)
    app = App(Settings(cache_dir=tmp_path / "other"), cwd=tmp_path)
    assert app.library._store._confine == PROGRAM


SAMPLES = {
    "html": "<p>日本語の文書です。縦書きではありません。</p>".encode("euc_jp"),
    "mail": b"From: a@b\nSubject: =?gb2312?B?xOO6ww==?=\n"
    b"Content-Type: text/plain; charset=koi8-r\n\n\xf0\xf2\xe9\xf7\xe5\xf4",
    "notebook": b'{"cells": [{"cell_type": "code", "source": "x = 1", "outputs": [{"text": "1"}]}]}',
    "pdf": pdf([["A page with enough text on it."], [], ["Another page with enough text."]]),
}


@pytest.mark.parametrize("form", sorted(VERSIONS))
def test_a_confined_converter_gives_the_same_text(form):
    with Converter() as free, Converter(confine=PROGRAM) as confined:
        assert confined.convert(form, SAMPLES[form]) == free.convert(form, SAMPLES[form])


def test_a_confined_converter_is_held_to_its_processor_time():
    endless = b"<p>" + b"<a>x</a>" * 2_000_000
    with (
        Converter(Limits(cpu_seconds=0), confine=PROGRAM) as converter,
        pytest.raises(Unreadable, match="converter-timeout: html used up its processor time"),
    ):
        converter.convert("html", endless)
