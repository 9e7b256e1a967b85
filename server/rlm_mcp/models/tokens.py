"""How many tokens a text will be, roughly and quickly: an upper-ish guess for budgets, never for bills.

Real tokenizers cost seconds to load and megabytes to hold, differ per model, and some are fetched over the network at
first use. UTF-8 bytes divided by three is above the truth for code (4.0 to 4.6 bytes per token, cl100k), for JSON (3.4
to 3.8) and for prose dense with figures (3.1 to 3.7); below it for lists of hashes (1.9). What a call really cost is
what its `usage` says.
"""

from rlm_mcp.models.base import Message

BYTES_PER_TOKEN = 3
PER_MESSAGE = 8
"""Tokens that providers wrap around each message."""


def estimate_tokens(text: str) -> int:
    """Tokens of this text, guessed upward."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def estimate_messages(messages: tuple[Message, ...]) -> int:
    """Tokens of a conversation, guessed upward."""
    return sum(estimate_tokens(message.content) + PER_MESSAGE for message in messages)
