"""The runner as text, for providers that cannot show it our files.

Run it as `python -s -P -S <file> stdio <preamble>`: it takes standard input and output for the channel, writes the
preamble, and then waits for the start message. `-I -S` does as well; then set orders differ between processes, and a
replay may stray.
"""

from functools import cache
from pathlib import Path

from rlm_sandbox.runner import boot

FOLDER = Path(boot.__file__).parent


@cache
def text() -> str:
    """The whole program, one file of Python: the sources of every module, then `boot.py`."""
    sources = {name: (FOLDER / f"{name}.py").read_text("utf-8") for name in boot.MODULES}
    return f"SOURCES = {sources!r}\n{(FOLDER / 'boot.py').read_text('utf-8')}"
