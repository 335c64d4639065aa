"""The store: objects in packs, and the manifests that name them."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dfbackup_jupyter.errors import DamagedData, StoreTooNew, StoreUnavailable
from dfbackup_jupyter.store import archive
from dfbackup_jupyter.store.cache import Cache
from dfbackup_jupyter.store.codecs import decode
from dfbackup_jupyter.store.collect import Collected, Collector
from dfbackup_jupyter.store.filesystem import FOLDERS, AlreadyExists, Filesystem
from dfbackup_jupyter.store.index import DedupeIndex
from dfbackup_jupyter.store.manifests import Manifest, Manifests, Version
from dfbackup_jupyter.store.objects import ObjectRef, StoredObject, Tick, no_tick, read_recipe
from dfbackup_jupyter.store.packs import Packs
from dfbackup_jupyter.store.repair import repair
from dfbackup_jupyter.store.verify import Damage, Verifier
from dfbackup_jupyter.store.writer import PackVanished, PackWriter

FORMAT = 1
CHUNK_BYTES = 512 * 1024
PACK_BYTES = 256 * 2**20
DAY = 86_400.0


@dataclass(frozen=True)
class Usage:
    """What the store takes up.

    Attributes
    ----------
    bytes_used : int
        Size of all its files, those in the trash included.
    packs, manifests : int
        Number of packs and of live manifests.
    bytes_free : int
        What the user may still write on the store's disk.
    """

    bytes_used: int
    packs: int
    manifests: int
    bytes_free: int


class Store:
    """A folder that holds the backups of all notebooks of a user.

    Several processes may use it at once; nothing is locked between them. In one process there is
    one writer at a time and any number of readers. A forked child may read, not write.

    Parameters
    ----------
    root : Path
        The folder; made when it is missing.
    grace : float
        Seconds for which deleted manifests and unreferenced packs are kept.
    chunk_bytes : int
        Length of a chunk, in bytes. Not part of the format: stores with chunks of several
        lengths are fine.
    pack_bytes : int
        A pack that has grown to this size is followed by another one.
    """

    def __init__(
        self,
        root: Path,
        *,
        grace: float = DAY,
        chunk_bytes: int = CHUNK_BYTES,
        pack_bytes: int = PACK_BYTES,
    ) -> None:
        self.root = Path(root).expanduser().absolute()
        self.grace = grace
        self.pack_bytes = pack_bytes
        self.fs = Filesystem(self.root)
        self.packs = Packs(self.fs)
        self._manifests = Manifests(self.fs)
        self._cache = Cache(self.fs)
        self._chunk_bytes = chunk_bytes
        self._index = DedupeIndex(self.fs, self.packs, self._manifests, grace)
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._opened = False

    @property
    def catalog(self) -> Manifests:
        """The manifests."""
        if not self._opened:
            self.open()
        return self._manifests

    def open(self) -> Self:
        """Make the folder if it is missing, and see that it is a store that can be used.

        This happens by itself when the store is used for the first time, and before every write:
        the folder may have vanished, or have been taken over by a newer version.

        Raises
        ------
        StoreUnavailable
            The folder cannot be used, belongs to another user or is a link.
        StoreTooNew
            A newer version wrote the store.
        """
        self._opened = False
        self._open()
        self._opened = True
        return self

    def _open(self) -> None:
        self.fs.prepare()
        try:
            found = json.loads(self.fs.read("", "format"))["format"]
        except FileNotFoundError:
            others = set(self.fs.names("")) - set(FOLDERS)  # a crash may have left those
            if any(not name.startswith(".") for name in others):
                raise StoreUnavailable(
                    f"The folder {self.root} holds other files, so it cannot become a store.",
                    "Choose an empty folder with DFBACKUP_STORE.",
                ) from None
            self._make()
            return
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedData(
                f"The file {self.root / 'format'} is damaged.",
                f'It should read {{"format": {FORMAT}}}.',
            ) from error
        if found != FORMAT:
            raise StoreTooNew(
                f"The store {self.root} was written by a newer version of dfbackup-jupyter.",
                "Upgrade with: pip install --upgrade dfbackup-jupyter",
            )
        self.fs.tighten()

    def _make(self) -> None:
        self.fs.tighten()
        self.fs.make_folders()
        with contextlib.suppress(AlreadyExists):
            self.fs.create("", "format", json.dumps({"format": FORMAT}).encode())

    # objects

    @contextlib.contextmanager
    def write(self, crowded: Callable[[], bool] = lambda: False) -> Iterator[PackWriter]:
        """Stage objects: on a clean exit their packs are on the disk; on an exception, nothing is.

        Parameters
        ----------
        crowded : callable
            Whether there is no core to compress on besides the one of this thread, at the moment.

        Raises
        ------
        StoreUnavailable
            The disk is full, read-only or forbidden.
        PackVanished
            Another process took a file of this run for forgotten: stage the objects again.
        """
        self._refuse_child()
        with self._lock:
            self.open()
            self._index.refresh()
            writer = PackWriter(
                self.fs, self.packs, self._index, self._chunk_bytes, self.pack_bytes, crowded
            )
            try:
                yield writer
                writer.publish()
            finally:
                writer.close()

    def read(self, hash: str, packs: Iterable[str]) -> StoredObject:
        """Open a stored object.

        Parameters
        ----------
        hash : str
            Its `ObjectRef.hash`.
        packs : iterable of str
            The packs that its manifest names for it.

        Raises
        ------
        DamagedData
            Its description is missing or damaged.
        """
        return StoredObject(self.packs, hash, packs)

    # manifests

    def publish(self, manifest: Manifest) -> None:
        """Commit a manifest durably, then make sure that everything it names is there.

        Parameters
        ----------
        manifest : dict
            JSON. ``id`` is its name, ``objects`` maps object hashes to lists of pack IDs; the
            rest is opaque.

        Raises
        ------
        AlreadyExists
            The ID is taken.
        PackVanished
            Something it names is gone: nothing is committed, stage the objects again.
        """
        self._refuse_child()
        self.catalog.publish(manifest)
        try:
            missing = self._missing(manifest)
        except BaseException:
            self.catalog.discard(manifest["id"])
            raise
        if missing:
            self.catalog.discard(manifest["id"])
            with self._lock:
                self._index.forget(missing)
            raise PackVanished(
                "Stored data that this backup needs was cleaned up meanwhile.", "Try again."
            )

    def amend(self, manifest: Manifest) -> None:
        """Replace the description in a live manifest, which must name the same objects."""
        self._refuse_child()
        self.catalog.amend(manifest)

    def _missing(self, manifest: Manifest) -> set[str]:
        """Packs without which the manifest is not whole."""
        named = {pack for packs in manifest["objects"].values() for pack in packs}
        gone = {pack for pack in named if not self.packs.exists(pack)}
        if not gone:
            return set()
        for hash, packs in manifest["objects"].items():
            if gone.isdisjoint(packs):
                continue
            located = self.packs.locate(packs, aside=False)
            try:
                recipe = read_recipe(decode(located.chunk(bytes.fromhex(hash))))
            except DamagedData:
                return gone
            chunks = {bytes.fromhex(name) for _, _, names in recipe.blobs for name in names}
            if not all(map(located.has, chunks)):
                return gone
        return set()

    def ids(self) -> list[str]:
        """IDs of live manifests, oldest first."""
        return self.catalog.ids()

    def manifest(self, id: str) -> Manifest:
        """Return a manifest; raises `BackupNotFound`, `DamagedData` or `StoreTooNew`."""
        return self.catalog.get(id)

    def manifests(self) -> list[Manifest]:
        """All readable manifests, oldest first; do not change them, they are cached."""
        return self.catalog.all()

    def versions(self) -> dict[str, Version]:
        """ID of every live manifest, and what changes whenever its file does."""
        return self.catalog.versions()

    def remembered(self) -> Any:
        """Return what `remember` was given last, by any process, or None. It may be outdated."""
        return self._cache.read()

    def remember(self, value: Any) -> None:
        """Keep JSON that saves reading manifests; losing it does no harm."""
        if os.getpid() == self._pid:
            self._cache.write(value)

    def delete(self, id: str, *, by: str) -> None:
        """Move a manifest to the trash, and record who did it."""
        self._refuse_child()
        self.catalog.delete(id, by=by)

    def deletions(self) -> list[dict[str, Any]]:
        """What was deleted: ``id``, ``name``, ``kind``, ``when``, ``by``; oldest first."""
        return self.catalog.deletions()

    def discard(self, id: str) -> None:
        """Remove a manifest without trash or record: for rolling ones only."""
        self._refuse_child()
        self.catalog.discard(id)

    # care

    def collect(self) -> Collected:
        """Remove what no backup needs any more, beside processes that write.

        What was deleted leaves the disk in steps of one grace period each: the manifest leaves
        the trash, its packs are set aside, the packs are unlinked.
        """
        self._refuse_child()
        return Collector(self.fs, self.packs, self.catalog, self.grace, self.pack_bytes).run()

    def verify(self, ids: Iterable[str] | None = None, *, tick: Tick | None = None) -> list[Damage]:
        """Read and check all stored bytes of some backups, or of the whole store.

        Parameters
        ----------
        ids : iterable of str, optional
            Which backups; all of them, and everything else in the store, if not given.
        tick : callable, optional
            Called with the raw size of every chunk checked.
        """
        self.packs.forget()
        found = Verifier(self.packs, self.catalog, tick).run(ids)
        if found:
            with self._lock:
                self._index.reread()
        return found

    def repair(self) -> None:
        """Take what `verify` found damaged out of the store; what is sound in it stays.

        Raises
        ------
        StoreUnavailable
            The disk is full, read-only or forbidden.
        """
        self._refuse_child()
        with self._lock:
            repair(self.fs, self.packs, self.catalog)
            self._index.reread()

    def lost(self, ref: ObjectRef, packs: Iterable[str] | None = None) -> bool:
        """Whether part of an object is known to be damaged where it was stored.

        Parameters
        ----------
        packs : iterable of str, optional
            The packs that a manifest names for it; those of `ref` by default.
        """
        chunks = {ref.hash, *(chunk for blob in ref.blobs for chunk in blob.chunks)}
        return self.packs.lost(map(bytes.fromhex, chunks), ref.packs if packs is None else packs)

    def usage(self, manifests: Mapping[str, Version] | None = None) -> Usage:
        """How much the store holds, and how much more its disk could.

        Parameters
        ----------
        manifests : mapping, optional
            What `versions` has just returned, so as not to ask for it again.
        """
        manifests = self.versions() if manifests is None else manifests
        stats = {folder: self.fs.stats(folder) for folder in FOLDERS if folder != "manifests"}
        others = sum(status.st_size for found in stats.values() for status in found.values())
        return Usage(
            bytes_used=others + sum(version.size for version in manifests.values()),
            packs=len(stats["packs"]),
            manifests=len(manifests),
            bytes_free=self.fs.free(),
        )

    # archives

    def export(self, id: str, file: Path, *, tick: Tick | None = None) -> None:
        """Write one backup to a ``.zip`` file; a file of that name is replaced.

        Parameters
        ----------
        tick : callable, optional
            Called with the raw size of every chunk written; each chunk is written once.

        Raises
        ------
        BackupNotFound
            There is no such backup.
        DamagedData
            Part of it is lost.
        ArchiveError
            The file cannot be written.
        """
        archive.export(self.packs, self.manifest(id), Path(file), tick or no_tick)

    def import_(
        self, file: Path, *, rewrite: Callable[[Manifest], Manifest], tick: Tick | None = None
    ) -> Manifest:
        """Take a backup from a ``.zip`` file that may come from anyone.

        Everything is checked before anything is published, and nothing is unpickled.

        Parameters
        ----------
        file : Path
            What `export` wrote.
        rewrite : callable
            Turns the foreign manifest, all of whose content is untrusted, into ours (with a new
            ID). It may drop ``objects``.
        tick : callable, optional
            Called with the raw size of every chunk read.

        Returns
        -------
        dict
            The manifest as published.

        Raises
        ------
        ArchiveError
            The file is not a backup, is damaged, or is not what `export` would have written.
        """
        tick = tick or no_tick
        with archive.opened(Path(file)) as found:
            manifest = rewrite(copy.deepcopy(found.manifest))
            hashes = [hash for hash in found.objects if hash in manifest["objects"]]
            with self.write() as writer:
                for chunk in found.chunks(hashes):
                    writer.add_chunk(chunk)
                    tick(chunk.raw)
                manifest["objects"] = {
                    hash: sorted(writer.homes(found.names(hash))) for hash in hashes
                }
        self.publish(manifest)
        return manifest

    def _refuse_child(self) -> None:
        if os.getpid() != self._pid:
            raise StoreUnavailable("A forked process does not write backups.")
