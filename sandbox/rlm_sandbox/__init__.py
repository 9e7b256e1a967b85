"""Runs untrusted Python over bytes. Knows no corpus, no model, no MCP."""
