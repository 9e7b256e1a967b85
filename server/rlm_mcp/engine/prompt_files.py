"""The prompts, as the files of `prompts/` hold them."""

import re
from functools import cache
from importlib import resources

SMALL = re.compile(r"(?<![a-z])(mini|nano|haiku|flash|lite|luna|small|tiny|8b|7b|4b|3b|1b|14b|gemma|phi)(?![a-z])")
"""Names of models that do better with recipes than with freedom."""


def root_for(model: str) -> str:
    """The root's prompt: that for small models when the name says that it is one."""
    return load("root_small" if SMALL.search(model.lower()) else "root")


@cache
def load(name: str) -> str:
    """The text of `prompts/<name>.md`, without the last newline."""
    folder = resources.files("rlm_mcp.engine").joinpath("prompts")
    return folder.joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
