"""What the tests of capture share."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from dfbackup_jupyter import capture
from dfbackup_jupyter.capture.base import Decoded, Encoded, Snapshot
from dfbackup_jupyter.errors import DamagedData


class Stored:
    """A frame as a store would keep it: JSON text and bytes."""

    def __init__(self, frame: Any) -> None:
        source = frame if isinstance(frame, Snapshot) else capture.snapshot(frame)
        self.encoded: Encoded = source.encode()
        self.meta = json.dumps(self.encoded.meta, sort_keys=True, allow_nan=False)
        self.blobs = [in_slices(blob) for blob in self.encoded.blobs]

    def read(self, *, trust: bool = True, broken: Collection[int] = ()) -> Decoded:
        """Read the frame back, with some blobs damaged."""

        def read(i: int, into: memoryview | None = None) -> memoryview | bytearray:
            if i in broken:
                raise DamagedData(f"Blob {i} is damaged.")
            if into is None or i % 2 or into.nbytes != len(self.blobs[i]):
                return bytearray(self.blobs[i])
            into[:] = self.blobs[i]  # what is wanted somewhere may be put there
            return into

        return capture.decode(json.loads(self.meta), read, trust=trust)

    @property
    def content(self) -> tuple[str, list[bytes]]:
        """All that is stored."""
        return self.meta, self.blobs


def in_slices(blob: Any) -> bytes:
    """Read a blob in slices, and check that they are the whole."""
    step = max(5, blob.nbytes // blob.itemsize // 50) * blob.itemsize
    parts = []
    for start in range(0, blob.nbytes, step):
        part = blob.read(start, min(start + step, blob.nbytes))
        assert part.contiguous
        parts.append(bytes(part))
    found = b"".join(parts)
    assert len(found) == blob.nbytes
    assert found == bytes(blob.read(0, blob.nbytes))
    assert not blob.nbytes % blob.itemsize
    return found
