"""How text and questions become words: identifiers are split at underscores and capitals, on both sides alike."""

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_HUMP = re.compile(r"[A-Z](?<=[a-z0-9].)")
"""A capital after a small letter; it looks back, since a search for capitals skips most of a text."""
_WORD = re.compile(r"[^\W_]+")
STOPWORDS = frozenset(
    (
        *("a", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do", "does", "for"),
        *("from", "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "of", "on", "or", "our"),
        *("should", "so", "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they"),
        *("this", "those", "to", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with"),
        *("would", "you", "your"),
    )
)


def split_identifiers(text: str) -> str:
    """The text with a blank at each hump of a camelCase word."""
    return _HUMP.sub(_spaced, text)


def _spaced(capital: re.Match[str]) -> str:
    return " " + capital[0]


def words(text: str) -> list[str]:
    """The words of a question or name, in lower case, in order, with repetitions."""
    return [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text))]


def asked(question: str) -> list[str]:
    """The words that a question turns on, each once; all of them when it has nothing but small ones."""
    found = list(dict.fromkeys(words(question)))
    return [word for word in found if word not in STOPWORDS] or found
