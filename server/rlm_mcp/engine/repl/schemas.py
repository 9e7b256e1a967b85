"""Whether a value fits a JSON schema, as far as sub-models are asked to keep one.

Runs inside the sandbox; standard library only.
"""

import itertools
from typing import Any

_TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def misfit(value: Any, schema: Any) -> str:
    """Why a value does not fit a JSON schema (type, enum, properties, required, items), or nothing."""
    if not isinstance(schema, dict):
        return ""
    if "enum" in schema and value not in schema["enum"]:
        return f"{str(value)[:80]!r} is none of {schema['enum']}"
    wanted = schema.get("type")
    if isinstance(wanted, str) and not _is_type(value, wanted):
        return f"{str(value)[:80]!r} is no {wanted}"
    if isinstance(value, dict):
        missing = [name for name in schema.get("required", ()) if name not in value]
        inner = ((value[n], s) for n, s in schema.get("properties", {}).items() if n in value)
        return f"{missing[0]} is missing" if missing else next(filter(None, itertools.starmap(misfit, inner)), "")
    if isinstance(value, list):
        return next(filter(None, (misfit(each, schema.get("items")) for each in value)), "")
    return ""


def _is_type(value: Any, name: str) -> bool:
    if isinstance(value, bool) and name in ("integer", "number"):
        return False
    return isinstance(value, _TYPES.get(name, object))
