"""Finding backups: by ID, by the beginning of one, by name, or as the last."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable

from dfbackup_jupyter.backup import JSON, Backup, Kind, Stats
from dfbackup_jupyter.drafts import LAST, Session
from dfbackup_jupyter.errors import AmbiguousBackup, BackupNotFound, DamagedData, InvalidRequest
from dfbackup_jupyter.staging import read_backup
from dfbackup_jupyter.store import Store

logger = logging.getLogger(__name__)

_SHOWN = 8


class Catalog:
    """The backups of a store, as seen from one session."""

    def __init__(self, store: Store, session: Session) -> None:
        self._store = store
        self._session = session
        self._read: dict[str, tuple[JSON, Backup | DamagedData]] = {}

    def backups(self) -> list[Backup]:
        """Return every readable backup of the store, the newest first.

        One that cannot be understood is left out, with one warning; `find` says why.
        """
        read = {}
        for manifest in self._store.manifests():
            known = self._read.get(manifest["id"])
            # The store gives the same manifest again as long as its file is the same.
            if known is None or known[0] is not manifest:
                known = manifest, _backup(manifest)
            read[manifest["id"]] = known
        self._read = read
        found = [backup for _, backup in read.values() if isinstance(backup, Backup)]
        return sorted(found, key=lambda backup: (backup.created, backup.id), reverse=True)

    def unreadable(self) -> dict[str, DamagedData]:
        """Return what is wrong with each backup that cannot be understood, by ID."""
        self.backups()
        found = {id: backup for id, (_, backup) in self._read.items()}
        return {id: error for id, error in found.items() if isinstance(error, DamagedData)}

    def search(
        self, *, all: bool = False, kind: str | None = None, frame: str | None = None
    ) -> list[Backup]:
        """Return this session's backups or all, of one kind, or that hold one frame.

        The rolling autosave is left out unless it is asked for.

        Raises
        ------
        InvalidRequest
            There is no such kind.
        """
        if kind is not None and kind not in list(Kind):
            raise InvalidRequest(
                f"There is no kind of backup called {kind!r}.", f"Kinds: {', '.join(Kind)}."
            )
        return [
            backup
            for backup in self.backups()
            if (all or backup.session == self._session.id)
            and (backup.kind == kind if kind else backup.kind is not Kind.AUTOSAVE)
            and (frame is None or backup.frame(frame))
        ]

    def stats(self) -> Stats:
        """Return how much is backed up, and what it costs."""
        backups = self.backups()
        usage = self._store.usage()
        return Stats(
            store=str(self._store.root),
            backups=dict(Counter(str(backup.kind) for backup in backups)),
            notebooks=dict(Counter(backup.notebook for backup in backups)),
            session_backups=len(self.search()),
            oldest=backups[-1].created if backups else None,
            newest=backups[0].created if backups else None,
            bytes_raw=sum(backup.bytes_raw for backup in backups),
            bytes_on_disk=usage.bytes_used,
            bytes_free=usage.bytes_free,
        )

    def find(self, reference: str) -> Backup:
        """Return the one backup that is meant.

        Parameters
        ----------
        reference : str
            An ID, its unique beginning, a backup's name, or ``last``. A name given in this session
            goes before the same name of an import, and of another session.

        Raises
        ------
        BackupNotFound, AmbiguousBackup
            None is meant, or more than one.
        DamagedData
            What is meant cannot be understood.
        """
        reference = reference.strip()
        backups = self.backups()
        mine = [b for b in backups if b.session == self._session.id]
        if reference == LAST:
            if saved := self.search():
                return saved[0]
            raise BackupNotFound(
                "This session has no backup yet.",
                "%backup list --all shows those of other sessions.",
            )
        for candidates in (
            [b for b in backups if b.id == reference],
            [b for b in mine if reference and b.name == reference and b.kind is not Kind.IMPORT],
            [b for b in mine if reference and b.name == reference],
            [b for b in backups if reference and b.name == reference],
            [b for b in backups if reference and b.id.startswith(reference)],
        ):
            if len(candidates) == 1:
                return candidates[0]
            if candidates:
                raise AmbiguousBackup(
                    f"{reference!r} means {len(candidates)} backups: {_listing(candidates)}.",
                    f"Give more of the ID. The newest is {candidates[0].id}.",
                )
        for id, (_, found) in self._read.items():
            if isinstance(found, DamagedData) and reference and id.startswith(reference):
                raise DamagedData(found.message, found.hint) from found
        raise BackupNotFound(
            f"There is no backup {reference!r}.",
            "%backup list --all shows every backup, %backup log --deleted what was deleted.",
        )


def _backup(manifest: JSON) -> Backup | DamagedData:
    try:
        return read_backup(manifest)
    except DamagedData as error:
        logger.warning("The backup %s is left out. %s", manifest["id"], error)
        return error


def _listing(backups: Iterable[Backup]) -> str:
    texts = [f"{backup.id} (of {backup.created:%Y-%m-%d %H:%M:%S})" for backup in backups]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
