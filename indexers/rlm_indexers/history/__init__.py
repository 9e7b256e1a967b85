"""Past sessions of coding agents: found, brought into one form, redacted, with the place of every record kept."""

from rlm_indexers.history.agents import AGENTS, Places
from rlm_indexers.history.load import fetch

__all__ = ["AGENTS", "Places", "fetch"]
