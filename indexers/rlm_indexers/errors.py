"""What can go wrong between a source and an answer out of it.

IndexerError
├── SourceError          the source is not there, not readable, or not what was asked for
│   └── GitError         git refused, failed or took too long
├── CorpusNotFound       nothing loaded goes by this id or name
├── DocumentNotFound     the corpus holds no document with this id
├── SpanError            a span that its document does not have
├── PatternError         a pattern or query that cannot be searched for
└── PackError            a pack that cannot be written, or bytes that are not one

Every message says what happened, to which value, and what to try next: its first reader is a model that will retry.
"""


class IndexerError(Exception):
    """Base of every failure of this package."""


class SourceError(IndexerError):
    """A source that cannot be loaded: the message names it, why, and what would work."""


class GitError(SourceError):
    """git refused, failed or took too long; the message carries the last line it wrote."""


class CorpusNotFound(IndexerError):
    """Nothing loaded goes by this id or name; the message lists what is loaded."""


class DocumentNotFound(IndexerError):
    """The corpus holds no such document; the message offers the nearest ids."""


class SpanError(IndexerError):
    """A span outside its document; the message says how many lines the document has."""


class PatternError(IndexerError):
    """A pattern or query that cannot be searched for; the message says where it breaks."""


class PackError(IndexerError):
    """A pack that cannot be written as asked, or bytes that are no pack of ours."""
