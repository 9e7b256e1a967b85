"""Whether a folder without git holds code or documents, judged by the names of a few thousand of its files."""

import os
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rlm_indexers.languages import SUFFIXES

LOOKED_AT = 4000
LOOKED_AT_IN_ONE = 200
"""Files of one folder that count: a thousand of them side by side tell no more."""
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "vendor", "dist", "build", "target", "venv"})
DOCUMENTS = frozenset(
    (
        *(".pdf", ".html", ".htm", ".xhtml", ".md", ".markdown", ".rst", ".adoc", ".txt", ".text", ".csv", ".tsv"),
        *(".jsonl", ".ndjson", ".eml", ".mbox", ".docx", ".doc", ".odt", ".rtf", ".pptx", ".xlsx", ".xls", ".epub"),
        *(".tex", ".log", ".ipynb", ".srt", ".vtt"),
    )
)
PLAIN = frozenset((".md", ".markdown", ".rst", ".adoc", ".txt", ".text"))
"""Read alike as code's own documentation and as documents: these alone do not outweigh the marks of a project."""
CODE = frozenset(SUFFIXES) - DOCUMENTS - {".json", ".yaml", ".yml", ".toml", ".xml", ".ini"}
PROJECT = frozenset(
    (
        *("pyproject.toml", "setup.py", "setup.cfg", "__init__.py", "package.json", "Cargo.toml", "go.mod", "pom.xml"),
        *("build.gradle", "build.gradle.kts", "CMakeLists.txt", "configure.ac", "meson.build", "Gemfile", "Rakefile"),
        *("composer.json", "mix.exs", "Package.swift", "build.sbt", "deno.json", "dune-project", "stack.yaml"),
    )
)
INSTALLED = (".dist-info", ".egg-info", ".csproj", ".sln", ".gemspec", ".cabal")
"""How names end beside code that was installed, or is built from here."""


def mostly_documents(path: Path) -> bool:
    """Whether a folder is one of documents: more of them than code, and no project of code with its documentation.

    A single file counts as its own folder.
    """
    if path.is_file():
        return path.suffix.lower() not in CODE
    counts = {"documents": 0, "plain": 0, "code": 0}
    for name in islice(_names(path), LOOKED_AT):
        suffix = Path(name).suffix.lower()
        counts["documents"] += suffix in DOCUMENTS
        counts["plain"] += suffix in PLAIN
        counts["code"] += suffix in CODE
    rich = counts["documents"] - counts["plain"]
    if counts["code"] and _is_project(path):
        return rich > counts["code"]
    return counts["documents"] > counts["code"]


def _is_project(path: Path) -> bool:
    """Whether something at the top says that code is built or installed here."""
    folders, files = _inside(os.fspath(path))
    names = [*files, *(Path(folder).name for folder in folders)]
    return not PROJECT.isdisjoint(names) or any(name.endswith(INSTALLED) for name in names)


def _names(path: Path) -> Iterator[str]:
    """Names of files, folder by folder, those near the top first."""
    pending = deque([os.fspath(path)])
    while pending:
        folders, files = _inside(pending.popleft())
        pending.extend(folders)
        yield from files[:LOOKED_AT_IN_ONE]


def _inside(folder: str) -> tuple[list[str], list[str]]:
    """The folders, as paths, and the names of the files in a folder, but for hidden ones; nothing if it is closed."""
    try:
        with os.scandir(folder) as entries:
            shown = sorted((e for e in entries if not e.name.startswith(".")), key=lambda entry: entry.name)
    except OSError:
        return [], []
    folders = [e.path for e in shown if e.is_dir(follow_symlinks=False) and e.name not in SKIPPED_FOLDERS]
    return folders, [e.name for e in shown if not e.is_dir(follow_symlinks=False)]
