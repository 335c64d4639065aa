"""The bytes of a frame, readable piece by piece without a copy of the whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

Rows = range | np.ndarray[Any, Any]
"""Positions of rows: arithmetic ones as a range, others as integers of 32 bits, or of 64."""

_X87_BYTES = 10
"""Of the 12 or 16 bytes of a long double on x86, so many carry the number."""


class BytesBlob:
    """Bytes in memory."""

    def __init__(self, data: bytes, key: Hashable | None = None) -> None:
        self.nbytes = len(data)
        self.itemsize = 1
        self.key = key
        self._data = memoryview(data)

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop``."""
        return self._data[start:stop]


class RowsBlob(ABC):
    """One item for each row of something.

    Attributes
    ----------
    rows : int
        How many there are.
    lengths : RowsBlob or None
        The bytes of each item, where they are not all as many.
    """

    nbytes: int
    itemsize: int
    key: Hashable | None
    rows: int
    lengths: RowsBlob | None = None

    @abstractmethod
    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop``, which lie between items."""

    @abstractmethod
    def take(self, rows: Rows) -> memoryview:
        """Return the bytes of the items of some rows, without the GIL for the most part."""


class ArrayBlob(RowsBlob):
    """The values of a 1-D NumPy array without objects; strided ones are copied slice by slice."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.rows = len(array)
        self.nbytes = array.nbytes
        self.itemsize = max(array.itemsize, 1)
        self.key: Hashable | None = memory_key(array)
        self.array = array

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop``, which lie between items."""
        return _bytes(self.array[start // self.itemsize : stop // self.itemsize])

    def take(self, rows: Rows) -> memoryview:
        """Return the bytes of the items of some rows."""
        return _bytes(
            self.array[as_slice(rows)] if isinstance(rows, range) else self.array.take(rows)
        )


class PiecesBlob:
    """Bytes that are made piece by piece, as they are read.

    Parameters
    ----------
    sizes : sequence of int
        Bytes of each piece.
    piece : callable
        Makes piece *i*.
    itemsize : int
        Bytes per item.
    key : Hashable or None
        Identity of the memory that the pieces are made of.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        piece: Callable[[int], Any],
        *,
        itemsize: int = 1,
        key: Hashable | None = None,
    ) -> None:
        self._starts = [0, *np.cumsum(sizes, dtype=np.int64).tolist()]
        self.nbytes = self._starts[-1]
        self.itemsize = itemsize
        self.key = key
        self._piece = piece
        self._open: tuple[int, memoryview] | None = None

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop``."""
        parts = []
        number = bisect_right(self._starts, start) - 1
        while start < stop:
            piece = self._read_piece(number)
            first = self._starts[number]
            parts.append(piece[start - first : stop - first])
            number += 1
            start = self._starts[number]
            # Kept while it is read in part, and no longer.
            self._open = (number - 1, piece) if stop < start else None
        return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))

    def _read_piece(self, number: int) -> memoryview:
        last = self._open
        if last is not None and last[0] == number:
            return last[1]
        return memoryview(self._piece(number)).cast("B")


class RowPiecesBlob(PiecesBlob, RowsBlob):
    """Items that are made as they are read, one for each row.

    Parameters
    ----------
    sizes, piece, itemsize, key
        As of `PiecesBlob`.
    rows : int
        How many items there are.
    take : callable
        Makes the items of some rows.
    lengths : RowPiecesBlob, optional
        The bytes of each item, unless that is `itemsize`.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        piece: Callable[[int], Any],
        rows: int,
        take: Callable[[Rows], Any],
        *,
        itemsize: int = 1,
        lengths: RowPiecesBlob | None = None,
        key: Hashable | None = None,
    ) -> None:
        super().__init__(sizes, piece, itemsize=itemsize, key=key)
        self.rows = rows
        self.lengths = lengths
        self._take = take

    def take(self, rows: Rows) -> memoryview:
        """Return the bytes of the items of some rows."""
        return memoryview(self._take(rows)).cast("B")


def memory_key(array: np.ndarray[Any, Any]) -> Hashable:
    """Return what tells the memory of an array from all other living memory."""
    start = array.__array_interface__["data"][0]
    return "array", start, array.strides, array.shape, array.dtype.str


def as_slice(rows: range) -> slice:
    """Return the slice that gives the items at these positions, none of which is negative."""
    return slice(rows.start, rows.stop if rows.stop >= 0 else None, rows.step)


def _bytes(items: np.ndarray[Any, Any]) -> memoryview:
    data = np.ascontiguousarray(items).view(np.uint8)
    if items.dtype.kind in "fc" and np.dtype(np.longdouble).itemsize > _X87_BYTES > 8:
        data = _without_padding(data, items.dtype)
    return data.data


def _without_padding(data: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    width = np.dtype(np.longdouble).itemsize
    if dtype.type not in (np.longdouble, np.clongdouble):
        return data
    clean = data.reshape(-1, width).copy()
    clean[:, _X87_BYTES:] = 0
    return clean.reshape(-1)
