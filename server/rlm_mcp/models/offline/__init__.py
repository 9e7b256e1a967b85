"""The model that is none: finds by rule what a question's words point at, through the same loop as any other model."""

from rlm_mcp.models.offline.model import NAME, NoSubModel, OfflineModel

__all__ = ["NAME", "NoSubModel", "OfflineModel"]
