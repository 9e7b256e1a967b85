"""The recursive loop: from a question and a corpus to an answer whose citations were checked."""
