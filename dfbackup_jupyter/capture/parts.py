"""What one encoding gathers, and what one decoding reads from."""

from __future__ import annotations

from typing import Any

import numpy as np

from dfbackup_jupyter.capture.base import NEEDS_TRUST, Blob, Read
from dfbackup_jupyter.capture.blobs import BytesBlob
from dfbackup_jupyter.errors import DamagedData

Node = dict[str, Any]


class Untrusted(Exception):
    """Data that only unpickling could bring back, and that is not trusted."""

    def __init__(self) -> None:
        super().__init__(NEEDS_TRUST)


class Parts:
    """The blobs of one encoding.

    Attributes
    ----------
    pickled : bool
        Whether anything was pickled since this was last set to False.
    """

    def __init__(self) -> None:
        self.blobs: list[Blob] = []
        self.pickled = False

    def add(self, *blobs: Blob) -> list[int]:
        """Keep blobs, and return their positions."""
        first = len(self.blobs)
        self.blobs += blobs
        return list(range(first, len(self.blobs)))

    def pickle(self, data: bytes) -> Node:
        """Keep pickled data, and return a node for it."""
        self.pickled = True
        key = ("pickle", id(data))
        return {"kind": "pickle", "blobs": self.add(BytesBlob(data, key))}


def unpickles(node: Any) -> bool:
    """Whether something has to be unpickled to read what a node describes."""
    if isinstance(node, dict):
        here = "pickle" in node or node.get("kind") == "pickle"
        return here or any(map(unpickles, node.values()))
    return isinstance(node, list) and any(map(unpickles, node))


class Source:
    """The blobs of one decoding.

    Parameters
    ----------
    read : callable
        Gives blob *i*.
    trust : bool
        Whether pickles may be loaded and classes imported.
    """

    def __init__(self, read: Read, *, trust: bool) -> None:
        self._read = read
        self.trust = trust
        self.warnings: list[str] = []

    def data(self, number: int) -> Any:
        """Return a blob's bytes."""
        return self._read(number)

    def array(
        self,
        number: int,
        dtype: Any,
        count: int | None = None,
        out: np.ndarray[Any, Any] | None = None,
    ) -> np.ndarray[Any, Any]:
        """Return a blob as a writable 1-D array: `out`, if that is given.

        Raises
        ------
        DamagedData
            It cannot be read, or is not of this length.
        """
        dtype = np.dtype(dtype)
        into = None if out is None or not dtype.itemsize else out.view(np.uint8).data
        data = memoryview(self._read(number, into)).cast("B")
        if dtype.hasobject:
            raise DamagedData("Objects are not stored as numbers.")
        if count is not None and data.nbytes != count * dtype.itemsize:
            raise DamagedData("A column is not as long as its frame.")
        if not dtype.itemsize:
            return np.zeros(count or 0, dtype)
        found = np.frombuffer(data, dtype)
        if out is None:
            return found.copy() if data.readonly else found
        if found.ctypes.data != out.ctypes.data:
            out[:] = found
        return out

    def lengths(self, number: int, count: int) -> np.ndarray[Any, Any]:
        """Return the lengths of strings: 32 bits each, or 64 where one of them is very long."""
        data = memoryview(self.data(number)).cast("B")
        dtype = np.dtype(np.int64 if count and data.nbytes == 8 * count else np.int32)
        if data.nbytes != count * dtype.itemsize:
            raise DamagedData("A column is not as long as its frame.")
        return np.frombuffer(data, dtype)
