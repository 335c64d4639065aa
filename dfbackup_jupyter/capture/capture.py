"""All frames of a namespace at one instant."""

from __future__ import annotations

import datetime as dt
import weakref
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dfbackup_jupyter.capture import adapters
from dfbackup_jupyter.capture.base import Snapshot
from dfbackup_jupyter.capture.namespace import find_frames
from dfbackup_jupyter.capture.pandas_frames import root
from dfbackup_jupyter.capture.paths import FramePath


@dataclass(frozen=True, eq=False)
class CapturedFrame:
    """One frame of a capture.

    Attributes
    ----------
    paths : tuple of FramePath
        Every name of the object; the first one names the frame.
    snapshot : Snapshot
        Its content.
    origin : weakref
        The live object.
    """

    paths: tuple[FramePath, ...]
    snapshot: Snapshot
    origin: weakref.ref[Any]


@dataclass(frozen=True, eq=False)
class Capture:
    """A consistent picture of all frames at one instant."""

    frames: tuple[CapturedFrame, ...]
    unwatched: tuple[str, ...] = ()
    taken: dt.datetime = field(default_factory=lambda: dt.datetime.now().astimezone())

    @cached_property
    def by_path(self) -> Mapping[FramePath, CapturedFrame]:
        """The frames by each of their names."""
        return {path: frame for frame in self.frames for path in frame.paths}

    def without(self, excluded: Callable[[Snapshot], bool]) -> Capture:
        """Return the capture without some of its frames."""
        kept = tuple(frame for frame in self.frames if not excluded(frame.snapshot))
        return Capture(kept, self.unwatched, self.taken)


@dataclass(frozen=True)
class Changes:
    """What differs between two captures."""

    changed: tuple[FramePath, ...]
    removed: tuple[FramePath, ...]
    added: tuple[FramePath, ...]


def take(
    namespace: Mapping[str, Any], *, hidden: Collection[str], previous: Capture | None
) -> Capture:
    """Capture every frame of a namespace.

    Parameters
    ----------
    namespace : mapping of str to object
        The user's variables.
    hidden : collection of str
        Names that are not the user's.
    previous : Capture, optional
        Its snapshots are used again for frames that are unchanged since.
    """
    found = find_frames(namespace, hidden=hidden, is_frame=adapters.is_frame)
    known = {id(f.origin()): f for f in previous.frames} if previous else {}
    groups: dict[int, tuple[Any, list[FramePath]]] = {}
    for path, frame in found.frames.items():
        groups.setdefault(id(frame), (frame, []))[1].append(path)
    writable = frozenset(id(root(array)) for array in found.arrays)
    frames = []
    for key, (frame, paths) in groups.items():
        before = known.get(key)
        if before is not None and before.origin() is frame and before.snapshot.unchanged(frame):
            snapshot, origin = before.snapshot, before.origin
        else:
            snapshot, origin = adapters.snapshot(frame, writable), weakref.ref(frame)
        frames.append(CapturedFrame(tuple(paths), snapshot, origin))
    return Capture(tuple(frames), found.unwatched)


def compare(before: Capture, after: Capture) -> Changes:
    """Return at which names the frames differ, judged by their snapshots."""
    old, new = before.by_path, after.by_path
    return Changes(
        changed=tuple(p for p in old if p in new and new[p].snapshot is not old[p].snapshot),
        removed=tuple(p for p in old if p not in new),
        added=tuple(p for p in new if p not in old),
    )
