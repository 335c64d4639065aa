"""What the store's tests share: blobs, and puts and reads in one line."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dfbackup_jupyter.store import Blob, BlobRef, ObjectRef, Store


class Bytes:
    """A blob of bytes in memory."""

    def __init__(self, data: Any, itemsize: int = 1, key: Hashable | None = None) -> None:
        if isinstance(data, np.ndarray):
            itemsize, data = data.dtype.itemsize, data.tobytes()
        self.data = memoryview(data).cast("B") if len(data) else memoryview(b"")
        self.nbytes = len(data)
        self.itemsize = itemsize
        self.key = key
        self.reads = 0

    def read(self, start: int, stop: int) -> memoryview:
        assert start % self.itemsize == 0
        assert stop % self.itemsize == 0
        self.reads += 1
        return self.data[start:stop]


def random_bytes(size: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def put(store: Store, meta: Any, blobs: Sequence[Blob | BlobRef | bytes]) -> ObjectRef:
    with store.write() as writer:
        return writer.put(meta, [Bytes(b) if isinstance(b, bytes) else b for b in blobs])


def publish(store: Store, id: str, *refs: ObjectRef, **more: Any) -> None:
    objects = {ref.hash: sorted(ref.packs) for ref in refs}
    store.publish({"id": id, "objects": objects, **more})


def save(store: Store, id: str, *blobs: bytes) -> ObjectRef:
    """Put the blobs as one object and publish a manifest that names it."""
    ref = put(store, {"of": id}, blobs)
    publish(store, id, ref)
    return ref


def load(store: Store, id: str) -> list[bytes]:
    """All blobs of a backup's objects."""
    found = []
    for hash, packs in store.manifest(id)["objects"].items():
        stored = store.read(hash, packs)
        found += [bytes(stored.read(i)) for i in range(len(stored.blobs))]
    return found


def files(root: Path) -> dict[str, bytes]:
    """Every file of a store."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
