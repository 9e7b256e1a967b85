"""One file with all text of a corpus, its documents, lines and symbols: written once, mapped and read in place."""
