"""Finding backups: by ID, by the beginning of one, by name, or as the last."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from itertools import islice

from dfbackup_jupyter.backup import Backup, Kind, Stats
from dfbackup_jupyter.drafts import LAST, Session
from dfbackup_jupyter.errors import AmbiguousBackup, BackupNotFound, DamagedData, InvalidRequest
from dfbackup_jupyter.listing import Listing, Summary
from dfbackup_jupyter.store import Store

_SHOWN = 8


class Catalog:
    """The backups of a store, as seen from one session."""

    def __init__(self, store: Store, session: Session) -> None:
        self._store = store
        self._session = session
        self._listing = Listing(store)

    def backups(self) -> list[Backup]:
        """Return every readable backup of the store, the newest first.

        One that cannot be understood is left out, with one warning; `find` says why.
        """
        return list(self._listing.read(self._listing.look()))

    def references(self) -> list[str]:
        """Return every name and every ID of a backup that `find` knows, and ``last``."""
        known = self._listing.look()
        return [LAST, *sorted({one.name for one in known if one.name}), *(one.id for one in known)]

    def frame_names(self) -> set[str]:
        """Return the names of all frames in all backups."""
        return {name for one in self._listing.look() for name in one.names}

    def unreadable(self) -> dict[str, DamagedData]:
        """Return what is wrong with each backup that cannot be understood, by ID."""
        return self._listing.unreadable()

    def search(
        self,
        *,
        all: bool = False,
        kind: str | None = None,
        frame: str | None = None,
        limit: int | None = None,
    ) -> list[Backup]:
        """Return this session's backups or all, of one kind, or that hold one frame.

        The rolling autosave is left out unless it is asked for.

        Parameters
        ----------
        limit : int, optional
            At most so many, the newest; only these are read.

        Raises
        ------
        InvalidRequest
            There is no such kind.
        """
        if kind is not None and kind not in list(Kind):
            raise InvalidRequest(
                f"There is no kind of backup called {kind!r}.", f"Kinds: {', '.join(Kind)}."
            )
        found = (
            one
            for one in self._listing.look()
            if (all or one.session == self._session.id)
            and (one.kind == kind if kind else one.kind != Kind.AUTOSAVE)
            and (frame is None or frame in one.names)
        )
        return list(islice(self._listing.read(found), limit and max(limit, 0)))

    def stats(self) -> Stats:
        """Return how much is backed up, and what it costs."""
        known = self._listing.look()
        usage = self._store.usage(self._listing.versions)
        return Stats(
            store=str(self._store.root),
            backups=dict(Counter(one.kind for one in known)),
            notebooks=dict(Counter(one.notebook for one in known)),
            session_backups=sum(
                one.session == self._session.id and one.kind != Kind.AUTOSAVE for one in known
            ),
            oldest=_created(known[-1]) if known else None,
            newest=_created(known[0]) if known else None,
            bytes_raw=sum(one.bytes_raw for one in known),
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
        if reference == LAST:
            if saved := self.search(limit=1):
                return saved[0]
            raise BackupNotFound(
                "This session has no backup yet.",
                "%backup list --all shows those of other sessions.",
            )
        known = self._listing.look()
        mine = [b for b in known if b.session == self._session.id]
        for candidates in (
            [b for b in known if b.id == reference],
            [b for b in mine if reference and b.name == reference and b.kind != Kind.IMPORT],
            [b for b in mine if reference and b.name == reference],
            [b for b in known if reference and b.name == reference],
            [b for b in known if reference and b.id.startswith(reference)],
        ):
            if len(candidates) == 1:
                return self._listing.get(candidates[0])
            if candidates:
                raise AmbiguousBackup(
                    f"{reference!r} means {len(candidates)} backups: {_listing(candidates)}.",
                    f"Give more of the ID. The newest is {candidates[0].id}.",
                )
        for id, error in self._listing.unreadable().items():
            if reference and id.startswith(reference):
                raise DamagedData(error.message, error.hint) from error
        raise BackupNotFound(
            f"There is no backup {reference!r}.",
            "%backup list --all shows every backup, %backup log --deleted what was deleted.",
        )


def _listing(backups: Iterable[Summary]) -> str:
    texts = [f"{backup.id} (of {_created(backup):%Y-%m-%d %H:%M:%S})" for backup in backups]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _created(backup: Summary) -> dt.datetime:
    return dt.datetime.fromisoformat(backup.created)
