"""All packs of a store: where a chunk is, also after its pack was replaced or set aside."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.store import pack
from dfbackup_jupyter.store.codecs import Chunk, decode
from dfbackup_jupyter.store.filesystem import Filesystem, Reader
from dfbackup_jupyter.store.pack import Entry, PackIndex

MERGED = "m"
"""First letter of the IDs of packs that replace others; only their headers need searching."""

_CACHED = 256


class Packs:
    """Reads chunks out of packs; may be shared by threads."""

    def __init__(self, fs: Filesystem) -> None:
        self._fs = fs
        self._lock = threading.Lock()
        self._indexes: OrderedDict[str, PackIndex] = OrderedDict()
        self._replaces: dict[str, frozenset[str]] = {}
        self._bad: set[tuple[str, bytes]] = set()
        self._marred: set[str] = set()

    def condemn(self, pack: str, name: bytes) -> None:
        """Note that a pack's copy of a chunk is not what was written: nobody relies on it now."""
        self._bad.add((pack, name))

    def mar(self, pack: str) -> None:
        """Note that a pack is damaged between its chunks."""
        self._marred.add(pack)

    def damaged(self) -> set[str]:
        """IDs of the packs that something bad is known of."""
        with_faults = {id for id, index in self._indexes.items() if index.faults}
        return with_faults.union(self._marred, (pack for pack, _ in self._bad))

    def is_sound(self, pack: str, name: bytes) -> bool:
        """Whether nothing bad is known of a pack's copy of a chunk."""
        return (pack, name) not in self._bad

    def lost(self, names: Iterable[bytes], packs: Iterable[str]) -> bool:
        """Whether one of the chunks is known to be damaged, and not sound in another pack."""
        if not self._bad:
            return False
        packs = set(packs)
        for name in names:
            sound = {pack for pack in packs if self.is_sound(pack, name)}
            if sound != packs and not any(self._has(pack, name) for pack in sound):
                return True
        return False

    def _has(self, pack: str, name: bytes) -> bool:
        try:
            return name in self.index(pack).entries
        except FileNotFoundError:
            return False

    def present(self) -> set[str]:
        """IDs of the packs that are in their place."""
        return {pack_id(name) for name in self._fs.names("packs")}

    def exists(self, pack: str) -> bool:
        return self._fs.exists("packs", f"{pack}.pack")

    def open(self, pack: str) -> Reader:
        """Open a pack, also one that the collector has set aside; `FileNotFoundError` if gone."""
        for _ in range(2):  # it may move between the two looks
            try:
                return self._fs.reader("packs", f"{pack}.pack")
            except FileNotFoundError:
                for name in self._fs.names("aside"):
                    if pack_id(name) == pack:
                        try:
                            return self._fs.reader("aside", name)
                        except FileNotFoundError:
                            continue
        raise FileNotFoundError(pack)

    def index(self, pack_id: str) -> PackIndex:
        """What a pack holds; `FileNotFoundError` if it is gone."""
        with self._lock:
            if (known := self._indexes.get(pack_id)) is not None:
                self._indexes.move_to_end(pack_id)
                return known
        with self.open(pack_id) as reader:
            index = pack.load(reader)
        with self._lock:
            self._indexes[pack_id] = index
            if len(self._indexes) > _CACHED:
                self._indexes.popitem(last=False)
        return index

    def forget(self) -> None:
        """Drop what is cached, so that the next look is at the disk."""
        with self._lock:
            self._indexes.clear()

    def replacements(self, present: set[str], aside: set[str]) -> dict[str, set[str]]:
        """Which of the packs there are took over from which."""
        found: dict[str, set[str]] = {}
        for merged in sorted(present | aside):
            if not merged.startswith(MERGED):
                continue
            if merged not in self._replaces:
                try:
                    with self.open(merged) as reader:
                        self._replaces[merged] = pack.load_replaces(reader)
                except FileNotFoundError:
                    continue
            for old in self._replaces[merged]:
                found.setdefault(old, set()).add(merged)
        return found

    def resolve(self, named: Iterable[str], *, aside: bool = True) -> list[str]:
        """Return the packs that now hold what the `named` ones held.

        Parameters
        ----------
        aside : bool
            Whether packs that the collector has set aside count.
        """
        named = set(named)
        missing = {pack for pack in named if not self.exists(pack)}
        found = sorted(named - missing)
        if missing:
            present = self.present()
            set_aside = {pack_id(name) for name in self._fs.names("aside")} if aside else set()
            replacements = self.replacements(present, set_aside)
            taken_over = set().union(*(replacements.get(pack, ()) for pack in missing))
            found += sorted(taken_over - set(found))
            found += sorted((missing & (present | set_aside)) - set(found))
        return found

    def locate(self, named: Iterable[str], *, aside: bool = True) -> Located:
        """Make the chunks of the `named` packs readable by their names."""
        return Located(self, named, aside=aside)


class Located:
    """The chunks of some packs, found by name wherever they are now; may be shared by threads."""

    def __init__(self, packs: Packs, named: Iterable[str], *, aside: bool) -> None:
        self._packs = packs
        self._named = frozenset(named)
        self._aside = aside
        self._look()

    def _look(self) -> None:
        indexes: dict[str, PackIndex] = {}
        for pack_id in self._packs.resolve(self._named, aside=self._aside):
            try:
                index = self._packs.index(pack_id)
            except FileNotFoundError:
                continue
            indexes[pack_id] = index
        # Replaced as a whole and never changed: another thread may be reading it.
        self._indexes = indexes

    def has(self, name: bytes) -> bool:
        """Whether a chunk is in one of the packs."""
        return any(name in index.entries for index in self._indexes.values())

    def find(self, name: bytes) -> tuple[str, Entry]:
        """Return a chunk's pack, and how it is stored there; `DamagedData` when it is nowhere."""
        for pack_id, index in self._indexes.items():
            if (entry := index.entries.get(name)) is not None:
                return pack_id, entry
        raise DamagedData("it is missing from the store")

    def chunk(self, name: bytes) -> Chunk:
        """Read a chunk whose stored bytes decode to what was written, from any pack that has it."""
        damage = DamagedData("it is missing from the store")
        for again in (False, True):
            if again:
                self._look()
            for pack_id, index in self._indexes.items():
                if (entry := index.entries.get(name)) is None:
                    continue
                try:
                    with self._packs.open(pack_id) as reader:
                        chunk = pack.read_chunk(reader, name, entry)
                    decode(chunk)
                    return chunk
                except FileNotFoundError:
                    continue
                except DamagedData as found:
                    self._packs.condemn(pack_id, name)
                    damage = found
        return self._elsewhere(name, damage)

    def _elsewhere(self, name: bytes, damage: DamagedData) -> Chunk:
        """Read a chunk from a pack that is not among the named ones: content is content."""
        for pack_id in sorted(self._packs.present() - self._indexes.keys()):
            try:
                entry = self._packs.index(pack_id).entries.get(name)
                if entry is None:
                    continue
                with self._packs.open(pack_id) as reader:
                    chunk = pack.read_chunk(reader, name, entry)
                decode(chunk)
            except FileNotFoundError:
                continue
            except DamagedData:
                self._packs.condemn(pack_id, name)
            else:
                return chunk
        raise damage


def pack_id(name: str) -> str:
    """ID of the pack in a file called `name`, in its place or aside."""
    return name.split(".", 1)[0]
