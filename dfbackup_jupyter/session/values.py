"""Plain values, kept without a pickle, so that they come back from a file nobody vouches for."""

from __future__ import annotations

import math
from typing import Any

from dfbackup_jupyter.backup import JSON

_INLINE = 1024
_EXACT = 1 << 53  # whole numbers up to here survive every JSON reader


def encoded(value: object) -> tuple[JSON, bytes | None] | None:
    """Return an entry for a plain value, with its bytes when it is long; None for other objects."""
    kind = type(value)
    if value is None or isinstance(value, bool):
        return {"form": "json", "value": value}, None
    if isinstance(value, int) and kind is int:
        if abs(value) < _EXACT:
            return {"form": "json", "value": value}, None
        return {"form": "int", "value": hex(value)}, None
    if isinstance(value, float) and kind is float:
        if math.isfinite(value):
            return {"form": "json", "value": value}, None
        return {"form": "float", "value": repr(value)}, None
    if isinstance(value, str) and kind is str:
        if len(value) <= _INLINE:
            return {"form": "json", "value": value}, None
        return {"form": "text"}, value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes) and kind is bytes:
        return {"form": "bytes"}, value
    return None


def decoded(entry: JSON, data: Any) -> Any:
    """Return the value of an entry.

    Raises
    ------
    ValueError, TypeError, KeyError
        It is none that `encoded` gives.
    """
    match entry["form"]:
        case "json" if isinstance(entry["value"], (str, int, float, type(None))):
            return entry["value"]
        case "int":
            return int(entry["value"], 16)
        case "float":
            return float(entry["value"])
        case "text":
            return bytes(data).decode("utf-8", "surrogatepass")
        case "bytes":
            return bytes(data)
    raise ValueError("it is of no known form")


def same(a: object, b: object) -> bool:
    """Return whether two plain values are one value; NaN is, and 0.0 and -0.0 are not."""
    if isinstance(a, float) and isinstance(b, float):
        return a.hex() == b.hex()
    return type(a) is type(b) and a == b
