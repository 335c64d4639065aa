"""The store: objects in packs, and the manifests that name them."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dfbackup_jupyter.errors import DamagedData, StoreError, StoreTooNew, StoreUnavailable
from dfbackup_jupyter.store.codecs import decode
from dfbackup_jupyter.store.filesystem import AlreadyExists, Filesystem
from dfbackup_jupyter.store.index import DedupeIndex
from dfbackup_jupyter.store.manifests import Manifest, Manifests
from dfbackup_jupyter.store.objects import StoredObject, read_recipe
from dfbackup_jupyter.store.packs import Packs
from dfbackup_jupyter.store.writer import PackWriter

FORMAT = 1
CHUNK_BYTES = 512 * 1024
PACK_BYTES = 256 * 2**20
DAY = 86_400.0


class PackVanished(StoreError):
    """A pack that a manifest needs was cleaned up before the manifest was there: stage again."""


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

    Raises
    ------
    StoreUnavailable
        The folder cannot be used, belongs to another user or is a link.
    StoreTooNew
        A newer version wrote the store.
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
        self.catalog = Manifests(self.fs)
        self._chunk_bytes = chunk_bytes
        self._index = DedupeIndex(self.fs, self.packs, self.catalog, grace)
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._open()

    def _open(self) -> None:
        self.fs.prepare()
        try:
            found = json.loads(self.fs.read("", "format"))["format"]
        except FileNotFoundError:
            if any(not name.startswith(".") for name in self.fs.names("")):
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

    def _make(self) -> None:
        self.fs.make_folders()
        with contextlib.suppress(AlreadyExists):
            self.fs.create("", "format", json.dumps({"format": FORMAT}).encode())

    # objects

    @contextlib.contextmanager
    def write(self) -> Iterator[PackWriter]:
        """Stage objects: on a clean exit their packs are on the disk; on an exception, nothing is.

        Raises
        ------
        StoreUnavailable
            The disk is full, read-only or forbidden.
        """
        self._refuse_child()
        with self._lock:
            self._index.refresh()
            writer = PackWriter(
                self.fs, self.packs, self._index, self._chunk_bytes, self.pack_bytes
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

    def _missing(self, manifest: Manifest) -> set[str]:
        """Packs without which the manifest is not whole."""
        named = {pack for packs in manifest["objects"].values() for pack in packs}
        gone = named - self.packs.present()
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
            if not chunks <= located.where.keys():
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

    def _refuse_child(self) -> None:
        if os.getpid() != self._pid:
            raise StoreUnavailable("A forked process does not write backups.")
