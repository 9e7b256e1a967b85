"""What must be the same for the same files to give the same documents."""

import hashlib

from rlm_indexers.converters.base import VERSIONS
from rlm_indexers.repo import content

FOLDER = 1
"""Raise it when a folder of documents gives other documents; the converters have numbers of their own."""


def documents() -> str:
    """One short text: kept in a pack, so that the next load knows what it may take over."""
    return hashlib.sha256(repr((content.VERSION, FOLDER, sorted(VERSIONS.items()))).encode()).hexdigest()[:12]
