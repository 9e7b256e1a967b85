"""Jupyter notebooks to lines, cell by cell, with the text of their outputs."""

import json
from typing import Any

from rlm_indexers.converters.base import Converted, Lines, Unreadable


def convert(data: bytes) -> Converted:
    """Each cell under the anchor `{"cell": n, "type": …}`, headed `# %% cell n [type]`; images are named only."""
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"damaged: {str(error)[:120]}") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("damaged: no list of cells")
    lines = Lines()
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict):
            _add_cell(lines, number, cell)
    if not lines:
        raise Unreadable("no-text: no cells")
    return lines.converted()


def _add_cell(lines: Lines, number: int, cell: dict[str, Any]) -> None:
    kind = str(cell.get("cell_type", "raw"))[:20]
    lines.anchor(cell=number, type=kind)
    lines.add(f"# %% cell {number} [{kind}]")
    lines.add(_joined(cell.get("source")))
    outputs = cell.get("outputs")
    shown = [_output(output) for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
    if any(shown):
        lines.anchor(cell=number, type="output")
        lines.add(f"# %% output of cell {number}")
        for text in filter(None, shown):
            lines.add(text.rstrip("\n"))


def _output(output: dict[str, Any]) -> str:
    data = output.get("data")
    if isinstance(data, dict):
        others = sorted(kind for kind in data if not kind.startswith("text/"))
        return _joined(data.get("text/plain")) or (f"[{', '.join(others)}]" if others else "")
    if "ename" in output:
        return f"{output.get('ename')}: {output.get('evalue')}"
    return _joined(output.get("text"))


def _joined(source: Any) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source or "")
