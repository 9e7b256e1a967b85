"""Asking git, so that nothing an untrusted checkout configures, names or borrows is obeyed."""
