"""From captures in memory to objects in the store, each distinct content once.

A frame's snapshot is staged at most once: its object in the store is remembered for as long as the
snapshot lives, and a column whose memory was staged before is re-used after a fast hash has
confirmed that nobody wrote to it behind Copy-on-Write. What is in other memory, as after a restore,
is found by that hash alone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from operator import is_
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from dfbackup_jupyter import row_deltas
from dfbackup_jupyter.backup import JSON, Backup, FrameInfo, Kind, Lost, StateInfo
from dfbackup_jupyter.capture.base import Encoded, Snapshot
from dfbackup_jupyter.capture.capture import Capture, CapturedFrame
from dfbackup_jupyter.capture.paths import FramePath
from dfbackup_jupyter.contents import Contents
from dfbackup_jupyter.errors import BackupNotFound, DamagedData
from dfbackup_jupyter.parallel import in_parallel
from dfbackup_jupyter.row_deltas import Candidates, StagedMemory, Stored, digest
from dfbackup_jupyter.session.base import State
from dfbackup_jupyter.store import (
    Blob,
    ObjectRef,
    PackVanished,
    PackWriter,
    Store,
    Worker,
)

logger = logging.getLogger(__name__)

Draft = Callable[[], Backup]
"""Gives all that is known of a backup before its frames are written."""

Tick = Callable[[int], None]

_TWO_THREADS_PAY = 32 << 20  # bytes to hash

VERIFY_BYTES = 1 << 30
"""How much of what is staged is read again after a cell, to find writes behind Copy-on-Write."""


@dataclass(frozen=True)
class StagedFrame:
    """A snapshot's content in the store, and what is needed to notice that its memory changed."""

    object: ObjectRef
    pickled: tuple[str, ...]
    lost: tuple[Lost, ...]
    memory: tuple[StagedMemory, ...]


@dataclass(frozen=True)
class Staged:
    """All that a backup of one capture refers to."""

    frames: tuple[FrameInfo, ...]
    state: tuple[StateInfo, ...]
    objects: dict[str, list[str]]
    bytes_raw: int
    bytes_stored: int
    refs: tuple[ObjectRef, ...]

    @property
    def content(self) -> frozenset[tuple[tuple[str, ...], str]]:
        """What tells this state of the frames from another one."""
        return frozenset((frame.names, frame.object) for frame in self.frames)


class Stager:
    """Writes captures to the store: in the background, or on the caller's thread.

    Parameters
    ----------
    store : Store
        Where to.
    worker : Worker
        The background thread.

    Attributes
    ----------
    has_autosave : bool
        Whether the session has an autosave, or is about to.
    """

    def __init__(self, store: Store, worker: Worker) -> None:
        self.store = store
        self.worker = worker
        self._lock = threading.RLock()
        self._staged: WeakKeyDictionary[Snapshot, StagedFrame] = WeakKeyDictionary()
        self._contents = Contents()
        self._by_object: WeakValueDictionary[str, Snapshot] = WeakValueDictionary()
        self._disturbed: WeakSet[Snapshot] = WeakSet()
        self._sound: set[tuple[Hashable, int]] | None = None
        self._backups: dict[frozenset[tuple[tuple[str, ...], str]], str] = {}
        self._held: set[str] = set()
        self._looked_at: WeakKeyDictionary[Snapshot, int] = WeakKeyDictionary()
        self._looks = 0
        self._hand_over = threading.Lock()
        self._waiting: tuple[Draft, Capture, Sequence[State]] | None = None
        self._autosaving: Future[Backup | None] = Future()
        self._autosave: str | None = None
        self.has_autosave = False
        self._complete: tuple[CapturedFrame, ...] = ()

    def stage(
        self, capture: Capture, states: Sequence[State], autosave: Draft
    ) -> Future[Backup | None]:
        """Write what is new in a capture, in the background, and renew the session's autosave."""
        self.has_autosave = True
        with self._hand_over:
            if self._waiting is None:
                self._autosaving = self._submit(capture, self._renew_autosave, haste=False)
            self._waiting = (autosave, capture, states)
            return self._autosaving

    def commit(
        self,
        draft: Draft,
        capture: Capture,
        states: Sequence[State],
        *,
        needed: Callable[[], bool] = lambda: True,
        haste: bool = True,
    ) -> Future[Backup | None]:
        """Make a backup of a capture in the background, if it is still needed when its turn comes.

        The future gives the backup: an earlier one of this session when that holds the same
        frames already, and None when none was needed.
        """
        return self._submit(
            capture,
            lambda: self.write(draft(), capture, states, reuse=True) if needed() else None,
            haste=haste,
        )

    def write(
        self,
        draft: Backup,
        capture: Capture,
        states: Sequence[State],
        *,
        only: Collection[str] | None = None,
        reuse: bool = False,
        tick: Tick | None = None,
    ) -> Backup:
        """Make a backup of a capture on this thread; it is on disk when this returns.

        Parameters
        ----------
        draft : Backup
            All that is known of it before its frames are written.
        only : collection of str, optional
            Names of the frames to keep; all by default.
        reuse : bool
            Return an earlier backup of this session when it holds the same frames.
        tick : callable, optional
            Called with the number of bytes done; may raise to give up.
        """
        tick = tick or self.worker.give_way
        with self.worker.awaited(), self._lock:
            try:
                return self._write(draft, capture, states, only, reuse, tick)
            except (PackVanished, DamagedData):
                # What was staged earlier is gone or damaged: write it again, from memory. Only what
                # was written there behind Copy-on-Write cannot be had any more.
                self.find_disturbed(frame.snapshot for frame in capture.frames)
                self._staged.clear()
                self._contents.clear()
                good = capture.without(self.is_disturbed)
                gone = {n for f in capture.frames for n in names(f)} - {
                    n for f in good.frames for n in names(f)
                }
                draft = replace(draft, unwatched=(*draft.unwatched, *sorted(gone)))
                return self._write(draft, good, states, only, reuse, tick)

    def object_of(self, snapshot: Snapshot) -> ObjectRef | None:
        """Return where a snapshot's content is stored, or None while it is not."""
        staged = self._staged.get(snapshot)
        return staged.object if staged else None

    def in_memory(self, name: str) -> Snapshot | None:
        """Return a snapshot that held the content of an object when it was stored, or None."""
        return self._by_object.get(name)

    def is_disturbed(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot's memory was found changed: its stored content is the good one."""
        return snapshot in self._disturbed

    def disturbed(self, capture: Capture) -> list[CapturedFrame]:
        """Return the frames of a capture whose memory was found changed."""
        if not self._disturbed:
            return []
        return [frame for frame in capture.frames if frame.snapshot in self._disturbed]

    @contextmanager
    def looking_once(self) -> Iterator[None]:
        """Read memory that states share only once, while no code of the user's runs between."""
        self._sound = set()
        try:
            yield
        finally:
            self._sound = None

    def find_disturbed(self, snapshots: Iterable[Snapshot]) -> set[Snapshot]:
        """Return those whose memory no longer is what was stored of it (xxh3, about 14 GB/s)."""
        snapshots = list(snapshots)
        sound = set() if self._sound is None else self._sound
        pieces = [
            (snapshot, memory)
            for snapshot in snapshots
            if snapshot not in self._disturbed and (staged := self._staged.get(snapshot))
            for memory in staged.memory
        ]

        def look(piece: tuple[Snapshot, StagedMemory]) -> Snapshot | None:
            snapshot, memory = piece
            known = memory.blob.key, memory.digest
            if known not in sound:
                if digest(memory.blob) != memory.digest:
                    return snapshot
                if memory.blob.key is not None:
                    sound.add(known)
            return None

        found: list[Snapshot | None] = []
        size = sum(memory.blob.nbytes for _, memory in pieces)
        if size > _TWO_THREADS_PAY and not self.worker.here():
            in_parallel(look, pieces, found.append)
        else:
            found += map(look, pieces)
        self._disturbed.update(snapshot for snapshot in found if snapshot is not None)
        return {snapshot for snapshot in snapshots if snapshot in self._disturbed}

    def _look_again(self, capture: Capture) -> None:
        # A part of what is staged, another one each time, lest it take the user's processor.
        budget = VERIFY_BYTES
        known = sorted(capture.frames, key=lambda f: self._looked_at.get(f.snapshot, 0))
        for frame in known:
            budget -= frame.snapshot.nbytes
            if budget < 0 and frame is not known[0]:
                return
            self._looks += 1
            self._looked_at[frame.snapshot] = self._looks
            self.find_disturbed([frame.snapshot])

    def unstaged(self, capture: Capture) -> int:
        """Bytes of a capture that are not in the store yet."""
        return sum(
            frame.snapshot.nbytes for frame in capture.frames if frame.snapshot not in self._staged
        )

    def _submit(
        self, capture: Capture, job: Callable[[], Backup | None], *, haste: bool = True
    ) -> Future[Backup | None]:
        holds: dict[int, int] = {}
        if not _same_frames(capture.frames, self._complete):
            for frame in capture.frames:
                if frame.snapshot not in self._staged:
                    holds.update(frame.snapshot.memory)
        return self.worker.submit(job, holds=holds, haste=haste)

    def _renew_autosave(self) -> Backup | None:
        # What was captured after this was asked for takes its place: only the newest counts.
        with self._hand_over:
            waiting, self._waiting = self._waiting, None
        if waiting is None:
            return None
        draft, capture, states = waiting
        with self._lock:
            backup = self.write(draft(), capture, states)
            if self._autosave:
                self.store.discard(self._autosave)
            self._autosave = backup.id
            self._complete = capture.frames
        self._look_again(capture)
        return backup

    def _write(
        self,
        draft: Backup,
        capture: Capture,
        states: Sequence[State],
        only: Collection[str] | None,
        reuse: bool,
        tick: Tick | None,
    ) -> Backup:
        staged = self._stage(capture, states, only, tick)
        if reuse and (known := self._same(staged)):
            return known
        new = {ref.hash: ref.bytes_new for ref in staged.refs if ref.hash not in self._held}
        backup = self._publish(replace(draft, bytes_new=sum(new.values())), staged)
        if backup.kind is not Kind.AUTOSAVE:
            self._backups[staged.content] = backup.id
            self._held.update(new)
        return backup

    def _stage(
        self,
        capture: Capture,
        states: Sequence[State],
        only: Collection[str] | None,
        tick: Tick | None,
    ) -> Staged:
        frames = [f for f in capture.frames if only is None or not names(f).isdisjoint(only)]
        for snapshot, kept in list(self._staged.items()):
            if self.store.lost(kept.object):
                del self._staged[snapshot]
        fresh = [f.snapshot for f in frames if f.snapshot not in self._staged]
        known = self._known_memory() if fresh else {}
        earlier = list(reversed(list(self._staged.items()))) if fresh else []
        staged: dict[Snapshot, StagedFrame] = {}
        objects = []
        with self.store.write(self.worker.crowded) as writer:
            for snapshot in fresh:
                newest = chain(reversed(list(staged.items())), earlier)
                candidates = ((other, kept.memory) for other, kept in newest)
                staged[snapshot] = self._put(writer, snapshot, known, candidates, tick)
            for state in states:
                objects.append(writer.put(state.meta, state.blobs, tick=tick))
        self._staged.update(staged)
        self._remember(staged.values())
        self._by_object.update({kept.object.hash: snapshot for snapshot, kept in staged.items()})
        infos = tuple(_frame_info(f, self._staged[f.snapshot]) for f in frames)
        refs = [self._staged[f.snapshot].object for f in frames] + objects
        unique = {ref.hash: ref for ref in refs}
        return Staged(
            frames=infos,
            state=tuple(map(_state_info, states, objects)),
            objects={ref.hash: sorted(ref.packs) for ref in unique.values()},
            bytes_raw=sum(ref.bytes_raw for ref in refs),
            bytes_stored=sum(ref.bytes_stored for ref in unique.values()),
            refs=tuple(unique.values()),
        )

    def _put(
        self,
        writer: PackWriter,
        snapshot: Snapshot,
        known: dict[Hashable, StagedMemory],
        candidates: Candidates,
        tick: Tick | None,
    ) -> StagedFrame:
        encoded = snapshot.encode()
        digests = []
        for blob in encoded.blobs:
            self.worker.give_way()
            digests.append(None if blob.key is None else digest(blob))
        blobs = [
            blob if now is None else self._stored(blob, now, known, writer) or blob
            for blob, now in zip(encoded.blobs, digests, strict=True)
        ]
        try:
            blobs = row_deltas.select(
                encoded, blobs, snapshot, candidates, step=self.worker.give_way
            )
        except Exception:
            # It only makes them smaller, and must not keep the frame from the store.
            logger.exception("looking for a selection of rows failed")
        meta, parts, places = row_deltas.describe(encoded.meta, blobs)
        ref = writer.put(meta, parts, tick=tick)
        columns = (*encoded.columns, *[""] * (len(blobs) - len(encoded.columns)))
        memory = tuple(
            StagedMemory(blob, now, stored, column)
            for blob, now, stored, column in zip(
                encoded.blobs,
                digests,
                row_deltas.stored(blobs, ref.blobs, places),
                columns,
                strict=True,
            )
            if now is not None
        )
        return StagedFrame(
            object=replace(ref, bytes_raw=sum(blob.nbytes for blob in encoded.blobs)),
            pickled=encoded.pickled,
            lost=tuple(Lost(lost.column, lost.reason) for lost in encoded.lost),
            memory=memory,
        )

    def _stored(
        self, blob: Blob, now: int, known: Mapping[Hashable, StagedMemory], writer: PackWriter
    ) -> Stored | None:
        memory = known.get(blob.key)
        if memory and memory.digest == now:
            return memory.stored
        found = self._contents.find(blob, now)
        return found if found and all(map(writer.has, row_deltas.parts_of(found))) else None

    def _remember(self, frames: Iterable[StagedFrame]) -> None:
        for memory in chain.from_iterable(frame.memory for frame in frames):
            blob, before = memory.blob, memory.digest
            # Somebody may have written there behind Copy-on-Write while it was being stored.
            if self._contents.find(blob, before) is None and digest(blob) == before:
                self._contents.add(blob, before, memory.stored)

    def _known_memory(self) -> dict[Hashable, StagedMemory]:
        return {
            memory.blob.key: memory
            for staged in list(self._staged.values())
            for memory in staged.memory
        }

    def _same(self, staged: Staged) -> Backup | None:
        identifier = self._backups.get(staged.content)
        if identifier is None:
            return None
        try:
            manifest = self.store.manifest(identifier)
            packs = manifest["objects"]
            if not any(self.store.lost(ref, packs.get(ref.hash, ())) for ref in staged.refs):
                return read_backup(manifest)
        except (BackupNotFound, DamagedData):
            pass
        del self._backups[staged.content]
        return None

    def _publish(self, draft: Backup, staged: Staged) -> Backup:
        backup = replace(
            draft,
            frames=staged.frames,
            state=staged.state,
            bytes_raw=staged.bytes_raw,
            bytes_stored=staged.bytes_stored,
            committed=True,
        )
        self.store.publish({"id": backup.id, "objects": staged.objects, "backup": backup.to_dict()})
        return backup


def read_backup(manifest: JSON) -> Backup:
    """Return the backup that a manifest describes.

    Raises
    ------
    DamagedData
        It describes none, or one whose data it does not name.
    """
    backup = Backup.from_dict(manifest.get("backup"))
    try:
        for frame in backup.frames:
            for name in frame.names:
                FramePath.parse(name)
    except ValueError as error:
        raise DamagedData(f"The description of this backup makes no sense: {error}.") from error
    parts = {frame.object for frame in backup.frames} | {state.object for state in backup.state}
    if not parts <= manifest["objects"].keys():
        raise DamagedData("The description of this backup does not say where its data is.")
    return backup


def names(frame: CapturedFrame) -> set[str]:
    """Return every name of a captured frame."""
    return {str(path) for path in frame.paths}


def same_content(a: Snapshot, b: Snapshot) -> bool:
    """Whether two snapshots hold the same frame, bit for bit, whatever their memory layout."""
    return a is b or same_encoding(a.encode(), b.encode())


def same_encoding(one: Encoded, two: Encoded) -> bool:
    """Whether two encodings are the same bytes; memory that both share is not read."""
    return (
        one.meta == two.meta
        and len(one.blobs) == len(two.blobs)
        and all(
            (x.key is not None and x.key == y.key) or digest(x) == digest(y)
            for x, y in zip(one.blobs, two.blobs, strict=True)
        )
    )


def _same_frames(one: tuple[CapturedFrame, ...], other: tuple[CapturedFrame, ...]) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))


def _frame_info(frame: CapturedFrame, staged: StagedFrame) -> FrameInfo:
    name, *aliases = map(str, frame.paths)
    return FrameInfo(
        name=name,
        type=frame.snapshot.type_name,
        rows=frame.snapshot.rows,
        columns=frame.snapshot.columns,
        bytes=staged.object.bytes_raw,
        aliases=tuple(aliases),
        object=staged.object.hash,
        pickled=staged.pickled,
        lost=staged.lost,
    )


def _state_info(state: State, ref: ObjectRef) -> StateInfo:
    return StateInfo(
        recorder=state.recorder,
        object=ref.hash,
        bytes=ref.bytes_raw,
        captured=tuple(state.captured),
        skipped=tuple(Lost(name, reason) for name, reason in state.skipped),
    )
