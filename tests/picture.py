"""Deep, exact pictures of frames, made with none of our own code.

A picture is text, so nothing that happens to a frame later can change it.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np
import pandas as pd

NOT_THE_USERS = re.compile(r"_+[\d]*|_i+\d*|__.*|_[oid]h|In|Out")
"""IPython's own names, among them the history of results."""


def picture(frame: pd.DataFrame | pd.Series) -> str:
    """All that one can tell of a frame: types, labels, values to the bit, attrs, flags."""
    parts = [
        type(frame).__qualname__,
        labels(frame.index),
        repr(frame.attrs),
        repr(frame.flags.allows_duplicate_labels),
        repr([(name, getattr(frame, name, None)) for name in type(frame)._metadata]),
    ]
    if isinstance(frame, pd.Series):
        parts.append(column(frame.array))
    else:
        parts.append(labels(frame.columns))
        parts += [column(frame.iloc[:, i].array) for i in range(frame.shape[1])]
    return "\n".join(parts)


def labels(index: pd.Index) -> str:
    """All that one can tell of an index."""
    parts = [type(index).__name__, repr(list(index.names)), repr(getattr(index, "freq", None))]
    if isinstance(index, pd.MultiIndex):
        parts += [column(index.get_level_values(i).array) for i in range(index.nlevels)]
    else:
        parts.append(column(index.array))
    return " ".join(parts)


def column(values: Any) -> str:
    """The dtype and every value of a column."""
    dtype = values.dtype
    kind = repr(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        kind += column(dtype.categories.array)
        return f"{kind} {values.codes.tolist()}"
    if isinstance(dtype, np.dtype) and not dtype.hasobject:
        return f"{kind} {np.ascontiguousarray(values.to_numpy()).tobytes().hex()}"
    if not isinstance(dtype, np.dtype):
        return f"{kind} {values.astype(object).tolist()}"
    return f"{kind} {[(type(value).__name__, plain(value)) for value in values]}"


def plain(value: Any) -> str:
    """A value as text, the same for equal values in any process."""
    return repr(vars(value)) if hasattr(value, "__dict__") and vars(value) else repr(value)


def album(namespace: dict[str, Any]) -> dict[str, str]:
    """Pictures of every frame in a namespace by place, and which places are one object."""
    found: dict[str, Any] = {}
    for name, value in list(namespace.items()):
        if not NOT_THE_USERS.fullmatch(name):
            collect(name, value, found, 4)
    same: dict[int, list[str]] = {}
    for place, frame in found.items():
        same.setdefault(id(frame), []).append(place)
    groups = sorted(sorted(group) for group in same.values() if len(group) > 1)
    return {"aliases": repr(groups)} | {place: picture(frame) for place, frame in found.items()}


def collect(place: str, value: Any, found: dict[str, Any], depth: int) -> None:
    """Add the frames at or below a place."""
    if isinstance(value, (pd.DataFrame, pd.Series)):
        found[place] = value
    elif depth and isinstance(value, dict):
        for key, inner in value.items():
            collect(f"{place}[{key!r}]", inner, found, depth - 1)
    elif depth and isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            collect(f"{place}[{i}]", inner, found, depth - 1)
    elif depth and type(value).__module__ in ("__main__", "types") and not callable(value):
        for name, inner in getattr(value, "__dict__", {}).items():
            collect(f"{place}.{name}", inner, found, depth - 1)


def digests(namespace: dict[str, Any]) -> dict[str, str]:
    """An `album` of short fingerprints, for large frames and other processes."""
    return {
        place: hashlib.sha256(image.encode("utf-8", "surrogatepass")).hexdigest()
        for place, image in album(namespace).items()
    }
