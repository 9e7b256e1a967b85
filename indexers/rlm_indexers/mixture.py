"""Whether a folder without git holds code or documents, judged by the names of its first few thousand files."""

import os
from collections.abc import Iterator
from pathlib import Path

from rlm_indexers.languages import SUFFIXES

LOOKED_AT = 4000
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "vendor", "dist", "build", "target", "venv"})
DOCUMENTS = frozenset(
    (
        *(".pdf", ".html", ".htm", ".xhtml", ".md", ".markdown", ".rst", ".adoc", ".txt", ".text", ".csv", ".tsv"),
        *(".jsonl", ".ndjson", ".eml", ".mbox", ".docx", ".doc", ".odt", ".rtf", ".pptx", ".xlsx", ".xls", ".epub"),
        *(".tex", ".log", ".ipynb", ".srt", ".vtt"),
    )
)
CODE = frozenset(SUFFIXES) - DOCUMENTS - {".json", ".yaml", ".yml", ".toml", ".xml", ".ini"}


def mostly_documents(path: Path) -> bool:
    """Whether more files look like documents than like code; a single file counts as its own folder."""
    if path.is_file():
        return path.suffix.lower() not in CODE
    documents = code = 0
    for seen, name in enumerate(_names(path)):
        suffix = Path(name).suffix.lower()
        documents += suffix in DOCUMENTS
        code += suffix in CODE
        if seen >= LOOKED_AT:
            break
    return documents > code


def _names(path: Path) -> Iterator[str]:
    for _, folders, files in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in SKIPPED_FOLDERS)
        yield from (f for f in sorted(files) if not f.startswith("."))
