"""A consistent picture of every frame of a namespace, taken in microseconds."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from operator import is_
from typing import Any

from dfbackup_jupyter.capture import adapters
from dfbackup_jupyter.capture.base import Known, Snapshot
from dfbackup_jupyter.capture.memory import Memory
from dfbackup_jupyter.capture.namespace import Surface, find_frames, find_held
from dfbackup_jupyter.capture.paths import FramePath


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One frame of a capture.

    Attributes
    ----------
    paths : tuple of FramePath
        Every place of the one object; the first names it.
    snapshot : Snapshot
        Its content.
    origin : weakref or None
        The live object, while it lives.
    """

    paths: tuple[FramePath, ...]
    snapshot: Snapshot
    origin: weakref.ref[Any] | None

    def live(self) -> Any:
        """Return the live object, or None when it is gone."""
        return self.origin and self.origin()


@dataclass(eq=False)
class Capture:
    """All frames at one instant.

    Attributes
    ----------
    frames : tuple of CapturedFrame
        One for each object.
    unwatched : tuple of str
        Places that may hold frames which are not looked after.
    surface : Surface, optional
        The variables when this was last seen to hold.
    """

    frames: tuple[CapturedFrame, ...]
    unwatched: tuple[str, ...] = ()
    surface: Surface | None = None

    @cached_property
    def by_path(self) -> Mapping[FramePath, CapturedFrame]:
        """The frames by each of their places."""
        return {path: frame for frame in self.frames for path in frame.paths}

    def snapshots(self) -> list[Snapshot]:
        """Return what was captured of each frame."""
        return [frame.snapshot for frame in self.frames]

    def memory(self) -> dict[int, int]:
        """Return the sizes in bytes of what the frames keep alive; see `Snapshot.memory`."""
        found: dict[int, int] = {}
        for frame in self.frames:
            found.update(frame.snapshot.memory)
        return found

    @cached_property
    def roots(self) -> frozenset[str]:
        """The variables that are frames or lead to some."""
        return frozenset(path.root for path in self.by_path)

    @cached_property
    def nested(self) -> tuple[FramePath, ...]:
        """The places that lie in containers and objects."""
        return tuple(path for path in self.by_path if path.steps)

    def without(self, unwanted: Callable[[Snapshot], bool]) -> Capture:
        """Return a capture that lacks some snapshots, so that they are not used again."""
        kept = tuple(frame for frame in self.frames if not unwanted(frame.snapshot))
        return Capture(kept, self.unwatched)

    @cached_property
    def by_object(self) -> dict[int, CapturedFrame]:
        """The frames by the identity of the live object, while that lives."""
        live = ((frame.live(), frame) for frame in self.frames)
        return {id(origin): frame for origin, frame in live if origin is not None}


@dataclass(frozen=True)
class Changes:
    """How one capture differs from an earlier one."""

    changed: tuple[FramePath, ...]
    removed: tuple[FramePath, ...]
    added: tuple[FramePath, ...]


def take(
    namespace: Mapping[str, Any],
    *,
    hidden: Collection[str] = (),
    previous: Capture | None = None,
) -> Capture:
    """Capture every frame of a namespace.

    Parameters
    ----------
    namespace : mapping of str to object
        The user's variables.
    hidden : collection of str
        Names to leave out.
    previous : Capture, optional
        An earlier capture; what did not change since shares its snapshots.
    """
    if previous is not None and _still_holds(previous, namespace):
        return previous
    found = find_frames(namespace, hidden=hidden)
    places: dict[int, tuple[Any, tuple[FramePath, ...]]] = {}
    for path, frame in found.frames.items():
        place = places.get(id(frame))
        places[id(frame)] = (frame, (path,) if place is None else (*place[1], path))
    memory = Memory(found.memory)
    known = Known(previous.snapshots) if previous else Known()
    before = previous.by_object if previous else {}
    frames = []
    for key, (frame, paths) in places.items():
        old = before.get(key)
        if old is None or old.live() is not frame or not old.snapshot.unchanged(frame):
            snapshot = adapters.snapshot(frame, memory=memory, known=known)
            frames.append(CapturedFrame(paths, snapshot, _reference(frame)))
        else:
            frames.append(old if old.paths == paths else replace(old, paths=paths))
    capture = Capture(tuple(frames), found.unwatched, found.surface)
    if previous is None or not _is_same(previous, capture):
        return capture
    previous.surface = found.surface
    return previous


def compare(before: Capture, after: Capture) -> Changes:
    """Say at which places a capture differs from an earlier one."""
    if before is after:
        return Changes((), (), ())
    old, new = before.by_path, after.by_path
    return Changes(
        changed=tuple(p for p, f in old.items() if p in new and new[p].snapshot is not f.snapshot),
        removed=tuple(p for p in old if p not in new),
        added=tuple(p for p in new if p not in old),
    )


def _still_holds(capture: Capture, namespace: Mapping[str, Any]) -> bool:
    """Whether a capture is still right: the usual case, found without a walk over all variables."""
    surface = capture.surface
    if surface is None or not surface.covers(namespace):
        return False
    held, unwatched = find_held(namespace, surface)
    if unwatched != capture.unwatched or len(held) != len(capture.nested):
        return False
    by_path = capture.by_path
    for path, frame in held.items():
        captured = by_path.get(path)
        if captured is None or captured.live() is not frame:
            return False
    for captured in capture.frames:
        origin = captured.origin
        live = origin and origin()
        if live is None or not captured.snapshot.unchanged(live):
            return False
    return True


def _is_same(a: Capture, b: Capture) -> bool:
    """Whether two captures hold the very same snapshots; then one will do, with what it cached."""
    return (
        len(a.frames) == len(b.frames)
        and all(map(is_, a.frames, b.frames))
        and a.unwatched == b.unwatched
    )


def _reference(frame: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(frame)
    except TypeError:
        return None
