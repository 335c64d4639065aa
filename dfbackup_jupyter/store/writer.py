"""One staging run: cuts blobs into chunks and writes those that are new into packs."""

from __future__ import annotations

import contextlib
import secrets
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from dfbackup_jupyter.errors import DamagedData, StoreError
from dfbackup_jupyter.store.blob import Blob
from dfbackup_jupyter.store.codecs import MAX_CHUNK, Chunk, digest, encode
from dfbackup_jupyter.store.filesystem import Filesystem, TemporaryFile
from dfbackup_jupyter.store.index import DedupeIndex
from dfbackup_jupyter.store.objects import BlobRef, ObjectRef, Tick, no_tick, write_recipe
from dfbackup_jupyter.store.pack import PackEncoder
from dfbackup_jupyter.store.packs import Packs

_THREADS = 2
_IN_FLIGHT = 4  # chunks being compressed: bounds the memory of a run
_PARTS = 1, 2, 4, 8
_SMALL = 64 * 1024  # below that, handing over to a thread costs more than it saves


class PackVanished(StoreError):
    """A pack was cleaned up before a manifest named it: stage its objects again."""


class PackFile:
    """A pack under construction in a temporary file."""

    def __init__(self, fs: Filesystem, id: str, replaces: Iterable[str] = ()) -> None:
        self.id = id
        self._fs = fs
        self._file: TemporaryFile = fs.temporary()
        try:
            self._encoder = PackEncoder(self._file.write, replaces)
        except BaseException:
            self.discard()
            raise

    @property
    def size(self) -> int:
        return self._encoder.size

    def add(self, chunk: Chunk) -> None:
        self._encoder.add(chunk)

    def finish(self) -> None:
        self._encoder.finish()
        self._file.finish()

    def publish(self) -> None:
        self._fs.publish(self._file, "packs", f"{self.id}.pack")

    def discard(self) -> None:
        self._file.discard()


class PackWriter:
    """Puts objects into new packs; made by `Store.write`.

    What `put` returns is valid only when the ``with`` block has ended well.
    """

    def __init__(
        self,
        fs: Filesystem,
        packs: Packs,
        index: DedupeIndex,
        chunk_bytes: int,
        pack_bytes: int,
        crowded: Callable[[], bool],
    ) -> None:
        self._fs = fs
        self._packs = packs
        self._index = index
        self._chunk_bytes = chunk_bytes
        self._pack_bytes = pack_bytes
        self._crowded = crowded
        self._files: list[PackFile] = []
        self._written: dict[bytes, tuple[str, int]] = {}
        self._pending: deque[tuple[bytes, Future[Chunk]]] = deque()
        self._in_flight: set[bytes] = set()
        self._pool = ThreadPoolExecutor(_THREADS)
        self._bytes_new = 0

    def put(
        self, meta: Any, blobs: Sequence[Blob | BlobRef], *, tick: Tick | None = None
    ) -> ObjectRef:
        """Store an object; what the store holds already is not written again.

        Parameters
        ----------
        meta : JSON value
            Describes the object.
        blobs : sequence of Blob or BlobRef
            Its bytes, or what an earlier `put` returned for them.
        tick : callable, optional
            Called with the raw size of every chunk dealt with; may raise to cancel the run.

        Raises
        ------
        StoreUnavailable
            The disk is full, read-only or forbidden.
        DamagedData
            The bytes of a `BlobRef` are no longer there: put the blob itself.
        """
        self._bytes_new = 0
        tick = tick or no_tick
        known: dict[Hashable, list[bytes]] = {}
        parts: list[tuple[Blob | BlobRef, list[bytes]]] = []
        for blob in blobs:
            key = None if isinstance(blob, BlobRef) else blob.key
            if isinstance(blob, BlobRef):
                names = self._adopt(blob, tick)
            elif key is not None and key in known:
                names = known[key]
                tick(blob.nbytes)
            else:
                names = list(self._cut(blob, tick))
                if key is not None:
                    known[key] = names
            parts.append((blob, names))
        self._drain(0)
        refs = tuple(
            BlobRef(blob.nbytes, blob.itemsize, tuple(n.hex() for n in names), self._homes(names))
            for blob, names in parts
        )
        recipe = write_recipe(meta, refs)
        if len(recipe) > MAX_CHUNK:
            raise StoreError("The description of a frame is too large to be stored.")
        name = digest(recipe)
        self._add(recipe, 1, name)
        self._drain(0)
        chunks = {name}.union(*(names for _, names in parts))
        return ObjectRef(
            hash=name.hex(),
            packs=self._homes(chunks),
            bytes_raw=sum(blob.nbytes for blob in blobs),
            bytes_stored=sum(self._home(chunk)[1] for chunk in chunks),
            bytes_new=self._bytes_new,
            blobs=refs,
        )

    def has(self, ref: BlobRef) -> bool:
        """Whether every chunk of a stored blob can be relied on."""
        return all(self._known(bytes.fromhex(chunk)) for chunk in ref.chunks)

    def add_chunk(self, chunk: Chunk) -> None:
        """Store a chunk as it is; its bytes must have been checked."""
        if self._known(chunk.name) is None:
            self._write(chunk)

    def homes(self, names: Iterable[bytes]) -> frozenset[str]:
        """Packs of chunks that were put or found in this run."""
        return self._homes(names)

    def publish(self) -> None:
        """End the run: bring the packs to the disk and give them their names."""
        self._drain(0)
        for file in self._files[-1:]:
            file.finish()
        for file in self._files:
            try:
                file.publish()
            except FileNotFoundError as error:
                # This computer may have slept while another process collected.
                raise PackVanished(
                    "Writing the backup took so long that its temporary file was cleaned up.",
                    "Try again.",
                ) from error
        for file in self._files:
            self._index.protect(file.id)

    def close(self) -> None:
        """Remove what was not published."""
        self._pool.shutdown(cancel_futures=True)
        for file in self._files:
            file.discard()

    def _cut(self, blob: Blob, tick: Tick) -> Iterator[bytes]:
        if blob.itemsize > MAX_CHUNK:
            raise StoreError(f"Items of {blob.itemsize} bytes are too large to be stored.")
        for start, stop in _cuts(blob, self._chunk_bytes):
            # A private copy: the hash and what is stored must be of the same bytes, even if
            # someone writes to the frame's memory meanwhile. NumPy's leaves the interpreter to
            # the user's cell.
            raw = np.frombuffer(blob.read(start, stop), np.uint8).copy().data
            name = digest(raw)
            self._add(raw, blob.itemsize, name)
            yield name
            tick(len(raw))

    def _adopt(self, ref: BlobRef, tick: Tick) -> list[bytes]:
        names = [bytes.fromhex(chunk) for chunk in ref.chunks]
        missing = [name for name in dict.fromkeys(names) if self._known(name) is None]
        if missing:
            located = self._packs.locate(ref.packs)
            for name in missing:
                try:
                    self._write(located.chunk(name))
                except DamagedData as damage:
                    raise DamagedData(
                        f"Data that was stored earlier is lost: {damage.message}.", "Try again."
                    ) from damage
        tick(ref.nbytes)
        return names

    def _known(self, name: bytes) -> tuple[str, int] | None:
        return self._written.get(name) or self._index.get(name)

    def _add(self, raw: bytes | memoryview, itemsize: int, name: bytes) -> None:
        if name in self._in_flight or self._known(name) is not None:
            return
        self._in_flight.add(name)
        self._pending.append((name, self._encode(raw, itemsize, name)))
        self._drain(_IN_FLIGHT)

    def _encode(self, raw: bytes | memoryview, itemsize: int, name: bytes) -> Future[Chunk]:
        if len(raw) >= _SMALL and not self._crowded():
            # A kernel that stops takes no new threads, but is given time to finish writing.
            with contextlib.suppress(RuntimeError):
                return self._pool.submit(encode, raw, itemsize, name)
        done: Future[Chunk] = Future()
        done.set_result(encode(raw, itemsize, name))
        return done

    def _drain(self, keep: int) -> None:
        while len(self._pending) > keep:
            name, future = self._pending.popleft()
            self._in_flight.discard(name)
            self._write(future.result())

    def _write(self, chunk: Chunk) -> None:
        if self._files and self._files[-1].size >= self._pack_bytes:
            self._files[-1].finish()
        if not self._files or self._files[-1].size >= self._pack_bytes:
            self._files.append(PackFile(self._fs, secrets.token_hex(16)))
        self._files[-1].add(chunk)
        self._written[chunk.name] = self._files[-1].id, len(chunk.data)
        self._bytes_new += len(chunk.data)

    def _home(self, name: bytes) -> tuple[str, int]:
        if (home := self._known(name)) is None:
            raise StoreError("A chunk was lost while it was being stored.", "Try again.")
        return home

    def _homes(self, names: Iterable[bytes]) -> frozenset[str]:
        return frozenset(self._home(name)[0] for name in names)


def _cuts(blob: Blob, most: int) -> Iterator[tuple[int, int]]:
    """Where to cut a blob: into equal chunks, then a half, a quarter and an eighth of one.

    Rows that are appended change the last chunk of every column, so that one had better be short.
    """
    sizes = [max(blob.itemsize, most // part // blob.itemsize * blob.itemsize) for part in _PARTS]
    start = 0
    while left := blob.nbytes - start:
        size = next((size for size in sizes if size <= left), left)
        yield start, start + size
        start += size
