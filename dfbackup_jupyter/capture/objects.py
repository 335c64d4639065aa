"""Object columns: exact at close to C speed where the values allow it, pickled otherwise.

Every value gets a one-byte tag, and the values of each type go into an array of their own: floats
into float64, strings into lengths and bytes. Whoever holds anything else is pickled as a whole.
"""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd

from dfbackup_jupyter.capture.atoms import NotTrusted
from dfbackup_jupyter.capture.base import JSON, Read
from dfbackup_jupyter.capture.blobs import Array, OwnedBlob

_NONE, _TRUE, _FALSE, _NA, _NAT, _FLOAT, _INT, _BIG, _STR, _BYTES, _DECIMAL, _DATE = range(12)
_CONSTANTS: dict[int, Any] = {_NONE: None, _TRUE: True, _FALSE: False, _NA: pd.NA, _NAT: pd.NaT}
_TAGS = {
    type(None): _NONE,
    type(pd.NA): _NA,
    type(pd.NaT): _NAT,
    float: _FLOAT,
    int: _INT,
    str: _STR,
    bytes: _BYTES,
    decimal.Decimal: _DECIMAL,
    dt.date: _DATE,
}
_IMMUTABLE = frozenset(
    {*_TAGS, bool, complex, dt.time, dt.timedelta, pd.Timestamp, pd.Timedelta, pd.Period}
    | {pd.Interval, uuid.UUID, range, type, np.bool_, np.str_, np.bytes_}
    | {np.dtype(code).type for code in "bBhHiIlLqQefdgFDGMm"}
)
_INT64 = range(-(2**63), 2**63)


def mutable(values: Array) -> bool:
    """Whether an object array holds values that can change in place."""
    return not all(
        kind in _IMMUTABLE or _frozen(values, kind) for kind in set(map(type, values.ravel()))
    )


def _frozen(values: Array, kind: type) -> bool:
    if kind is dt.datetime:
        return True
    if kind in (tuple, frozenset):
        return all(
            type(item) in _IMMUTABLE
            for value in values.ravel()
            if type(value) is kind
            for item in value
        )
    return False


def encode(values: Array, add: Callable[[OwnedBlob], int]) -> JSON:
    """Return the description of an object array; its bytes go to `add`.

    Raises
    ------
    Exception
        Whatever pickling raises.
    """
    items = values.tolist()
    if set(map(type, items)) <= {*_TAGS, bool}:
        return _encode_tagged(items, add)
    return {
        "kind": "pickle",
        "length": len(items),
        "blob": add(OwnedBlob(pickled(values))),
    }


def pickled(values: Any) -> bytes:
    """Return an array as a pickle; raises whatever pickling raises."""
    return cloudpickle.dumps(values, protocol=5)  # type: ignore[no-any-return]


def unpickled(data: bytes | memoryview) -> Any:
    """Return the array of a pickle. It can run any code."""
    return cloudpickle.loads(data)


def _encode_tagged(items: list[Any], add: Callable[[OwnedBlob], int]) -> JSON:
    tags = np.fromiter((_tag(item) for item in items), np.uint8, len(items))
    parts: dict[str, JSON] = {}
    for tag in np.unique(tags).tolist():
        if tag in _CONSTANTS:
            continue
        chosen = [item for item in items if _tag(item) == tag]
        if tag == _FLOAT:
            parts[str(tag)] = [add(OwnedBlob(np.array(chosen, "<f8"), 8))]
        elif tag == _INT:
            parts[str(tag)] = [add(OwnedBlob(np.array(chosen, "<i8"), 8))]
        else:
            texts = [_bytes(item) for item in chosen]
            lengths = np.fromiter(map(len, texts), "<u4", len(texts))
            parts[str(tag)] = [add(OwnedBlob(lengths, 4)), add(OwnedBlob(b"".join(texts)))]
    return {
        "kind": "object",
        "length": len(items),
        "tags": add(OwnedBlob(tags)),
        "parts": parts,
    }


def _tag(item: Any) -> int:
    kind = type(item)
    if kind is bool:
        return _TRUE if item else _FALSE
    if kind is int and item not in _INT64:
        return _BIG
    return _TAGS[kind]


def _bytes(item: Any) -> bytes:
    if isinstance(item, bytes):
        return item
    text = item.isoformat() if type(item) is dt.date else str(item)
    return text.encode("utf-8", "surrogatepass")


_FROM_TEXT: dict[int, Callable[[bytes], Any]] = {
    _STR: lambda data: data.decode("utf-8", "surrogatepass"),
    _BYTES: lambda data: data,
    _BIG: lambda data: int(data),
    _DECIMAL: lambda data: decimal.Decimal(data.decode()),
    _DATE: lambda data: dt.date.fromisoformat(data.decode()),
}


def decode(meta: JSON, read: Read, *, trust: bool) -> Array:
    """Rebuild an object array.

    Raises
    ------
    NotTrusted
        Only unpickling could read it.
    """
    if meta["kind"] == "pickle":
        if not trust:
            raise NotTrusted
        found: Array = unpickled(read(meta["blob"]))
        return found
    tags = np.frombuffer(read(meta["tags"]), np.uint8)
    values = np.empty(meta["length"], object)
    for tag, constant in _CONSTANTS.items():
        values[tags == tag] = constant
    for text, blobs in meta["parts"].items():
        tag = int(text)
        places = np.flatnonzero(tags == tag)
        items = _items(tag, blobs, read)
        for place, item in zip(places.tolist(), items, strict=True):
            values[place] = item
    return values


def _items(tag: int, blobs: list[int], read: Read) -> list[Any]:
    if tag in (_FLOAT, _INT):
        numbers = np.frombuffer(read(blobs[0]), "<f8" if tag == _FLOAT else "<i8")
        return list(numbers.tolist())
    lengths = np.frombuffer(read(blobs[0]), "<u4")
    data = bytes(read(blobs[1]))
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    make = _FROM_TEXT[tag]
    return [make(data[s:e]) for s, e in zip([0, *ends[:-1]], ends, strict=True)]
