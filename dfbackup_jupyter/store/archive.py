"""Backups as ``.zip`` files: ``manifest.json`` and ``chunks.pack``, nothing else.

An archive may come from anyone, so importing trusts nothing in it: exactly these two entries, not
compressed by zip (which leaves no room for zip bombs), bounds on every length, hashes before
decoding, everything checked before anything is published. Nothing is ever unpickled here. A hash
is not a signature: it shows that an archive is undamaged, not who made it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import struct
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dfbackup_jupyter.errors import ArchiveError, DamagedData, StoreTooNew
from dfbackup_jupyter.store import pack
from dfbackup_jupyter.store.codecs import Chunk, decode
from dfbackup_jupyter.store.filesystem import Reader
from dfbackup_jupyter.store.manifests import Manifest, check_id, seal, unseal
from dfbackup_jupyter.store.objects import Recipe, Tick, read_recipe
from dfbackup_jupyter.store.packs import Packs

MANIFEST, CHUNKS = "manifest.json", "chunks.pack"

MAX_MANIFEST = 16 * 2**20
MAX_OBJECTS = 100_000
MAX_RECIPES = 64 * 2**20
MAX_DEPTH = 64
MAX_RATIO = 1_000
"""Chunks may decode to this many times the size of the archive (or `FREE_RAW` bytes, if more)."""
FREE_RAW = 2**30

_DIRECTORY_BYTES = 4_096
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCAL = struct.Struct("<4s5H3L2H")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_HINT = "Ask for the file again, or export the backup once more."


def export(packs: Packs, manifest: Manifest, file: Path, tick: Tick) -> None:
    """Write one backup to `file`, which appears whole or not at all."""
    temporary = file.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with _explained(file), open(temporary, "xb") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as archive:
                with archive.open(MANIFEST, "w") as entry:
                    entry.write(seal(manifest))
                with archive.open(CHUNKS, "w", force_zip64=True) as entry:
                    _export_chunks(packs, manifest, entry, tick)
            raw.flush()
            os.fsync(raw.fileno())
            os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _export_chunks(packs: Packs, manifest: Manifest, entry: IO[bytes], tick: Tick) -> None:
    encoder = pack.PackEncoder(entry.write)
    done: set[bytes] = set()
    for hash, named in manifest["objects"].items():
        located = packs.locate(named)
        recipe = read_recipe(decode(located.chunk(bytes.fromhex(hash))))
        for name in _names(hash, recipe):
            if name not in done:
                done.add(name)
                chunk = located.chunk(name)
                encoder.add(chunk)
                tick(chunk.raw)
    encoder.finish()


@dataclass(frozen=True)
class Archive:
    """An archive whose structure has been checked; `chunks` checks the rest while reading."""

    manifest: Manifest
    objects: dict[str, Recipe]
    index: pack.PackIndex
    source: pack.Source

    def chunks(self, hashes: Iterable[str]) -> Iterator[Chunk]:
        """Every chunk of some objects once; what it decodes to has been checked."""
        done: set[bytes] = set()
        for hash in hashes:
            for name in self.names(hash):
                if name not in done:
                    done.add(name)
                    yield self._chunk(name)

    def names(self, hash: str) -> list[bytes]:
        """Names of all chunks of an object, its description included."""
        return _names(hash, self.objects[hash])

    def _chunk(self, name: bytes) -> Chunk:
        try:
            chunk = pack.read_chunk(self.source, name, self.index.entries[name])
            decode(chunk)
        except DamagedData as damage:
            raise ArchiveError(f"The file is damaged: {damage.message}.", _HINT) from damage
        return chunk


@contextlib.contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Open an archive and check its structure.

    Raises
    ------
    ArchiveError
        It is not a backup, is damaged, or is not what we would have written.
    StoreTooNew
        A newer version wrote it.
    """
    with _explained(file):
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise ArchiveError(f"{file} is not a file.", "Give the path of a .zip file.")
        reader = Reader(file.resolve())
    with reader:
        parts = _entries(file, reader)
        if parts[MANIFEST].size > MAX_MANIFEST:
            raise ArchiveError("The description in the file is far too large.", _HINT)
        manifest = _manifest(parts[MANIFEST].read_at(0, MAX_MANIFEST))
        chunks = parts[CHUNKS]
        index = pack.load(chunks)
        if index.faults:
            raise ArchiveError(f"The file is damaged: {index.faults[0]}.", _HINT)
        if sum(e.raw for e in index.entries.values()) > max(FREE_RAW, reader.size * MAX_RATIO):
            raise ArchiveError(
                "The file claims to unpack to far more data than a backup of its size would."
            )
        archive = Archive(manifest, {}, index, chunks)
        _check_recipe_sizes(archive)
        for hash in manifest["objects"]:
            archive.objects[hash] = _recipe(archive, hash)
        yield archive


class _Region:
    """A part of a file."""

    def __init__(self, reader: Reader, start: int, size: int) -> None:
        self._reader = reader
        self._start = start
        self.size = size

    def read_at(self, offset: int, size: int) -> bytes:
        size = max(0, min(size, self.size - offset))
        return self._reader.read_at(self._start + offset, size) if offset >= 0 else b""


def _entries(file: Path, reader: Reader) -> dict[str, _Region]:
    """Where the two entries lie, if there are just these two, as we write them."""
    foreign = ArchiveError(
        f"{file.name} is not a backup, or was packed again by another program.",
        "Use the .zip file as %backup export wrote it.",
    )
    if _directory_size(reader) > _DIRECTORY_BYTES:
        raise foreign
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error) as error:
        raise foreign from error
    names = sorted(info.filename for info in infos)
    if any(name.endswith(".parquet") for name in names):
        raise ArchiveError(
            f"{file.name} holds Parquet files for other software, and cannot be imported.",
            "Unpack it, and read its files with pandas.read_parquet.",
        )
    if names != sorted((MANIFEST, CHUNKS)):
        raise foreign
    found: dict[str, _Region] = {}
    taken: list[tuple[int, int]] = []
    for info in infos:
        plain = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
        special = stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG)
        if not plain or special or info.flag_bits & ~0x0808:  # sizes that follow, UTF-8 name
            raise foreign
        local = reader.read_at(info.header_offset, _LOCAL.size)
        if len(local) < _LOCAL.size or local[:4] != b"PK\3\4":
            raise foreign
        name_length, extra_length = _LOCAL.unpack(local)[-2:]
        name = reader.read_at(info.header_offset + _LOCAL.size, name_length)
        start = info.header_offset + _LOCAL.size + name_length + extra_length
        stop = start + info.file_size
        if name != info.filename.encode() or stop > reader.size:
            raise foreign
        if any(info.header_offset < end and begin < stop for begin, end in taken):
            raise foreign
        taken.append((info.header_offset, stop))
        found[info.filename] = _Region(reader, start, info.file_size)
    return found


def _directory_size(reader: Reader) -> int:
    """Size of the list of entries, looked up before `zipfile` would read it into memory."""
    end = reader.read_at(max(0, reader.size - _END.size), _END.size)
    if len(end) < _END.size or end[:4] != b"PK\5\6":
        return _DIRECTORY_BYTES + 1
    size = int(_END.unpack(end)[5])
    before = reader.size - _END.size - _LOCATOR.size
    if before >= _END64.size and reader.read_at(before, 4) == b"PK\6\7":
        end64 = reader.read_at(before - _END64.size, _END64.size)
        size = max(size if size != 0xFFFFFFFF else 0, int(_END64.unpack(end64)[8]))
    return size


def _manifest(data: bytes) -> Manifest:
    if _depth(data) > MAX_DEPTH:
        raise ArchiveError("The description in the file is nested too deeply.", _HINT)
    try:
        manifest = unseal(data, "The description in the file")
        check_id(manifest.get("id"))
    except StoreTooNew:
        raise
    except Exception as error:
        raise ArchiveError("The description in the file is damaged.", _HINT) from error
    if len(manifest["objects"]) > MAX_OBJECTS:
        raise ArchiveError("The description in the file is far too large.", _HINT)
    return manifest


def _check_recipe_sizes(archive: Archive) -> None:
    entries = archive.index.entries
    names = [bytes.fromhex(hash) for hash in archive.manifest["objects"]]
    if not entries.keys() >= set(names):
        raise ArchiveError("The file lacks data that its description names.", _HINT)
    if sum(entries[name].raw for name in names) > MAX_RECIPES:
        raise ArchiveError("The descriptions of the frames in the file are far too large.", _HINT)


def _recipe(archive: Archive, hash: str) -> Recipe:
    entries = archive.index.entries
    raw = bytes(decode(archive._chunk(bytes.fromhex(hash))))
    if _depth(raw) > MAX_DEPTH:
        raise ArchiveError("The description of a frame in the file is nested too deeply.", _HINT)
    try:
        recipe = read_recipe(raw)
    except DamagedData as damage:
        raise ArchiveError("The description of a frame in the file is damaged.", _HINT) from damage
    for nbytes, itemsize, chunks in recipe.blobs:
        names = [bytes.fromhex(chunk) for chunk in chunks]
        if not entries.keys() >= set(names):
            raise ArchiveError("The file lacks data that its description names.", _HINT)
        if sum(entries[name].raw for name in names) != nbytes or nbytes % itemsize:
            raise ArchiveError("The file states a wrong length for its data.", _HINT)
    return recipe


def _names(hash: str, recipe: Recipe) -> list[bytes]:
    chunks = (bytes.fromhex(chunk) for _, _, chunks in recipe.blobs for chunk in chunks)
    return [bytes.fromhex(hash), *chunks]


def _depth(data: bytes) -> int:
    """How deeply JSON is nested, found without a parser that could run out of stack."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


@contextlib.contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ArchiveError(
            f"{file} cannot be used: {reason}.", "Check the path, or choose another one."
        ) from error
