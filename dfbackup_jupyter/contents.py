"""Where the store has what this session has written, also when it is no longer in memory."""

from __future__ import annotations

import numpy as np

from dfbackup_jupyter.row_deltas import Indexer, Selected, Stored
from dfbackup_jupyter.store import Blob, BlobRef

_MOST = 10_000  # blobs
_INDEXERS = 64 << 20  # bytes of their rows

Key = tuple[int, int, int]


class Contents:
    """Finds bytes by their hash (xxh3 of 128 bits), such as those of a frame that was brought back.

    Without it, a restored frame would be cut, hashed and compared with all others once more. What
    has not been met for longest is forgotten: then that is done.
    """

    def __init__(self) -> None:
        self._plain: dict[Key, BlobRef] = {}
        self._selected: dict[Indexer, dict[Key, Selected]] = {}

    def find(self, blob: Blob, digest: int) -> Stored | None:
        """Return where the content of a blob is stored, or None when that is not known.

        What is returned may be gone by now: whoever adopts it finds out.
        """
        key = _key(blob, digest)
        if plain := self._plain.get(key):
            return plain
        return next((known[key] for known in self._selected.values() if key in known), None)

    def add(self, blob: Blob, digest: int, stored: Stored) -> None:
        """Remember where the content of a blob is stored."""
        key = _key(blob, digest)
        if isinstance(stored, BlobRef):
            self._plain.pop(key, None)
            self._plain[key] = stored
            if len(self._plain) > _MOST:
                del self._plain[next(iter(self._plain))]
        else:
            self._selected.setdefault(stored.rows, {})[key] = stored
            while sum(map(_size, self._selected)) > _INDEXERS:
                del self._selected[next(iter(self._selected))]

    def clear(self) -> None:
        """Forget everything, as some of it is gone."""
        self._plain.clear()
        self._selected.clear()


def _key(blob: Blob, digest: int) -> Key:
    return digest, blob.nbytes, blob.itemsize


def _size(indexer: Indexer) -> int:
    return indexer.rows.nbytes if isinstance(indexer.rows, np.ndarray) else 0
