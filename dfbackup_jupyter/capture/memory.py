"""Who else can write to a frame's memory: the arrays of the namespace, and unknown holders."""

from __future__ import annotations

from collections.abc import Iterable
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
        self._ranges: list[tuple[int, int]] | None = None

    def __bool__(self) -> bool:
        return bool(self._writable())

    def reaches(self, array: np.ndarray[Any, Any]) -> bool:
        """Whether one of the arrays can be used to write to the memory of `array`."""
        ranges = self._writable()
        if not ranges or not array.size:
            return False
        low, high = np.lib.array_utils.byte_bounds(array)
        return any(start < high and low < stop for start, stop in ranges)

    def _writable(self) -> list[tuple[int, int]]:
        if self._ranges is None:
            self._ranges = [
                np.lib.array_utils.byte_bounds(part)
                for array in self._arrays
                for part in _parts(array)
                if part.size and part.flags.writeable
            ]
        return self._ranges


def _parts(array: Any) -> Iterable[np.ndarray[Any, Any]]:
    if getattr(array, "_readonly", False):
        return ()
    return internals.buffers(array)
