"""How the bytes of one chunk are stored: raw, zstd, or byte-shuffled zstd.

No single codec wins: shuffling is better for random doubles and worse for rounded decimals, so
each chunk's codec is chosen by trying a small sample of it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import zstandard
from blake3 import blake3

from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.store.blob import Blob

RAW, ZSTD, SHUFFLE = 0, 1, 2
MAX_CHUNK = 64 * 2**20
"""Longest raw chunk in bytes; whatever claims to be longer is refused before it is decoded."""

_LEVEL = 1
_SAMPLE = 16 * 1024
_JUDGED = 64 * 1024
_WORTHWHILE = 0.98

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk as it is stored.

    Attributes
    ----------
    name : bytes
        BLAKE3 of the raw bytes.
    check : bytes
        BLAKE3 of the stored bytes; checked before anything is decoded.
    codec, width : int
        Codec and, for the shuffle, the item size in bytes.
    raw : int
        Length of the raw bytes.
    data : bytes or memoryview
        The stored bytes.
    """

    name: bytes
    check: bytes
    codec: int
    width: int
    raw: int
    data: bytes | memoryview


def digest(data: bytes | memoryview) -> bytes:
    """BLAKE3 of some bytes."""
    return blake3(data).digest()


def encode(raw: bytes | memoryview, itemsize: int, name: bytes) -> Chunk:
    """Compress `raw` with the codec that a sample of it recommends."""
    codec = _choose(raw, itemsize)
    if codec == RAW:
        return Chunk(name, name, RAW, 0, len(raw), raw)
    data = _compress(_shuffle(raw, itemsize) if codec == SHUFFLE else raw)
    width = itemsize if codec == SHUFFLE else 0
    if len(data) >= len(raw):
        return Chunk(name, name, RAW, 0, len(raw), raw)
    return Chunk(name, digest(data), codec, width, len(raw), data)


def estimate(blob: Blob) -> int:
    """Bytes that a blob would take up when it is stored, judged by a sample from its middle."""
    items = blob.nbytes // blob.itemsize
    count = min(items, max(_JUDGED // blob.itemsize, 1))
    first = (items - count) // 2 * blob.itemsize
    sample = bytes(blob.read(first, first + count * blob.itemsize))
    if not sample:
        return 0
    return len(encode(sample, blob.itemsize, b"").data) * blob.nbytes // len(sample)


def decode(chunk: Chunk, out: memoryview | None = None) -> memoryview:
    """Return the raw bytes of a chunk, or write them to `out`.

    Raises
    ------
    DamagedData
        The stored bytes, or what they decode to, are not what was written.
    """
    if digest(chunk.data) != chunk.check:
        raise DamagedData("its stored bytes are not what was written")
    if chunk.raw > MAX_CHUNK:
        raise DamagedData("it claims an impossible length")
    raw = _decompress(chunk)
    if len(raw) != chunk.raw:
        raise DamagedData("its length is not what was written")
    target = memoryview(bytearray(chunk.raw)) if out is None else out
    if chunk.codec == SHUFFLE:
        planes = np.frombuffer(raw, np.uint8).reshape(chunk.width, -1)
        items = np.frombuffer(target, np.uint8).reshape(-1, chunk.width)
        for i, plane in enumerate(planes):  # three times as fast as assigning the transpose
            items[:, i] = plane
    else:
        target[:] = raw
    if digest(target) != chunk.name:
        raise DamagedData("its content is not what was written")
    return target


def _decompress(chunk: Chunk) -> bytes | memoryview:
    if chunk.codec == RAW:
        return chunk.data
    if chunk.codec not in (ZSTD, SHUFFLE):
        raise DamagedData("its codec is not known")
    if chunk.codec == SHUFFLE and (chunk.width < 2 or chunk.raw % chunk.width):
        raise DamagedData("its item size is impossible")
    try:
        # `max_output_size` is ignored when the frame states its size: check that first.
        if zstandard.get_frame_parameters(chunk.data).content_size != chunk.raw:
            raise DamagedData("it claims another length than was written")
        return bytes(_zstd()[1].decompress(chunk.data, allow_extra_data=False))
    except zstandard.ZstdError as error:
        raise DamagedData("it cannot be decompressed") from error


def _choose(raw: bytes | memoryview, itemsize: int) -> int:
    size = max(itemsize, _SAMPLE // itemsize * itemsize)
    middle = len(raw) // itemsize // 2 * itemsize
    sample = raw[middle : middle + size] if len(raw) >= 2 * size else raw
    sizes = {RAW: len(sample) * _WORTHWHILE, ZSTD: len(_compress(sample))}
    if 2 <= itemsize <= 255:
        sizes[SHUFFLE] = len(_compress(_shuffle(sample, itemsize)))
    return min(sizes, key=lambda codec: sizes[codec])


def _shuffle(raw: bytes | memoryview, width: int) -> bytes:
    return np.frombuffer(raw, np.uint8).reshape(-1, width).T.tobytes()


def _compress(raw: bytes | memoryview) -> bytes:
    return bytes(_zstd()[0].compress(raw))


def _zstd() -> tuple[zstandard.ZstdCompressor, zstandard.ZstdDecompressor]:
    # Contexts are costly to make and must not be shared by threads.
    pair: tuple[zstandard.ZstdCompressor, zstandard.ZstdDecompressor] | None
    if (pair := getattr(_local, "pair", None)) is None:
        pair = zstandard.ZstdCompressor(level=_LEVEL), zstandard.ZstdDecompressor()
        _local.pair = pair
    return pair
