"""Which chunks need not be written again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dfbackup_jupyter.errors import BackupError, StoreError
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
        self._manifest_packs: dict[str, frozenset[str]] = {}
        self._named: Counter[str] = Counter()
        self._names: dict[str, list[bytes]] = {}
        self._where: dict[bytes, tuple[str, int]] = {}

    def get(self, name: bytes) -> tuple[str, int] | None:
        """Return the pack of a chunk and its stored size, if it can be relied on."""
        found = self._where.get(name)
        return found if found and self._packs.is_sound(found[0], name) else None

    def protect(self, pack: str) -> None:
        """Rely on a pack that this process has just published."""
        self._own.add(pack)
        self._add(pack)

    def refresh(self) -> None:
        """Look at the disk: forget packs that are no longer safe, learn those that now are."""
        self._follow_manifests()
        present = self._packs.present()
        named = self._named.keys()
        self._own = self._young(self._own & present)
        # What a missing pack held may be in another one by now.
        moved = self._packs.resolve(named - present, aside=False) if named - present else ()
        wanted = (named & present) | set(moved) | self._own
        for pack in self._names.keys() - wanted:
            self._drop(pack)
        for pack in wanted - self._names.keys():
            self._add(pack)

    def reread(self) -> None:
        """Believe nothing that was known of the packs: the next look is at the disk."""
        for pack in list(self._names):
            self._drop(pack)

    def forget(self, packs: Iterable[str]) -> None:
        """Stop relying on packs, whoever names them."""
        for pack in packs:
            self._own.discard(pack)
            self._drop(pack)

    def _follow_manifests(self) -> None:
        """Count which packs live manifests name; only new ones are read, as none ever changes."""
        live = set(self._manifests.ids())
        for id in self._manifest_packs.keys() - live:
            self._named -= Counter(self._manifest_packs.pop(id))
        for id in live - self._manifest_packs.keys():
            try:
                objects = self._manifests.get(id)["objects"]
            except BackupError:
                objects = {}
            packs = frozenset(pack for packs in objects.values() for pack in packs)
            self._manifest_packs[id] = packs
            self._named.update(packs)

    def _young(self, packs: set[str]) -> set[str]:
        if not packs:
            return packs
        oldest = self._fs.now() - self._grace / 2
        found = {pack: self._fs.status("packs", f"{pack}.pack") for pack in packs}
        return {pack for pack, status in found.items() if status and status.st_mtime > oldest}

    def _add(self, pack: str) -> None:
        try:
            entries = self._packs.index(pack).entries
        except (FileNotFoundError, StoreError):
            return
        self._names[pack] = list(entries)
        for name, entry in entries.items():
            if self.get(name) is None:
                self._where[name] = pack, entry.stored

    def _drop(self, pack: str) -> None:
        for name in self._names.pop(pack, ()):
            if self._where.get(name, ("",))[0] == pack:
                del self._where[name]
