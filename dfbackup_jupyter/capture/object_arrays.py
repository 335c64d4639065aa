"""Columns of Python objects as data: one stream for each class of object, no pickle.

A column of strings and None, say, becomes a byte per row that tells the class, and the strings.
What has no such form is pickled, and flagged.
"""

from __future__ import annotations

import datetime
import json
import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from dfbackup_jupyter.capture import plain, strings
from dfbackup_jupyter.capture.blobs import ArrayBlob
from dfbackup_jupyter.capture.objects import pickled
from dfbackup_jupyter.capture.parts import Node, Parts, Source, Untrusted
from dfbackup_jupyter.errors import DamagedData

Array = np.ndarray[Any, Any]

_NAN = np.array([np.nan]).view(np.uint64)[0]
_CONSTANTS: dict[str, Any] = {"None": None, "NaT": pd.NaT, "NA": pd.NA}
_CONSTANT_OF = {type(value): name for name, value in _CONSTANTS.items()}
_NUMBERS: dict[type, tuple[str, str]] = {
    bool: ("bool", "|b1"),
    float: ("float", "<f8"),
    int: ("int", "<i8"),
    complex: ("complex", "<c16"),
    datetime.date: ("date", "<M8[D]"),
}
_DTYPES = dict(_NUMBERS.values())


def encode_objects(values: Array, parts: Parts) -> Node:
    """Describe a 1-D array of objects; what cannot be described is pickled.

    Raises
    ------
    Exception
        Pickling failed; whatever the objects' own code raised.
    """
    kinds = list(set(map(type, values)))
    names = [_name(kind) for kind in kinds]
    order = sorted(set(names))
    start = len(parts.blobs)
    try:
        if len(order) <= 1:
            streams = [_stream(name, values, parts) for name in order]
            return {"kind": "object", "rows": len(values), "streams": streams}
        code = {kind: order.index(name) for kind, name in zip(kinds, names, strict=True)}
        tags = np.fromiter(map(code.__getitem__, map(type, values)), np.uint8, len(values))
        return {
            "kind": "object",
            "rows": len(values),
            "tags": parts.add(ArrayBlob(tags))[0],
            "streams": [_stream(name, values[tags == i], parts) for i, name in enumerate(order)],
        }
    except (plain.NotPlain, RecursionError):
        del parts.blobs[start:]
        return parts.pickle(pickled(values))


def decode_objects(node: Node, source: Source) -> Array:
    """Build the array that was described.

    Raises
    ------
    Untrusted
        It was pickled, and the source is not trusted.
    DamagedData
        It cannot be read.
    """
    if node["kind"] == "pickle":
        if not source.trust:
            raise Untrusted
        return pickle.loads(source.data(node["blobs"][0]))  # type: ignore[no-any-return]
    rows, streams = node["rows"], node["streams"]
    found = np.empty(rows, dtype=object)
    if "tags" not in node:
        if streams:
            found[:] = _read(streams[0], rows, source)
        return found
    tags = source.array(node["tags"], np.uint8, rows)
    if rows and int(tags.max()) >= len(streams):
        raise DamagedData("A column holds objects of an unknown class.")
    for i, stream in enumerate(streams):
        places = tags == i
        found[places] = _read(stream, int(places.sum()), source)
    return found


def _name(kind: type) -> str:
    if kind in _CONSTANT_OF:
        return _CONSTANT_OF[kind]
    if kind in _NUMBERS:
        return _NUMBERS[kind][0]
    return {str: "str", bytes: "bytes", Decimal: "Decimal"}.get(kind, "plain")


def _stream(name: str, values: Array, parts: Parts) -> Node:
    if name in _CONSTANTS:
        return {"of": name}
    if name in ("str", "bytes"):
        blobs = strings.object_blobs(values, binary=name == "bytes")
        return {"of": name, "blobs": parts.add(*blobs)}
    if name in _DTYPES:
        try:
            return {"of": name, "blobs": parts.add(ArrayBlob(values.astype(_DTYPES[name])))}
        except OverflowError:
            name = "bigint"
    text = np.fromiter(map(_WRITERS[name], values), dtype=object, count=len(values))
    return {"of": name, "blobs": parts.add(*strings.object_blobs(text))}


def _read(stream: Node, rows: int, source: Source) -> Any:
    name = stream["of"]
    if name in _CONSTANTS:
        return _filled(_CONSTANTS[name], rows)
    blobs = stream["blobs"]
    if name in _DTYPES:
        numbers = source.array(blobs[0], _DTYPES[name], rows)
        found = numbers.astype(object)
        if name == "float":
            found[numbers.view(np.uint64) == _NAN] = np.nan
        return found
    lengths = source.lengths(blobs[0], rows)
    text = strings.to_objects(lengths, source.data(blobs[1]), binary=name == "bytes", missing=None)
    if name in ("str", "bytes"):
        return text
    try:
        return np.fromiter(map(_READERS[name], text), dtype=object, count=rows)
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise DamagedData("A column holds objects that cannot be read.") from error


def _filled(value: Any, rows: int) -> Array:
    found = np.empty(rows, dtype=object)
    found.fill(value)
    return found


def _from_plain(text: str) -> Any:
    return plain.from_json(json.loads(text))


_WRITERS: dict[str, Callable[[Any], str]] = {
    "bigint": lambda value: format(value, "x"),
    "Decimal": str,
    "plain": lambda value: json.dumps(plain.to_json(value), separators=(",", ":")),
}
_READERS: dict[str, Callable[[str], Any]] = {
    "bigint": lambda text: int(text, 16),
    "Decimal": Decimal,
    "plain": _from_plain,
}
