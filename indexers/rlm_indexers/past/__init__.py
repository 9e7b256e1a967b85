"""The history of a repository as evidence: commits, blame and differences, each a text that can be cited."""
