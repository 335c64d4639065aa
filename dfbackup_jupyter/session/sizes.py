"""A guess at how many bytes an object will take when it is pickled, without pickling it."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Collection
from itertools import islice
from typing import Any

_DEPTH = 3
_SAMPLE = 8


def guess(value: Any, known: Collection[int] = (), *, depth: int = _DEPTH) -> int:
    """Return a rough size in bytes, in microseconds; containers are judged by a few items.

    Parameters
    ----------
    value : object
        Anything; whatever it raises when looked at, this does not.
    known : collection of int
        Identities of objects that are only referred to.
    """
    try:
        return _guess(value, known, depth)
    except Exception:
        return 0


def _guess(value: Any, known: Collection[int], depth: int) -> int:
    if id(value) in known:
        return 0
    kind = type(value)
    if kind in (str, bytes, bytearray):
        return len(value)
    if hasattr(kind, "nbytes"):  # numpy, PyTorch, xarray and the like
        return int(value.nbytes)
    if hasattr(kind, "memory_usage"):  # pandas
        usage = value.memory_usage()
        return int(usage if isinstance(usage, int) else usage.sum())
    if not depth:
        return sys.getsizeof(value)
    if issubclass(kind, dict):
        return _items(value.keys(), known, depth) + _items(value.values(), known, depth)
    if issubclass(kind, (list, tuple, set, frozenset, deque)):
        return _items(value, known, depth)
    if isinstance(fields := getattr(value, "__dict__", None), dict):
        return sys.getsizeof(value) + sum(_guess(v, known, depth - 1) for v in fields.values())
    return sys.getsizeof(value)


def _items(items: Collection[Any], known: Collection[int], depth: int) -> int:
    sample = [_guess(item, known, depth - 1) for item in islice(items, _SAMPLE)]
    return len(items) * (8 + sum(sample) // len(sample)) if sample else 0
