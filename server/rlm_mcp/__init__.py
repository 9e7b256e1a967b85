"""An MCP server that answers one question about a corpus, with citations it has checked."""

__all__ = ["__version__"]

__version__ = "0.1.0"
