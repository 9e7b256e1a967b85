"""Arguments of host calls, checked one by one: they come from code that may be hostile."""

from typing import Any

from rlm_sandbox.base import HostCallError

JSON = Any
Arguments = dict[str, JSON]


def text(arguments: Arguments, name: str, limit: int) -> str:
    """A str of at most `limit` characters."""
    value = arguments.get(name)
    if not isinstance(value, str):
        raise _bad(name, "text", value)
    if len(value) > limit:
        raise HostCallError("too-large", f"{name} has {len(value):,} characters; at most {limit:,} may pass")
    return value.encode("utf-8", "replace").decode("utf-8")


def optional_text(arguments: Arguments, name: str, limit: int) -> str | None:
    return None if arguments.get(name) is None else text(arguments, name, limit)


def integer(arguments: Arguments, name: str, *, low: int, high: int) -> int:
    """An int, moved into its bounds."""
    value = arguments.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad(name, "a whole number", value)
    return max(low, min(high, value))


def flag(arguments: Arguments, name: str) -> bool:
    value = arguments.get(name, False)
    if not isinstance(value, bool):
        raise _bad(name, "True or False", value)
    return value


def texts(arguments: Arguments, name: str, *, count: int, limit: int) -> list[str]:
    """A list of at most `count` texts."""
    value = arguments.get(name)
    if not isinstance(value, list):
        raise _bad(name, "a list of texts", value)
    if len(value) > count:
        raise HostCallError("too-many", f"{name} holds {len(value):,} texts; at most {count:,} may pass")
    return [text({name: item}, name, limit) for item in value]


def schema(arguments: Arguments, name: str) -> dict[str, JSON] | None:
    """A JSON schema, or None. Its size is what matters; its sense is the provider's to judge."""
    value = arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, dict) or len(str(value)) > 20_000:
        raise _bad(name, "a JSON schema of at most 20,000 characters", value)
    return value


def places(value: JSON) -> list[list[JSON]] | None:
    """Spans as [[document, start, end], …], or None for the whole corpus."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > 10_000:
        raise _bad("spans", "a list of at most 10,000 spans", value)
    for place in value:
        fits = isinstance(place, list) and len(place) == 3 and isinstance(place[0], str)
        if not fits or not all(isinstance(line, int) and 0 < line < 2**40 for line in place[1:]):
            raise _bad("spans", "[document, start, end] each", place)
    return value


def _bad(name: str, wanted: str, value: JSON) -> HostCallError:
    return HostCallError("bad-argument", f"{name} should be {wanted}, and is {type(value).__name__}")
