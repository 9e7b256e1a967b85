"""The program in the converter's own process: files in on standard input, text out on standard output.

Started by path with `python -I`, an empty environment, its limits, and perhaps the path of a file that confines it. It
bounds itself before it reads the first byte that is not ours. Standard library only, but for what converters import.
"""

import contextlib
import encodings
import importlib
import json
import os
import pkgutil
import resource
import runpy
import sys
from pathlib import Path
from typing import Any, BinaryIO

SAMPLES = {
    "html": b"<p>caf\xe9",
    "mail": b"From: a\nContent-Type: text/html; charset=latin-1\n\ncaf\xe9",
    "notebook": b"{}",
    "pdf": b"%PDF-",
}
"""Something in each format, on which a converter imports what it needs."""


def bound(limits: dict[str, int]) -> None:
    """Set what this process may use, for good: memory, files, no core dump, nothing written."""
    for kind, value in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(kind, (value, value))


def bound_cpu(seconds: int) -> None:
    """Let this process compute for so many seconds from now; then the kernel ends it. Confined, it is the host that
    says so, from outside.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def rehearse() -> None:
    """Have everything imported that any file may ask for: soon no file can be opened."""
    from rlm_indexers.converters import base

    for name in [module.name for module in pkgutil.iter_modules(encodings.__path__)]:
        with contextlib.suppress(ImportError):  # those of another system
            importlib.import_module(f"encodings.{name}")
    for form, sample in SAMPLES.items():
        with contextlib.suppress(base.Unreadable):
            importlib.import_module(f"rlm_indexers.converters.{form}").convert(sample)


def reader(source: BinaryIO) -> Any:
    def exactly(count: int) -> bytes:
        data = source.read(count)
        if len(data) < count:
            raise EOFError
        return data

    return exactly


def answer(header: dict[str, Any], body: bytes, output_bytes: int) -> tuple[dict[str, Any], bytes]:
    """The reply to one file. Only what no converter can go on from ends the process."""
    from rlm_indexers.converters import base

    if header["format"] not in base.VERSIONS:
        return {"error": f"unknown-format: {header['format']}"}, b""
    converter = importlib.import_module(f"rlm_indexers.converters.{header['format']}")
    try:
        converted = converter.convert(body)
    except base.Unreadable as error:
        return {"error": str(error)}, b""
    except MemoryError:
        return {"error": f"converter-memory: {header['format']}"}, b""
    except Exception as error:  # noqa: BLE001 - a parser may fail in any way; it costs this file and says how
        return {"error": f"converter-failed: {type(error).__name__}: {error}"[:200]}, b""
    text = converted.text.encode("utf-8", "replace")
    if len(text) > output_bytes:
        return {"error": f"too-large: {len(text)} bytes of text"}, b""
    return {"anchors": converted.anchors, "flags": converted.flags}, text


def main() -> None:
    limits = json.loads(sys.argv[1])
    bound(limits)
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from rlm_indexers.converters import frames

    sys.path.append(sys.path.pop(0))  # our package is known by now; for everything else the usual order holds

    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no frame
    confined = len(sys.argv) > 2
    if confined:
        rehearse()
        runpy.run_path(sys.argv[2])["confine"]({source.fileno(), sink.fileno()})
    while True:
        try:
            header, body = frames.read(reader(source), limits["input_bytes"])
        except EOFError:
            return
        if not confined:
            bound_cpu(limits["cpu_seconds"])
        sink.write(frames.pack(*answer(header, body, limits["output_bytes"])))
        sink.flush()


if __name__ == "__main__":
    main()
