"""One immutable file of chunks.

::

    header   magic, version, checksum, JSON: {"replaces": [ids of the packs this one replaces]}
    chunks   each with a header of its own, so that they can be found when the index is damaged
    index    the header's JSON again, then one entry per chunk
    footer   where the index is, its checksum, magic
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from dfbackup_jupyter.errors import DamagedData, StoreTooNew
from dfbackup_jupyter.store.codecs import MAX_CHUNK, Chunk, digest

VERSION = 1

_HEADER = struct.Struct("<8sHHI16s")
_CHUNK = struct.Struct("<4sBBHII32s32s")
_CRC = struct.Struct("<I")
_ENTRY = struct.Struct("<32s32sQIIBB")
_FOOTER = struct.Struct("<QIIIHH32s8s")
_MAGIC = b"DFBPACK\n"
_CHUNK_MAGIC = b"CHNK"
_CHUNK_HEADER = _CHUNK.size + _CRC.size
_MAX_NOTES = 2**24


class Source(Protocol):
    """Where a pack is read from: a file, or a part of one."""

    size: int

    def read_at(self, offset: int, size: int) -> bytes: ...


class Entry(NamedTuple):
    """Where a chunk is in its pack, and how it is stored."""

    check: bytes
    offset: int
    stored: int
    raw: int
    codec: int
    width: int


@dataclass(frozen=True)
class PackIndex:
    """What a pack holds.

    Attributes
    ----------
    entries : dict
        Chunk name to `Entry`.
    replaces : frozenset of str
        Packs whose live chunks this one took over.
    size : int
        Length of the file in bytes.
    faults : tuple of str
        What is damaged about the pack itself; its chunks may still be readable.
    """

    entries: dict[bytes, Entry]
    replaces: frozenset[str]
    size: int
    faults: tuple[str, ...]


class PackEncoder:
    """Writes the bytes of one pack through `write`."""

    def __init__(
        self, write: Callable[[bytes | memoryview], object], replaces: Iterable[str] = ()
    ) -> None:
        self._write = write
        self._notes = json.dumps({"replaces": sorted(replaces)}).encode()
        self._entries: list[bytes] = []
        self.size = 0
        self._append(_header(self._notes) + self._notes)

    def add(self, chunk: Chunk) -> None:
        offset = self.size + _CHUNK_HEADER
        entry = Entry(chunk.check, offset, len(chunk.data), chunk.raw, chunk.codec, chunk.width)
        self._append(_chunk_header(chunk.name, entry))
        self._append(chunk.data)
        self._entries.append(_ENTRY.pack(chunk.name, chunk.check, offset, *entry[2:]))

    def finish(self) -> None:
        """Write the index and the footer."""
        index = self._notes + b"".join(self._entries)
        footer = (self.size, len(index), len(self._notes), len(self._entries), VERSION, 0)
        self._append(index + _FOOTER.pack(*footer, _index_check(footer, index), _MAGIC))

    def _append(self, data: bytes | memoryview) -> None:
        self._write(data)
        self.size += len(data)


def load(source: Source) -> PackIndex:
    """Read a pack's index, or find its chunks one by one when the index is damaged.

    Raises
    ------
    StoreTooNew
        A newer version wrote the pack.
    """
    faults = []
    replaces: frozenset[str] = frozenset()
    start = _HEADER.size
    try:
        replaces, start = _load_header(source)
    except DamagedData as damage:
        faults.append(damage.message)
    try:
        entries, replaces = _load_index(source)
    except DamagedData as damage:
        faults.append(damage.message)
        entries = _scan(source, start)
    return PackIndex(entries, replaces, source.size, tuple(faults))


def load_replaces(source: Source) -> frozenset[str]:
    """Which packs this one replaces, from its header alone when that is sound."""
    try:
        return _load_header(source)[0]
    except DamagedData:
        return load(source).replaces


def read_chunk(source: Source, name: bytes, entry: Entry) -> Chunk:
    """Read one chunk; `decode` checks its bytes."""
    data = source.read_at(entry.offset, entry.stored)
    if len(data) != entry.stored:
        raise DamagedData("its pack is cut short")
    return Chunk(name, entry.check, entry.codec, entry.width, entry.raw, data)


def check_chunk_header(source: Source, name: bytes, entry: Entry) -> None:
    """Raise `DamagedData` when the header in front of a chunk is not what was written."""
    header = source.read_at(entry.offset - _CHUNK_HEADER, _CHUNK_HEADER)
    if header != _chunk_header(name, entry):
        raise DamagedData("the header of a chunk is damaged")


def _header(notes: bytes) -> bytes:
    check = digest(struct.pack("<H", VERSION) + notes)[:16]
    return _HEADER.pack(_MAGIC, VERSION, 0, len(notes), check)


def _chunk_header(name: bytes, entry: Entry) -> bytes:
    check, _, stored, raw, codec, width = entry
    header = _CHUNK.pack(_CHUNK_MAGIC, codec, width, 0, stored, raw, name, check)
    return header + _CRC.pack(zlib.crc32(header))


def _index_check(footer: tuple[int, ...], index: bytes) -> bytes:
    return digest(struct.pack("<QIIIHH", *footer) + index)


def _load_header(source: Source) -> tuple[frozenset[str], int]:
    head = source.read_at(0, _HEADER.size)
    if len(head) < _HEADER.size:
        raise DamagedData("a pack has no header")
    magic, version, zero, length, check = _HEADER.unpack(head)
    if magic != _MAGIC or zero or length > min(source.size, _MAX_NOTES):
        raise DamagedData("the header of a pack is damaged")
    notes = source.read_at(_HEADER.size, length)
    if digest(struct.pack("<H", version) + notes)[:16] != check:
        raise DamagedData("the header of a pack is damaged")
    _check_version(version)
    return _replaces(notes), _HEADER.size + length


def _load_index(source: Source) -> tuple[dict[bytes, Entry], frozenset[str]]:
    end = source.size - _FOOTER.size
    foot = source.read_at(end, _FOOTER.size) if end > 0 else b""
    if len(foot) < _FOOTER.size:
        raise DamagedData("a pack is cut short")
    *footer, check, magic = _FOOTER.unpack(foot)
    offset, length, notes, count, version, zero = footer
    if magic != _MAGIC or zero or offset + length != end:
        raise DamagedData("a pack is cut short, or its end is damaged")
    index = source.read_at(offset, length)
    if _index_check(tuple(footer), index) != check:
        raise DamagedData("the index of a pack is damaged")
    _check_version(version)
    if length != notes + count * _ENTRY.size:
        raise DamagedData("the index of a pack is damaged")
    entries = {}
    for name, *fields in _ENTRY.iter_unpack(memoryview(index)[notes:]):
        entry = Entry(*fields)
        if (
            entry.raw > MAX_CHUNK
            or entry.stored > MAX_CHUNK
            or entry.offset + entry.stored > offset
        ):
            raise DamagedData("the index of a pack is impossible")
        entries[name] = entry
    return entries, _replaces(index[:notes])


def _scan(source: Source, offset: int) -> dict[bytes, Entry]:
    entries = {}
    while len(header := source.read_at(offset, _CHUNK_HEADER)) == _CHUNK_HEADER:
        if zlib.crc32(header[: _CHUNK.size]) != _CRC.unpack_from(header, _CHUNK.size)[0]:
            break
        magic, codec, width, _, stored, raw, name, check = _CHUNK.unpack_from(header)
        if magic != _CHUNK_MAGIC or stored > MAX_CHUNK or raw > MAX_CHUNK:
            break
        offset += _CHUNK_HEADER
        entries[name] = Entry(check, offset, stored, raw, codec, width)
        offset += stored
    return entries


def _check_version(version: int) -> None:
    if version > VERSION:
        raise StoreTooNew(
            "These backups were written by a newer version of dfbackup-jupyter.",
            "Upgrade with: pip install --upgrade dfbackup-jupyter",
        )


def _replaces(notes: bytes) -> frozenset[str]:
    try:
        return frozenset(json.loads(notes)["replaces"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedData("the header of a pack is damaged") from error
