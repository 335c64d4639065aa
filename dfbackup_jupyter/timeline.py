"""The states of a session in the order in which they came, for undo and redo.

A linear history, as an editor's: a new step after an undo ends what could be redone. Nothing is
lost by that: every state left behind has a backup of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from dfbackup_jupyter.backup import Backup
from dfbackup_jupyter.capture.capture import Capture
from dfbackup_jupyter.capture.paths import FramePath
from dfbackup_jupyter.errors import NothingToDo
from dfbackup_jupyter.session.base import State


@dataclass(frozen=True)
class Moment:
    """All that is captured at one instant.

    Attributes
    ----------
    capture : Capture
        The frames.
    states : sequence of State
        The session state.
    roots : dict of str to object
        The containers and objects in which frames lived, by their variable's name.
    holders : dict of FramePath to list, tuple or dict
        Shallow copies of the containers in which frames lived: what was beside them, in what order.
    """

    capture: Capture
    states: Sequence[State]
    roots: dict[str, Any]
    holders: dict[FramePath, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Point:
    """A state to go back to: in memory while that is affordable, and in a backup.

    Attributes
    ----------
    others : dict of FramePath to object
        What was there instead of a frame, or of the container that once held it.
    """

    moment: Moment | None
    backup: Future[Backup | None] | None
    others: dict[FramePath, Any] = field(default_factory=dict)

    @property
    def saved(self) -> bool:
        """Whether the backup is on disk."""
        future = self.backup
        return (
            future is not None
            and future.done()
            and not future.cancelled()
            and future.exception() is None
            and future.result() is not None
        )

    @property
    def pending(self) -> bool:
        """Whether a backup of it is still being written."""
        return self.backup is not None and not self.backup.done()


@dataclass(eq=False)
class Step:
    """One cell or restore that changed frames.

    Attributes
    ----------
    what : str
        What it was, in the user's words.
    names : frozenset of FramePath
        Where frames differ before and after.
    bytes : int
        Size of the frames before, as far as they were changed.
    variables : dict of str to object
        What it, or an undo or redo of it, last put where there is no frame.
    doubt : callable or None
        Finds out whether the step changed anything at all; None when that is known.
    changed : bool
        Whether it did, as far as is known.
    ended : list of Step
        What could be redone before it came; it can be again if the step changed nothing.
    """

    what: str
    names: frozenset[FramePath]
    before: Point
    bytes: int
    after: Point | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    doubt: Callable[[], bool] | None = None
    changed: bool = True
    ended: list[Step] = field(default_factory=list)


def joined(
    steps: Sequence[Step], base: Point, frames_at: Callable[[Point], Collection[FramePath]]
) -> Step:
    """Make one step of several that can only be taken back together.

    Frames that there were before a step, but not in the state to go back to, are not known as they
    were, and are no part of it.

    Parameters
    ----------
    steps : sequence of Step
        Oldest first.
    base : Point
        The state to go back to.
    frames_at : callable
        Gives where there were frames at a point.
    """
    there = frames_at(base)
    known = [step.names.difference(set(frames_at(step.before)).difference(there)) for step in steps]
    return Step(
        what=" and ".join(step.what for step in steps),
        names=frozenset[FramePath]().union(*known),
        before=Point(base.moment, base.backup, _earliest(step.before.others for step in steps)),
        bytes=sum(step.bytes for step in steps),
        variables={name: value for step in steps for name, value in step.variables.items()},
    )


def _earliest(found: Iterable[dict[FramePath, Any]]) -> dict[FramePath, Any]:
    values: dict[FramePath, Any] = {}
    for others in found:
        values = others | values
    return values


@dataclass
class Timeline:
    """Steps, and how many of them are in force. Any thread may use it.

    Attributes
    ----------
    forgot : bool
        Whether there were earlier steps, which memory could not hold.
    """

    steps: list[Step] = field(default_factory=list)
    position: int = 0
    forgot: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def push(self, step: Step) -> None:
        """Add the newest step; what could be redone no longer can."""
        with self._lock:
            if step.doubt is not None:
                step.ended = self.steps[self.position :]
            self.steps[self.position :] = [step]
            self.position += 1

    def resolve(self, step: Step) -> bool:
        """Return whether a step changed anything; forget it if not."""
        doubt = step.doubt
        changed = doubt is None or doubt()  # outside the lock: it may take seconds
        with self._lock:
            if step.doubt is not None:
                step.changed, step.doubt = changed, None
                if not changed:
                    self._forget(step)
                step.ended = []
            return step.changed

    def to_undo(self) -> Step | None:
        """Return the step that undo takes back."""
        while step := self._newest():
            if self.resolve(step):
                return step
        return None

    def before(self, step: Step) -> Step | None:
        """Return the step before one, or None."""
        while earlier := self._before(step):
            if self.resolve(earlier):
                return earlier
        return None

    def to_redo(self) -> Step | None:
        """Return the step that redo brings forward."""
        self.to_undo()  # if the newest steps changed nothing, what they ended is back
        with self._lock:
            return self.steps[self.position] if self.position < len(self.steps) else None

    def undone(self, step: Step, after: Point, *, steps: int = 1) -> None:
        """Move back by one step; `after` is the state that was left.

        Parameters
        ----------
        steps : int
            In place of how many of the newest steps that step now stands.
        """
        with self._lock:
            first = max(self.position - steps, 0)
            step.after = after
            self.steps[first : self.position] = [step]
            self.position = first

    def redone(self) -> None:
        """Move forward by one step."""
        with self._lock:
            self.position += 1

    def trim(self, limit: int) -> None:
        """Drop from memory the oldest states beyond `limit` bytes.

        One that has a backup is read from there when it is needed. One that has none, because
        backups are off or the disk is full, cannot be undone to any more.
        """
        held = 0
        with self._lock:
            for number, step in reversed(list(enumerate(self.steps))):
                for point in (step.after, step.before):
                    if point is None or point.moment is None:
                        continue
                    held += step.bytes
                    if held <= limit or point.pending:
                        continue
                    if not point.saved:
                        del self.steps[: number + 1]
                        self.position = max(self.position - number - 1, 0)
                        self.forgot = True
                        return
                    point.moment = None

    def _newest(self) -> Step | None:
        with self._lock:
            return self.steps[self.position - 1] if self.position else None

    def _before(self, step: Step) -> Step | None:
        with self._lock:
            number = self.steps.index(step)
            return self.steps[number - 1] if number else None

    def _forget(self, step: Step) -> None:
        if step not in self.steps:
            return
        number = self.steps.index(step)
        self.steps[number : number + 1] = step.ended if step is self.steps[-1] else []
        self.position -= number < self.position


def expect(step: Step | None, verb: str, *, forgot: bool = False) -> Step:
    """Return the step, or say that there is none.

    Parameters
    ----------
    forgot : bool
        Whether there were some that could not be kept.

    Raises
    ------
    NothingToDo
        There is no step to undo or redo.
    """
    if step is None and forgot:
        raise NothingToDo(
            "The states before this one were not written to the store, and memory could not hold "
            "them any longer.",
            "%backup shows whether backups are on and what keeps them from being written; "
            "memory_limit is how much is held in memory.",
        )
    if step is None:
        raise NothingToDo(
            f"There is nothing to {verb}: no cell or restore of this session changed a frame"
            + (" before this point." if verb == "undo" else " after this point."),
            "%backup list --all shows what else can be restored.",
        )
    return step
