"""What is kept in packs: objects, made of a JSON description and blobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.parallel import in_parallel
from dfbackup_jupyter.store import pack
from dfbackup_jupyter.store.codecs import decode
from dfbackup_jupyter.store.pack import Entry
from dfbackup_jupyter.store.packs import Located, Packs

Tick = Callable[[int], None]
"""Called with the number of raw bytes just dealt with; may raise to cancel."""

_Part = tuple[int, bytes, Entry]
"""Where a chunk belongs in a blob, its name, and how its pack has it."""

_THREADS_PAY = 4  # chunks; below that, starting a thread costs more than it saves


@dataclass(frozen=True)
class BlobRef:
    """A blob that is already stored.

    Attributes
    ----------
    nbytes, itemsize : int
        Its length and the length of its items, in bytes.
    chunks : tuple of str
        BLAKE3 (hex) of the raw bytes of each chunk, in order.
    packs : frozenset of str
        Packs that hold these chunks.
    """

    nbytes: int
    itemsize: int
    chunks: tuple[str, ...]
    packs: frozenset[str]


@dataclass(frozen=True)
class ObjectRef:
    """An object that is stored.

    Attributes
    ----------
    hash : str
        BLAKE3 (hex) of the recipe; equal content has equal hashes.
    packs : frozenset of str
        Every pack needed to read it.
    bytes_raw, bytes_stored, bytes_new : int
        Sum of its blobs, size of its chunks as stored, and how much of that this `put` wrote.
    blobs : tuple of BlobRef
    """

    hash: str
    packs: frozenset[str]
    bytes_raw: int
    bytes_stored: int
    bytes_new: int
    blobs: tuple[BlobRef, ...]


@dataclass(frozen=True)
class Recipe:
    """What an object is made of: `meta` and, per blob, length, item size and chunk names."""

    meta: Any
    blobs: tuple[tuple[int, int, tuple[str, ...]], ...]


def canonical(value: Any) -> bytes:
    """JSON that is the same bytes for the same value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def write_recipe(meta: Any, blobs: Iterable[BlobRef]) -> bytes:
    """Canonical bytes of a recipe; their hash names the object."""
    parts = [{"nbytes": b.nbytes, "itemsize": b.itemsize, "chunks": b.chunks} for b in blobs]
    return canonical({"meta": meta, "blobs": parts})


def read_recipe(data: bytes | memoryview) -> Recipe:
    """Parse a recipe; `DamagedData` when it is not one."""
    try:
        document = json.loads(bytes(data))
        blobs = []
        for blob in document["blobs"]:
            nbytes, itemsize, chunks = blob["nbytes"], blob["itemsize"], tuple(blob["chunks"])
            if type(nbytes) is not int or type(itemsize) is not int or nbytes < 0 or itemsize < 1:
                raise ValueError(nbytes)
            if any(len(bytes.fromhex(name)) != 32 for name in chunks):
                raise ValueError(chunks)
            blobs.append((nbytes, itemsize, chunks))
        return Recipe(document["meta"], tuple(blobs))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedData("its description cannot be understood") from error


class StoredObject:
    """An object in the store, read blob by blob.

    Attributes
    ----------
    meta : JSON value
    blobs : tuple of BlobRef
    """

    def __init__(self, packs: Packs, hash: str, named: Iterable[str]) -> None:
        self._packs = packs
        self._chunks = Located(packs, named, aside=True)
        try:
            recipe = read_recipe(decode(self._chunks.chunk(bytes.fromhex(hash))))
        except DamagedData as damage:
            raise DamagedData(
                f"The description of stored object {hash[:12]} is lost: {damage.message}.",
                "Run %backup verify to see which backups are affected.",
            ) from damage
        self.hash = hash
        self.meta = recipe.meta
        self.blobs = tuple(
            BlobRef(nbytes, itemsize, chunks, self._packs_of(chunks))
            for nbytes, itemsize, chunks in recipe.blobs
        )

    def _packs_of(self, chunks: Iterable[str]) -> frozenset[str]:
        names = map(bytes.fromhex, chunks)
        return frozenset(self._chunks.find(name)[0] for name in names if self._chunks.has(name))

    def read(
        self, i: int, into: memoryview | None = None, *, tick: Tick | None = None
    ) -> memoryview:
        """Return blob `i` as writable memory.

        Parameters
        ----------
        i : int
            Which of `blobs`.
        into : memoryview, optional
            Memory that is returned with the blob in it, if it has its length; its own otherwise.
        tick : callable, optional
            Called with the raw size of every chunk read.

        Raises
        ------
        DamagedData
            Stored bytes are missing or are not what was written. Other blobs may be sound.
        """
        blob = self.blobs[i]
        try:
            return self._read(blob, into, tick or no_tick)
        except DamagedData as damage:
            raise DamagedData(
                f"A part of the stored data is lost (object {self.hash[:12]}, blob {i}: "
                f"{damage.message}).",
                "Run %backup verify to see everything that is affected.",
            ) from damage

    def _read(self, blob: BlobRef, into: memoryview | None, tick: Tick) -> memoryview:
        parts: dict[str, list[_Part]] = {}
        position = 0
        for chunk in blob.chunks:
            name = bytes.fromhex(chunk)
            pack_id, entry = self._chunks.find(name)
            parts.setdefault(pack_id, []).append((position, name, entry))
            position += entry.raw
        if position != blob.nbytes:
            raise DamagedData("its length is not what was written")
        fits = into is not None and into.nbytes == blob.nbytes
        out = into if into is not None and fits else np.empty(blob.nbytes, np.uint8).data
        for pack_id, wanted in parts.items():
            self._read_pack(pack_id, wanted, out, tick)
        return out

    def _read_pack(self, pack_id: str, wanted: list[_Part], out: memoryview, tick: Tick) -> None:
        try:
            reader = self._packs.open(pack_id)
        except FileNotFoundError:
            reader = None

        def read(part: _Part) -> int:
            position, name, entry = part
            target = out[position : position + entry.raw]
            try:
                if reader is None:
                    raise DamagedData("its pack is gone")
                decode(pack.read_chunk(reader, name, entry), target)
            except DamagedData:
                decode(self._chunks.chunk(name), target)
            return entry.raw

        try:
            if len(wanted) >= _THREADS_PAY:
                in_parallel(read, wanted, tick)
            else:
                for part in wanted:
                    tick(read(part))
        finally:
            if reader is not None:
                reader.close()


def no_tick(_: int) -> None:
    """Tell nobody."""
