"""The prompts, as the files of `prompts/` hold them."""

from functools import cache
from importlib import resources


@cache
def load(name: str) -> str:
    """The text of `prompts/<name>.md`, without the last newline."""
    folder = resources.files("rlm_mcp.engine").joinpath("prompts")
    return folder.joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
