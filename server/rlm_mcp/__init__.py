"""An MCP server that answers one question about a corpus, with citations it has checked."""
