"""Sources (repositories, folders, histories) to corpora. Knows no model, no MCP, no sandbox."""
