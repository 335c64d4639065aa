from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbackup_jupyter.errors import DamagedData, StoreTooNew
from dfbackup_jupyter.store import pack
from dfbackup_jupyter.store.codecs import decode, digest, encode

from .kit import random_bytes

RAWS = [b"", b"a", random_bytes(100), bytes(5000), b"lorem ipsum " * 100]
NAMES = {digest(raw): raw for raw in RAWS}


class Memory:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read_at(self, offset: int, size: int) -> bytes:
        assert offset >= 0
        return self.data[offset : offset + size]


def make(replaces: tuple[str, ...] = ("b", "a")) -> bytes:
    data = bytearray()
    encoder = pack.PackEncoder(data.extend, replaces)
    for raw in RAWS:
        encoder.add(encode(raw, 1, digest(raw)))
    encoder.finish()
    assert encoder.size == len(data)
    return bytes(data)


WHOLE = make()


def readable(data: bytes) -> set[bytes]:
    """Names of the chunks that can be read; whatever is read must be right."""
    source = Memory(data)
    found = set()
    for name, entry in pack.load(source).entries.items():
        try:
            raw = bytes(decode(pack.read_chunk(source, name, entry)))
        except DamagedData:
            continue
        assert raw == NAMES[name]
        found.add(name)
    return found


def test_what_is_packed_is_found() -> None:
    index = pack.load(Memory(WHOLE))
    assert index.entries.keys() == NAMES.keys()
    assert index.replaces == {"a", "b"}
    assert index.faults == ()
    assert readable(WHOLE) == NAMES.keys()
    for name, entry in index.entries.items():
        pack.check_chunk_header(Memory(WHOLE), name, entry)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(WHOLE) * 8 - 1))
def test_a_flipped_bit_costs_one_chunk_at_most_and_is_always_found(bit: int) -> None:
    data = bytearray(WHOLE)
    data[bit // 8] ^= 1 << bit % 8
    source = Memory(bytes(data))
    index = pack.load(source)
    assert len(readable(bytes(data))) >= len(RAWS) - 1
    assert index.replaces == {"a", "b"}
    found = bool(index.faults) or len(readable(bytes(data))) < len(RAWS)
    for name, entry in index.entries.items():
        try:
            pack.check_chunk_header(source, name, entry)
        except DamagedData:
            found = True
    assert found


@settings(deadline=None)
@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_pack_gives_what_comes_before_the_cut(length: int) -> None:
    index = pack.load(Memory(WHOLE[:length]))
    assert index.faults
    complete = {
        name
        for name, entry in pack.load(Memory(WHOLE)).entries.items()
        if entry.offset + entry.stored <= length
    }
    assert readable(WHOLE[:length]) == complete


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_rubbish_is_no_pack(data: bytes) -> None:
    assert pack.load(Memory(data)).faults
    assert pack.load(Memory(WHOLE[:40] + data)).faults


def test_zeros_are_no_pack() -> None:
    index = pack.load(Memory(bytes(len(WHOLE))))
    assert index.faults
    assert index.entries == {}


def test_a_newer_pack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "VERSION", 2)
    newer = make()
    monkeypatch.undo()
    with pytest.raises(StoreTooNew, match="newer version"):
        pack.load(Memory(newer))


def test_which_packs_it_replaces_survives_a_damaged_header() -> None:
    data = bytearray(WHOLE)
    data[20] ^= 1
    assert pack.load_replaces(Memory(bytes(data))) == {"a", "b"}
