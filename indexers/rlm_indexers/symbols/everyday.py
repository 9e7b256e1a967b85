"""Names that so many things have that using one says little about who defines it."""

BUILT_IN_MEMBERS = frozenset(
    name
    for kind in (dict, list, set, str, bytes, tuple, int, float, frozenset, object, BaseException, type)
    for name in dir(kind)
) | {"close", "read", "write", "open", "push", "then", "map", "filter", "forEach", "toString", "length", "equals"}
"""Members that things from outside have too: being the only one of that name in a corpus says nothing."""
