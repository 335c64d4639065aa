"""Frames of a backup or of a moment in memory, ready to be brought back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

from dfbackup_jupyter import capture as frames_of
from dfbackup_jupyter.backup import Backup, Details, FrameInfo
from dfbackup_jupyter.capture.base import NEEDS_TRUST, Decoded, Lost, Snapshot
from dfbackup_jupyter.capture.capture import Capture, CapturedFrame
from dfbackup_jupyter.capture.paths import FramePath
from dfbackup_jupyter.errors import BackupError, BackupNotFound, DamagedData
from dfbackup_jupyter.parallel import told_here
from dfbackup_jupyter.placing import Wanted
from dfbackup_jupyter.staging import Stager, Tick
from dfbackup_jupyter.store import no_tick
from dfbackup_jupyter.timeline import Point

Objects = Callable[[], dict[str, list[str]]]


class Loader:
    """Finds the cheapest true copy of a frame: in memory, or else in the store."""

    def __init__(self, stager: Stager) -> None:
        self._stager = stager
        self._store = stager.store

    def frame(
        self,
        backup: Backup,
        info: FrameInfo,
        tick: Tick | None = None,
        *,
        objects: Objects | None = None,
    ) -> Decoded:
        """Load one frame of a backup.

        Parameters
        ----------
        objects : callable, optional
            Gives what the manifest says of its objects; for many frames it is read once.

        Raises
        ------
        DamagedData
            Nothing of it can be read.
        """
        snapshot = self._stager.in_memory(info.object)
        if snapshot is not None and backup.trusted:
            return self._thaw(snapshot)
        packs = (objects or self._objects(backup))()[info.object]
        return self._read(info.object, packs, backup.trusted, tick)

    def columns(self, backup: Backup, info: FrameInfo, columns: Collection[Any]) -> Decoded:
        """Load some columns of one frame of a backup from the store, and nothing else of it."""
        packs = self._objects(backup)()[info.object]
        return self._read(info.object, packs, backup.trusted, columns=columns)

    def _objects(self, backup: Backup) -> Objects:
        return cache(lambda: self._store.manifest(backup.id)["objects"])

    def frames(
        self, backup: Backup, name: str | None = None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Load the frames of a backup, or the one of a name, by their own names.

        Returns
        -------
        tuple of dict
            What could be read of each frame, and what could not.
        """
        found: dict[str, Any] = {}
        unreadable: dict[str, str] = {}
        objects = self._objects(backup)
        for info in backup.frames:
            if name is None or name in info.names:
                try:
                    decoded = self.frame(backup, info, objects=objects)
                except DamagedData as error:
                    unreadable[info.name] = f"It cannot be read. {error}"
                else:
                    found[info.name] = decoded.frame
                    if decoded.damaged:
                        unreadable[info.name] = " ".join(map(_without, decoded.damaged))
        return found, unreadable

    def details(self, backup: Backup, rows: int) -> Details:
        """Return a backup with the first rows of its frames."""
        found, unreadable = self.frames(backup)
        return Details(backup, {name: one.head(rows) for name, one in found.items()}, unreadable)

    def lost_columns(self, backup: Backup, object: str) -> tuple[str, ...]:
        """Return the columns that the store no longer has of one of a backup's frames."""
        try:
            packs = self._store.manifest(backup.id)["objects"][object]
            damaged = self._read(object, packs, backup.trusted, None).damaged
        except BackupError:
            return ()
        return tuple(lost.column for lost in damaged)

    def unpickled(self, backup: Backup) -> Backup:
        """Return a backup that says what bringing its frames back unpickles, as the data has it."""
        objects = self._objects(backup)()
        found = {info.object: self._unpickled(info.object, objects) for info in backup.frames}
        frames = (replace(info, pickled=found[info.object]) for info in backup.frames)
        return replace(backup, frames=tuple(frames))

    def _unpickled(self, name: str, objects: Mapping[str, Collection[str]]) -> tuple[str, ...]:
        try:
            read = self._read(name, objects[name], trust=False)
        except DamagedData as error:
            return ("values",) if NEEDS_TRUST in error.message else ()
        columns = [lost.column for lost in read.damaged if lost.reason == NEEDS_TRUST]
        if any(NEEDS_TRUST in warning for warning in read.warnings):
            columns.append("labels or attrs")
        return tuple(columns)

    def of_backup(
        self,
        backup: Backup,
        live: Capture,
        names: Collection[str] | None = None,
        tick: Tick | None = None,
    ) -> list[Wanted]:
        """Return the frames of a backup, or those that bear one of the names."""
        objects = self._objects(backup)
        return [
            Wanted(
                paths=tuple(map(FramePath.parse, info.names)),
                load=partial(self.frame, backup, info, tick, objects=objects),
                same=self._holds(info.object, live),
            )
            for info in backup.frames
            if names is None or not set(info.names).isdisjoint(names)
        ]

    def paths(self, point: Point) -> Collection[FramePath]:
        """Return where there were frames at a point."""
        if point.moment is not None:
            return point.moment.capture.by_path
        backup = self._backup_at(point)
        frames = backup.frames if backup is not None else ()
        return {FramePath.parse(name) for info in frames for name in info.names}

    def is_deleted(self, point: Point) -> bool:
        """Whether a point is not in memory any more, and its backup was deleted."""
        if point.moment is not None or (backup := self._backup_at(point)) is None:
            return False
        try:
            self._store.manifest(backup.id)
        except BackupNotFound:
            return True
        except DamagedData:
            pass  # what can be read of it is seen when it is brought back
        return False

    def of_point(
        self, point: Point, live: Capture, names: frozenset[FramePath]
    ) -> tuple[list[Wanted], list[FramePath]]:
        """Return the frames that were at some paths, and the paths at which there was none."""
        if point.moment is not None:
            frames = point.moment.capture.by_path
            found = [f for f in point.moment.capture.frames if not names.isdisjoint(f.paths)]
            wanted = [self._of_capture(frame).at(names) for frame in found]
            return wanted, [name for name in names if name not in frames]
        backup = self._backup_at(point)
        if backup is None:
            return [], []
        texts = {str(name) for name in names}
        known = {name for info in backup.frames for name in info.names}
        gone = [name for name in names if str(name) not in known]
        # Where the state is several steps old, other names of a frame may have changed since.
        return [one.at(names) for one in self.of_backup(backup, live, texts)], gone

    def _backup_at(self, point: Point) -> Backup | None:
        if point.backup is None:
            return None
        with self._stager.worker.awaited():
            return point.backup.result()

    def _of_capture(self, frame: CapturedFrame) -> Wanted:
        snapshot = frame.snapshot
        return Wanted(
            paths=frame.paths,
            load=lambda: self._thaw(snapshot),
            same=lambda _path, value: (
                not self._stager.is_disturbed(snapshot) and snapshot.unchanged(value)
            ),
            origin=frame.origin,
        )

    def _thaw(self, snapshot: Snapshot) -> Decoded:
        stored = self._stager.object_of(snapshot)
        if stored is not None and self._stager.find_disturbed([snapshot]):
            return self._read(stored.hash, stored.packs, trust=True)
        try:
            return Decoded(snapshot.thaw(), (), ())
        except Exception as error:  # an object of the user's that cannot be unpickled
            if stored is not None:
                return self._read(stored.hash, stored.packs, trust=True)
            raise DamagedData(f"{type(error).__name__}: {error!s:.200}") from error

    def _read(
        self,
        name: str,
        packs: Collection[str],
        trust: bool,
        tick: Tick | None = None,
        columns: Collection[Any] | None = None,
    ) -> Decoded:
        stored = self._store.read(name, packs)
        with told_here(tick or no_tick) as told:
            read = partial(stored.read, tick=told)
            return frames_of.decode(stored.meta, read, trust=trust, columns=columns)

    def _holds(self, name: str, live: Capture) -> Callable[[FramePath, Any], bool]:
        def same(path: FramePath, value: Any) -> bool:
            frame = live.by_path.get(path)
            if frame is None or not frame.snapshot.unchanged(value):
                return False
            stored = self._stager.object_of(frame.snapshot)
            return stored is not None and stored.hash == name

        return same


def _without(lost: Lost) -> str:
    return f"The column {lost.column} cannot be read: {lost.reason}."
