"""What lists, searches and sums need to know of every backup, without reading them all.

The folder of manifests is the truth: whoever looks asks it anew. Only what a file of the same
name, time, size and inode said before is not read again, here or in a later process.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, NamedTuple

from dfbackup_jupyter.backup import Backup
from dfbackup_jupyter.errors import (
    BackupNotFound,
    DamagedData,
    InvalidRequest,
    StoreError,
    StoreTooNew,
)
from dfbackup_jupyter.staging import read_backup
from dfbackup_jupyter.store import Store, Version

logger = logging.getLogger(__name__)

_FORMAT = 2
_WORTHWHILE = 100  # backups; so many are read about as fast as the cache is written
_COARSE = 2_000_000_000  # ns; some file systems tell time no better


class Summary(NamedTuple):
    """A backup in short.

    Attributes
    ----------
    key : str
        The store's name of its manifest.
    when : float
        Seconds since 1970.
    created : str
        The same in ISO 8601, with the zone it was made in.
    names : tuple of str
        Every name of each of its frames.
    """

    key: str
    id: str
    name: str
    kind: str
    when: float
    created: str
    session: str
    notebook: str
    bytes_raw: int
    names: tuple[str, ...]


Known = tuple[Version, Summary | DamagedData | None]


class Listing:
    """The backups of a store as its folder says now. Any thread may use it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[str, Known] | None = None
        self._versions: dict[str, Version] = {}
        self._newest_first: list[Summary] = []
        self._backups: dict[str, tuple[Version, Backup]] = {}
        self._unsaved = 0

    @property
    def versions(self) -> dict[str, Version]:
        """The manifests at the last look."""
        return self._versions

    def look(self) -> list[Summary]:
        """Return every backup that can be understood, the newest first; do not change the list.

        One that cannot is left out, with one warning.
        """
        with _uncollected():
            return self._look()

    def _look(self) -> list[Summary]:
        versions = self._store.versions()
        with self._lock:
            if self._known is None:
                self._known = dict(self._remembered())
            if versions != self._versions:
                # In the order of the last time, which leaves little to sort.
                known = {k: one for k, one in self._known.items() if one[0] == versions.get(k)}
                for key in versions.keys() - known.keys():
                    known[key] = self._look_at(key, versions[key])
                self._known, self._versions = known, versions
                self._backups = {key: self._backups[key] for key in self._backups & known.keys()}
                found = [one for _, one in known.values() if isinstance(one, Summary)]
                found.sort(key=attrgetter("when", "id"), reverse=True)
                self._newest_first = found
                if self._unsaved > _WORTHWHILE:
                    self._remember(found)
                    self._unsaved = 0
            return self._newest_first

    def get(self, summary: Summary) -> Backup:
        """Read a backup whole.

        Raises
        ------
        BackupNotFound, DamagedData, StoreTooNew
            It is gone or cannot be read by now.
        """
        version = self._versions.get(summary.key)
        known = self._backups.get(summary.key)
        if known is not None and known[0] == version:
            return known[1]
        backup = read_backup(self._store.manifest(summary.key))
        if version is not None:
            self._backups[summary.key] = version, backup
        return backup

    def read(self, summaries: Iterable[Summary]) -> Iterator[Backup]:
        """Read backups whole, but for those that are gone or cannot be read by now."""
        for summary in summaries:
            try:
                yield self.get(summary)
            except BackupNotFound:
                continue
            except (DamagedData, StoreTooNew) as error:
                _warn(summary.key, error)

    def unreadable(self) -> dict[str, DamagedData]:
        """Return what is wrong with each backup that cannot be understood, by ID."""
        self.look()
        known = (self._known or {}).items()
        return {key: found for key, (_, found) in known if isinstance(found, DamagedData)}

    def _look_at(self, key: str, version: Version) -> Known:
        self._unsaved += 1
        found = self._read(key)
        if not isinstance(found, Backup):
            return version, found
        self._backups[key] = version, found
        return version, _summary(key, found)

    def _read(self, key: str) -> Backup | DamagedData | None:
        try:
            manifest = self._store.manifest(key)
        except (BackupNotFound, DamagedData, InvalidRequest, StoreTooNew):
            return None
        try:
            return read_backup(manifest)
        except DamagedData as error:
            _warn(key, error)
            return error

    def _remember(self, found: Iterable[Summary]) -> None:
        try:
            settled = self._store.fs.now() * 1e9 - _COARSE
        except StoreError:
            return  # read-only or full
        names: dict[tuple[str, ...], int] = {}
        entries = [
            (*version, names.setdefault(one.names, len(names)), *one[:-1])
            for one in found
            # What changed just now might change again and look the same.
            if (version := self._versions[one.key]).changed < settled
        ]
        columns = list(zip(*entries, strict=True))  # fewer objects to read than a list for each
        self._store.remember({"format": _FORMAT, "names": list(names), "columns": columns})

    def _remembered(self) -> Iterator[tuple[str, Known]]:
        try:
            found: Any = self._store.remembered()
            if found is None or found["format"] != _FORMAT:
                return
            names = [tuple(one) for one in found["names"]]
            for entry in zip(*found["columns"], strict=True):
                summary = Summary._make((*entry[4:], names[entry[3]]))
                yield summary.key, (Version._make(entry[:3]), summary)
        except (ValueError, TypeError, KeyError, IndexError):
            return


@contextmanager
def _uncollected() -> Iterator[None]:
    """Have no garbage collected: ten thousand new objects, and all of the user's, hold none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _summary(key: str, backup: Backup) -> Summary:
    return Summary(
        key=key,
        id=backup.id,
        name=backup.name,
        kind=str(backup.kind),
        when=backup.created.timestamp(),
        created=backup.created.isoformat(),
        session=backup.session,
        notebook=backup.notebook,
        bytes_raw=backup.bytes_raw,
        names=tuple(name for frame in backup.frames for name in frame.names),
    )


def _warn(key: str, error: Exception) -> None:
    logger.warning("The backup %s is left out. %s", key, error)
