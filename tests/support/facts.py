"""A few documents in memory as a source of facts."""

from rlm_indexers.languages import language_of
from rlm_indexers.symbols import extract
from tests.support.facts_table import FactsTable


def facts_table(texts: dict[str, str]) -> FactsTable:
    """What `resolve` and the outline ask a store for."""
    languages = {document: language_of(document) for document in texts}
    facts = {document: extract(languages[document], text.encode()) for document, text in texts.items()}
    return FactsTable(languages, facts.__getitem__, texts=texts)
