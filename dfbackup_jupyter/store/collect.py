"""Garbage collection and compaction, safe beside processes that write.

Nothing is locked. What keeps every published backup readable:

- a pack is only ever set aside first, where readers still find it, and unlinked one grace period
  later, after another look at all manifests has shown that nothing needs it; otherwise it is put
  back;
- `Store.publish` checks, *after* the manifest is visible, that its packs are in their place. So
  either the look before unlinking sees the manifest, or the publisher sees that the pack is gone
  and withdraws;
- every move aside gets a name of its own, so that a slow collector cannot unlink what another one
  has put back and set aside again;
- ages are differences between the storage's own timestamps, so that no wrong clock matters.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dfbackup_jupyter.errors import DamagedData, StoreError
from dfbackup_jupyter.store.codecs import decode
from dfbackup_jupyter.store.filesystem import Filesystem
from dfbackup_jupyter.store.manifests import Manifest, Manifests
from dfbackup_jupyter.store.objects import read_recipe
from dfbackup_jupyter.store.packs import MERGED, Packs, pack_id
from dfbackup_jupyter.store.writer import PackFile

_MOSTLY_DEAD = 0.5


@dataclass(frozen=True)
class Collected:
    """What a garbage collection did.

    Attributes
    ----------
    packs : int
        Packs removed from the disk.
    bytes_freed : int
        Their size, and that of other leftovers removed.
    bytes_pending : int
        Size of packs that nothing needs any more; they are removed when the grace is over.
    blocked : tuple of str
        IDs of backups whose manifests cannot be read. As long as there are any, nothing is
        removed, because nobody knows what they need.
    """

    packs: int
    bytes_freed: int
    bytes_pending: int
    blocked: tuple[str, ...]


@dataclass
class _Live:
    """What the manifests need: chunk names by pack, and packs to be kept whole."""

    chunks: dict[str, set[bytes]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)

    def needs(self, pack: str) -> bool:
        return pack in self.whole or pack in self.chunks


class Collector:
    """One garbage collection."""

    def __init__(
        self, fs: Filesystem, packs: Packs, catalog: Manifests, grace: float, pack_bytes: int
    ) -> None:
        self._fs = fs
        self._packs = packs
        self._catalog = catalog
        self._grace = grace
        self._pack_bytes = pack_bytes
        self._removed = 0
        self._freed = 0

    def run(self) -> Collected:
        now = self._fs.now()

        def old(status: os.stat_result) -> bool:
            return now - status.st_mtime >= self._grace

        for folder in ("tmp", "trash"):
            for name, status in self._fs.stats(folder).items():
                if old(status):
                    self._unlink(folder, name, status.st_size)
        # The data is listed first and marked second: what is published meanwhile is not listed.
        in_place, aside = self._fs.stats("packs"), self._fs.stats("aside")
        manifests, blocked = self._manifests()
        if blocked:
            return Collected(0, self._freed, 0, tuple(blocked))
        live = self._mark(manifests)

        for name, status in aside.items():
            if live.needs(pack_id(name)):
                if not self._packs.exists(pack_id(name)):
                    self._put_back(name)
            elif old(status) and self._unlink("aside", name, status.st_size):
                self._removed += 1

        sizes = {pack_id(name): status.st_size for name, status in in_place.items()}
        candidates = [pack_id(name) for name, status in in_place.items() if old(status)]
        for group in self._groups(candidates, sizes, live):
            if self._merge(group, live):
                for pack in group:
                    self._set_aside(pack)
        for pack in candidates:
            if not live.needs(pack):
                self._set_aside(pack)
        pending = sum(status.st_size for status in self._fs.stats("aside").values())
        return Collected(self._removed, self._freed, pending, ())

    def _manifests(self) -> tuple[list[Manifest], list[str]]:
        # Live ones first: one that is deleted meanwhile is then met in the trash.
        readable, blocked = [], []
        for look in (self._catalog.look, self._catalog.trashed):
            for id, found in look():
                if isinstance(found, dict):
                    readable.append(found)
                else:
                    blocked.append(id)
        return readable, blocked

    def _mark(self, manifests: Iterable[Manifest]) -> _Live:
        live = _Live()
        present = self._packs.present()
        aside = {pack_id(name) for name in self._fs.names("aside")}
        replacements = self._packs.replacements(present, aside)
        names: dict[str, frozenset[bytes]] = {}

        def held_by(pack: str) -> frozenset[bytes]:
            if pack not in names:
                try:
                    names[pack] = frozenset(self._packs.index(pack).entries)
                except FileNotFoundError:
                    names[pack] = frozenset()
            return names[pack]

        def place(pack: str) -> tuple[bool, bool, str]:
            # Every process must prefer the same copy of a chunk, and one that took over from
            # another pack, so that the other copies become dead.
            return pack not in present, not pack.startswith(MERGED), pack

        objects = {
            (hash, frozenset(packs))
            for manifest in manifests
            for hash, packs in manifest["objects"].items()
        }
        for hash, named in objects:
            live.named |= named
            places = named.union(*(replacements.get(pack, ()) for pack in named))
            places &= present | aside
            ordered = sorted(places, key=place)
            try:
                recipe = read_recipe(decode(self._packs.locate(named).chunk(bytes.fromhex(hash))))
            except DamagedData:
                live.whole |= places
                continue
            needed = {bytes.fromhex(c) for _, _, chunks in recipe.blobs for c in chunks}
            needed.add(bytes.fromhex(hash))
            for pack in ordered:
                if found := needed & held_by(pack):
                    live.chunks.setdefault(pack, set()).update(found)
                    needed -= found
        return live

    def _groups(
        self, candidates: Iterable[str], sizes: dict[str, int], live: _Live
    ) -> Iterator[list[str]]:
        """Mostly dead packs, in groups whose live chunks fill one new pack."""
        group: list[str] = []
        filled = 0
        for pack in sorted(candidates):
            if pack in live.whole or pack not in live.chunks:
                continue
            try:
                entries = self._packs.index(pack).entries
            except FileNotFoundError:
                continue
            size = sum(entries[name].stored for name in live.chunks[pack])
            if size >= _MOSTLY_DEAD * sizes[pack]:
                continue
            group.append(pack)
            filled += size
            if filled >= self._pack_bytes:
                yield group
                group, filled = [], 0
        if group:
            yield group

    def _merge(self, group: list[str], live: _Live) -> bool:
        """Copy the live chunks of some packs to a new one; False when one cannot be read."""
        replaces = set(group)
        for pack in group:
            replaces |= self._packs.index(pack).replaces & live.named
        merged = PackFile(self._fs, MERGED + secrets.token_hex(16), replaces)
        try:
            for pack in group:
                located = self._packs.locate([pack])
                for name in sorted(
                    live.chunks[pack], key=lambda name: located.find(name)[1].offset
                ):
                    merged.add(located.chunk(name))
            merged.finish()
            merged.publish()
        except (DamagedData, FileNotFoundError):
            merged.discard()
            return False
        except BaseException:
            merged.discard()
            raise
        return True

    def _set_aside(self, pack: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # another collector was faster
            self._fs.touch("packs", f"{pack}.pack")  # aside, age counts from now
            token = secrets.token_hex(8)
            self._fs.move("packs", f"{pack}.pack", "aside", f"{pack}.{token}.pack")

    def _put_back(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # another collector was faster
            self._fs.move("aside", name, "packs", f"{pack_id(name)}.pack")

    def _unlink(self, folder: str, name: str, size: int) -> bool:
        try:
            removed = self._fs.remove(folder, name)
        except StoreError:
            return False
        self._freed += size if removed else 0
        return removed
