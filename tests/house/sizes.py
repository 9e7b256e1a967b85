"""Holds the house rules that no linter knows: files of at most 400 lines, bodies of at most 40, no stray names.

Run by `make check`. Exceptions are listed in EXCEPTIONS with their present size; they may shrink, never grow.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES = 400
BODY_LINES = 40
EXCEPTIONS: dict[str, int] = {}
"""Path or path:function → lines allowed. Empty, and meant to stay so."""

PACKAGES = ("server/rlm_mcp/", "indexers/rlm_indexers/", "sandbox/rlm_sandbox/")
STRAY = re.compile(r"py[p]i\.org|python[h]osted\.org|registry\.np[m]js|deb\.debia[n]\.org|/wor[k]/main|/roo[t]/\.")


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function's body, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def complaints(name: str) -> Iterator[str]:
    text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
    if STRAY.search(text):
        yield f"{name}: names a package host or a path of somebody's machine"
    if not name.endswith(".py"):
        return
    lines = text.count("\n")
    if lines > EXCEPTIONS.get(name, FILE_LINES):
        yield f"{name}: {lines} lines (at most {EXCEPTIONS.get(name, FILE_LINES)}); split it by idea"
    if not name.startswith(PACKAGES):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            allowed = EXCEPTIONS.get(f"{name}:{node.name}", BODY_LINES)
            if body_lines(node) > allowed:
                yield f"{name}:{node.lineno} {node.name}: body of {body_lines(node)} lines (at most {allowed})"


def strays() -> Iterator[str]:
    """Whatever lies beside the one package of a code folder: those folders are on the import path in development."""
    for package in PACKAGES:
        folder = ROOT / package.split("/")[0]
        for entry in folder.iterdir():
            if entry.name != package.split("/")[1] and entry.name != "__pycache__":
                yield f"{entry.relative_to(ROOT)}: only {package} may lie in {folder.name}/"


def main() -> int:
    found = [complaint for name in tracked() for complaint in complaints(name)] + list(strays())
    for complaint in found:
        sys.stdout.write(complaint + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
