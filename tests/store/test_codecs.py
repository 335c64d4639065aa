from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.store import codecs
from dfbackup_jupyter.store.codecs import RAW, SHUFFLE, ZSTD, Chunk, decode, digest, encode

from .kit import random_bytes

RNG = np.random.default_rng(1)


def chunk_of(raw: bytes, itemsize: int = 8) -> Chunk:
    return encode(raw, itemsize, digest(raw))


@pytest.mark.parametrize(
    ("array", "codec"),
    [
        (RNG.normal(size=65_536), SHUFFLE),
        (RNG.integers(0, 2**63, 65_536), SHUFFLE),
        (np.frombuffer(RNG.bytes(524_288), np.uint8), RAW),
        (np.round(RNG.normal(100, 20, 65_536), 2), ZSTD),
        (np.arange(65_536), SHUFFLE),
    ],
    ids=["normal", "integers", "noise", "cents", "counting"],
)
def test_the_sample_chooses_well(array: np.ndarray, codec: int) -> None:
    raw = array.tobytes()
    chosen = chunk_of(raw, array.itemsize)
    sizes = {RAW: len(raw), ZSTD: len(zstandard.compress(raw, 1))}
    shuffled = array.view(np.uint8).reshape(-1, array.itemsize).T.tobytes()
    sizes[SHUFFLE] = len(zstandard.compress(shuffled, 1))
    assert len(chosen.data) <= 1.03 * min(sizes.values())
    if array.itemsize > 1:
        assert chosen.codec == codec or sizes[chosen.codec] <= 1.03 * sizes[codec]


@given(
    st.sampled_from([1, 2, 3, 8, 16, 255, 256, 300]),
    st.integers(0, 300),
    st.sampled_from(["zeros", "random", "text"]),
)
def test_round_trip(itemsize: int, items: int, style: str) -> None:
    size = itemsize * items
    raw = {
        "zeros": bytes(size),
        "random": random_bytes(size),
        "text": (b"lorem ipsum dolor " * (size // 18 + 1))[:size],
    }[style]
    chunk = chunk_of(raw, itemsize)
    assert len(chunk.data) <= max(size, 1)
    assert bytes(decode(chunk)) == raw
    out = bytearray(size)
    decode(chunk, memoryview(out))
    assert out == raw


@given(st.data())
def test_any_change_is_found(data: st.DataObject) -> None:
    raw = data.draw(st.sampled_from([bytes(4000), random_bytes(800), b"lorem ipsum " * 300]))
    chunk = chunk_of(raw)
    stored = bytearray(chunk.data)
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedData):
        decode(dataclasses.replace(chunk, data=bytes(stored)))
    # Even if whoever changed it also made the check fit, nothing wrong comes out.
    with contextlib.suppress(DamagedData):
        assert raw == decode(
            dataclasses.replace(chunk, data=bytes(stored), check=digest(bytes(stored)))
        )


@pytest.mark.parametrize(
    "change",
    [
        {"raw": 3999},
        {"raw": 2**31},
        {"codec": 3},
        {"codec": RAW},
        {"codec": SHUFFLE, "width": 0},
        {"codec": SHUFFLE, "width": 7},
        {"codec": SHUFFLE, "width": 8},
        {"name": bytes(32)},
    ],
)
def test_lying_headers_are_found(change: dict[str, object]) -> None:
    chunk = encode(b"lorem ipsum dolo" * 250, 1, digest(b"lorem ipsum dolo" * 250))
    assert chunk.codec == ZSTD
    with pytest.raises(DamagedData):
        decode(dataclasses.replace(chunk, **change))


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zstandard.compress(bytes(codecs.MAX_CHUNK + 1))
    for raw in (1024, codecs.MAX_CHUNK + 1):
        monkeypatch.setattr(codecs, "_zstd", lambda: pytest.fail("it was unpacked"))
        with pytest.raises(DamagedData):
            decode(Chunk(bytes(32), digest(bomb), ZSTD, 0, raw, bomb))


def test_bytes_after_the_end_are_found() -> None:
    raw = bytes(4000)
    data = zstandard.compress(raw) + zstandard.compress(b"more")
    with pytest.raises(DamagedData):
        decode(Chunk(digest(raw), digest(data), ZSTD, 0, len(raw), data))
