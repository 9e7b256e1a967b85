"""The program inside: standard library only, the same text in every provider. `boot.py` starts it."""
