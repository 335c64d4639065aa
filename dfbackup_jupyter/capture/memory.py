"""Who else can write to a frame's memory: the arrays of the namespace, and unknown holders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from dfbackup_jupyter.capture import pandas_internals as internals


class Memory:
    """The writable memory that arrays in a namespace lead to.

    Parameters
    ----------
    arrays : iterable of object
        NumPy and pandas arrays.
    """

    def __init__(self, arrays: Iterable[Any] = ()) -> None:
        self._arrays = tuple(arrays)

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def reaches(self, array: np.ndarray[Any, Any]) -> bool:
        """Whether one of the arrays can be used to write to the memory of `array`."""
        if not self._ranges or not array.size:
            return False
        low, high = np.lib.array_utils.byte_bounds(array)
        return any(start < high and low < stop for start, stop in self._ranges)

    @cached_property
    def views(self) -> Counter[int]:
        """How many of the arrays are read-only views, by the identity of what they are views of."""
        parts = {id(part): part for array in self._arrays for part in internals.buffers(array)}
        return Counter(
            id(part.base)
            for part in parts.values()
            if part.base is not None and not part.flags.writeable
        )

    @cached_property
    def _ranges(self) -> list[tuple[int, int]]:
        return [
            np.lib.array_utils.byte_bounds(part)
            for array in self._arrays
            for part in _parts(array)
            if part.size and part.flags.writeable
        ]


def _parts(array: Any) -> Iterable[np.ndarray[Any, Any]]:
    if getattr(array, "_readonly", False):
        return ()
    return internals.buffers(array)
