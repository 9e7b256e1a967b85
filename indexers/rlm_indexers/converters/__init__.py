"""Documents that are not plain text to lines, each parsed in a process that may die of it."""
