"""Reads everything and says what is damaged, and which backups that concerns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dfbackup_jupyter.errors import BackupError, BackupNotFound, DamagedData
from dfbackup_jupyter.store import pack
from dfbackup_jupyter.store.codecs import decode
from dfbackup_jupyter.store.manifests import Manifest, Manifests
from dfbackup_jupyter.store.objects import Recipe, Tick, no_tick, read_recipe
from dfbackup_jupyter.store.packs import Packs


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it was written.

    Attributes
    ----------
    id : str or None
        The backup concerned; None when no backup needs what is damaged.
    object : str or None
        Hash of the object concerned; None when it is the whole backup.
    blob : int or None
        Which of its blobs; None when it is its description, or the file around sound data.
    what : str
        What is wrong.
    """

    id: str | None
    object: str | None
    blob: int | None
    what: str


class Verifier:
    """One verification, with fresh eyes: it uses nothing that was read before."""

    def __init__(self, packs: Packs, catalog: Manifests, tick: Tick | None) -> None:
        self._packs = packs
        self._catalog = catalog
        self._tick: Tick = tick or no_tick
        self._checked: set[tuple[str, bytes]] = set()
        self._bad: dict[tuple[str, bytes], str] = {}
        self._faults: dict[str, tuple[str, ...]] = {}
        self._blamed: set[str] = set()

    def run(self, ids: Iterable[str] | None) -> list[Damage]:
        """Check the given backups, or, without `ids`, every byte of the store."""
        found: list[Damage] = []
        for id, manifest in self._wanted(ids):
            if isinstance(manifest, dict):
                for hash, packs in manifest["objects"].items():
                    found += self._object(id, hash, packs)
            else:
                found.append(Damage(id, None, None, manifest.message))
        if ids is None:
            for id, manifest in self._catalog.trashed():
                if not isinstance(manifest, dict):
                    found.append(Damage(id, None, None, f"Deleted already: {manifest.message}"))
            for pack_id in sorted(self._packs.present()):
                found += self._leftovers(pack_id)
        return found

    def _wanted(self, ids: Iterable[str] | None) -> Iterable[tuple[str, Manifest | BackupError]]:
        found: dict[str, Manifest | BackupError] = {}
        for id in self._catalog.ids() if ids is None else ids:
            try:
                found[id] = self._catalog.get(id)
            except BackupNotFound as error:
                if ids is not None:  # otherwise it was replaced or deleted just now
                    found[id] = error
            except BackupError as error:
                found[id] = error
        return found.items()

    def _object(self, id: str, hash: str, named: list[str]) -> list[Damage]:
        places = self._packs.resolve(named)
        what = self._chunk(bytes.fromhex(hash), places)
        if what is None:
            recipe = read_recipe(decode(self._packs.locate(named).chunk(bytes.fromhex(hash))))
            found = self._blobs(id, hash, recipe, places)
        else:
            found = [Damage(id, hash, None, f"Its description is lost: {what}.")]
        for place in places:
            for fault in self._faults.get(place, ()):
                self._blamed.add(place)
                found.append(Damage(id, hash, None, f"Pack {place}: {fault}."))
        return found

    def _blobs(self, id: str, hash: str, recipe: Recipe, places: list[str]) -> list[Damage]:
        found = []
        for i, (nbytes, _, chunks) in enumerate(recipe.blobs):
            faults = [what for c in chunks if (what := self._chunk(bytes.fromhex(c), places))]
            if not faults and nbytes != sum(self._raw(c, places) for c in chunks):
                faults = ["its length is not what was written"]
            if faults:
                found.append(Damage(id, hash, i, f"Data is lost: {faults[0]}."))
        return found

    def _raw(self, chunk: str, places: list[str]) -> int:
        name = bytes.fromhex(chunk)
        for place in places:
            if name in (entries := self._index(place).entries):
                return entries[name].raw
        return len(decode(self._packs.locate(places).chunk(name)))

    def _chunk(self, name: bytes, places: list[str]) -> str | None:
        """Check every copy of a chunk; say what is wrong when none is sound."""
        what: str | None = "it is missing from the store"
        sound = False
        for place in places:
            if name not in self._index(place).entries:
                continue
            if (place, name) not in self._checked:
                self._check(place, name)
            found = self._bad.get((place, name))
            sound = sound or found is None
            what = found or what
        if sound or self._elsewhere(name, places):
            return None
        self._blamed.update(place for place in places if (place, name) in self._bad)
        return what

    def _elsewhere(self, name: bytes, places: list[str]) -> bool:
        try:
            self._packs.locate(places).chunk(name)
        except DamagedData:
            return False
        return True

    def _check(self, place: str, name: bytes) -> None:
        self._checked.add((place, name))
        entry = self._index(place).entries[name]
        try:
            with self._packs.open(place) as reader:
                decode(pack.read_chunk(reader, name, entry))
                try:
                    pack.check_chunk_header(reader, name, entry)
                except DamagedData as damage:
                    self._faults[place] = (*self._faults[place], damage.message)
                    self._packs.mar(place)
        except FileNotFoundError:
            self._bad[place, name] = "its pack is gone"
        except DamagedData as damage:
            self._bad[place, name] = damage.message
            self._packs.condemn(place, name)
        self._tick(entry.raw)

    def _index(self, place: str) -> pack.PackIndex:
        try:
            index = self._packs.index(place)
        except FileNotFoundError:
            index = pack.PackIndex({}, frozenset(), 0, ())
        self._faults.setdefault(place, index.faults)
        return index

    def _leftovers(self, place: str) -> list[Damage]:
        """Damage to what no backup needs (or to a copy, when another one is sound)."""
        for name in self._index(place).entries:
            if (place, name) not in self._checked:
                self._check(place, name)
        faults = () if place in self._blamed else self._faults[place]
        bad = {what for (pack, _), what in self._bad.items() if pack == place}
        if place in self._blamed:
            bad = set()
        return [
            Damage(None, None, None, f"Pack {place}: {what}.") for what in [*faults, *sorted(bad)]
        ]
