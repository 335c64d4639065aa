"""What the store stores: runs of equal-sized items that can be read piece by piece."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol, runtime_checkable


@runtime_checkable
class Blob(Protocol):
    """Bytes that the store can cut into chunks without holding all of them.

    Attributes
    ----------
    nbytes : int
        Length in bytes; a multiple of `itemsize`.
    itemsize : int
        Bytes per item (8 for float64, 1 for opaque bytes). Chunks are cut between items, and the
        byte-shuffle codec uses it.
    key : Hashable or None
        Identity of the memory behind the blob. Two blobs that are alive at the same time and have
        equal keys have the same bytes. None: never the same.
    """

    nbytes: int
    itemsize: int
    key: Hashable | None

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop`` (multiples of `itemsize`) as contiguous memory."""
        ...
