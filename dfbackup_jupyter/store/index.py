"""Which chunks need not be written again."""

from __future__ import annotations

from collections.abc import Iterable

from dfbackup_jupyter.errors import StoreError
from dfbackup_jupyter.store.filesystem import Filesystem
from dfbackup_jupyter.store.manifests import Manifests
from dfbackup_jupyter.store.packs import Packs


class DedupeIndex:
    """Chunks in packs that a live manifest names, or that this process staged a moment ago.

    The mere existence of a file is no reason to rely on it: the collector may be about to remove
    it. Used by one writer at a time.

    Parameters
    ----------
    grace : float
        Seconds for which the collector leaves unreferenced packs alone. Packs that this process
        staged are relied on for half of that.
    """

    def __init__(self, fs: Filesystem, packs: Packs, manifests: Manifests, grace: float) -> None:
        self._fs = fs
        self._packs = packs
        self._manifests = manifests
        self._grace = grace
        self._own: set[str] = set()
        self._names: dict[str, list[bytes]] = {}
        self._where: dict[bytes, tuple[str, int]] = {}

    def get(self, name: bytes) -> tuple[str, int] | None:
        """Return the pack of a chunk and its stored size, if it can be relied on."""
        return self._where.get(name)

    def protect(self, pack: str) -> None:
        """Rely on a pack that this process has just published."""
        self._own.add(pack)
        self._add(pack)

    def refresh(self) -> None:
        """Look at the disk: forget packs that are no longer safe, learn those that now are."""
        present = self._packs.present()
        named = {
            pack
            for manifest in self._manifests.all()
            for packs in manifest["objects"].values()
            for pack in packs
        }
        self._own = {pack for pack in self._own & present if self._young(pack)}
        # What a missing pack held may be in another one by now.
        moved = self._packs.resolve(named - present, aside=False) if named - present else ()
        wanted = (named & present) | set(moved) | self._own
        for pack in self._names.keys() - wanted:
            self._drop(pack)
        for pack in wanted - self._names.keys():
            self._add(pack)

    def forget(self, packs: Iterable[str]) -> None:
        """Stop relying on packs, whoever names them."""
        for pack in packs:
            self._own.discard(pack)
            self._drop(pack)

    def _young(self, pack: str) -> bool:
        status = self._fs.status("packs", f"{pack}.pack")
        return status is not None and self._fs.now() - status.st_mtime < self._grace / 2

    def _add(self, pack: str) -> None:
        try:
            entries = self._packs.index(pack).entries
        except (FileNotFoundError, StoreError):
            return
        self._names[pack] = list(entries)
        for name, entry in entries.items():
            self._where.setdefault(name, (pack, entry.stored))

    def _drop(self, pack: str) -> None:
        for name in self._names.pop(pack, ()):
            if self._where.get(name, ("",))[0] == pack:
                del self._where[name]
