"""Where the store has what this session has written, also when it is no longer in memory."""

from __future__ import annotations

from collections import Counter, OrderedDict

from dfbackup_jupyter.row_deltas import Stored, indexer_of, parts_of
from dfbackup_jupyter.store import Blob

_BUDGET = 64 << 20  # bytes
_ENTRY = 500
_CHUNK = 120  # a name of 64 letters, and its place in a tuple

Key = tuple[int, int, int]


class Contents:
    """Finds bytes by their hash (xxh3 of 128 bits), such as those of a frame that was brought back.

    Without it, a restored frame would be cut, hashed and compared with all others once more. It
    takes up 64 MB at most, and forgets what was not met for longest.
    """

    def __init__(self) -> None:
        self._where: OrderedDict[Key, Stored] = OrderedDict()
        self._indexers: Counter[int] = Counter()
        self._size = 0

    def find(self, blob: Blob, digest: int) -> Stored | None:
        """Return where the content of a blob was stored, or None when that is not known.

        By now it may be gone.
        """
        key = _key(blob, digest)
        if key in self._where:
            self._where.move_to_end(key)
        return self._where.get(key)

    def add(self, blob: Blob, digest: int, stored: Stored) -> None:
        """Remember where the content of a blob is stored."""
        rows = indexer_of(stored)
        if rows is not None and rows.nbytes > _BUDGET // 2:
            return
        key = _key(blob, digest)
        self._forget(key)
        self._where[key] = stored
        self._size += _names(stored)
        if rows is not None:
            self._size += 0 if id(rows) in self._indexers else rows.nbytes
            self._indexers[id(rows)] += 1
        while self._size > _BUDGET:
            self._forget(next(iter(self._where)))

    def clear(self) -> None:
        """Forget everything."""
        self._where.clear()
        self._indexers.clear()
        self._size = 0

    def _forget(self, key: Key) -> None:
        stored = self._where.pop(key, None)
        if stored is None:
            return
        self._size -= _names(stored)
        if (rows := indexer_of(stored)) is not None:
            self._indexers[id(rows)] -= 1
            if not self._indexers[id(rows)]:
                del self._indexers[id(rows)]
                self._size -= rows.nbytes


def _key(blob: Blob, digest: int) -> Key:
    return digest, blob.nbytes, blob.itemsize


def _names(stored: Stored) -> int:
    return _ENTRY + _CHUNK * sum(len(part.chunks) for part in parts_of(stored))
