"""What cells see: modules loaded into the sandbox as source text. Standard library only, and each other."""
