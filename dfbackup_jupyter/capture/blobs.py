"""Arrays as the bytes that a store reads piece by piece."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class ArrayBlob:
    """A one-dimensional numpy array, of any stride, whose memory is not copied as a whole."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self.itemsize = array.dtype.itemsize or 1
        self.nbytes = array.size * array.dtype.itemsize
        interface = array.__array_interface__
        self.key: Hashable | None = (
            interface["data"][0],
            array.strides,
            array.dtype.str,
            array.size,
        )

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop`` as contiguous memory."""
        part = self._array[start // self.itemsize : stop // self.itemsize]
        return memoryview(np.ascontiguousarray(part).view(np.uint8).data)


class OwnedBlob:
    """Bytes made for the occasion."""

    key: Hashable | None = None

    def __init__(self, data: bytes | memoryview | Array, itemsize: int = 1) -> None:
        buffer: Any = data
        self._data = memoryview(buffer).cast("B")
        self.itemsize = itemsize
        self.nbytes = self._data.nbytes

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop``."""
        return self._data[start:stop]


class PiecesBlob:
    """Arrays of one type, one after the other."""

    def __init__(self, pieces: list[Array]) -> None:
        self._blobs = [ArrayBlob(piece) for piece in pieces]
        self.itemsize = self._blobs[0].itemsize
        self.nbytes = sum(blob.nbytes for blob in self._blobs)
        self.key: Hashable | None = tuple(blob.key for blob in self._blobs)

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop`` as contiguous memory."""
        parts = []
        for blob in self._blobs:
            if start < blob.nbytes and stop > 0:
                parts.append(blob.read(max(start, 0), min(stop, blob.nbytes)))
            start, stop = start - blob.nbytes, stop - blob.nbytes
        return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
