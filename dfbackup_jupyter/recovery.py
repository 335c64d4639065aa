"""Restore, undo and redo: each one undoable, each leaving what it found in a backup."""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import wraps
from types import ModuleType
from typing import Any, Concatenate, ParamSpec

from dfbackup_jupyter.backup import Backup, Kind, Provenance, Restored
from dfbackup_jupyter.capture.capture import Capture, compare
from dfbackup_jupyter.capture.paths import FramePath
from dfbackup_jupyter.drafts import Drafts
from dfbackup_jupyter.errors import BackupNotFound, InvalidRequest, RestoreError, StoreUnavailable
from dfbackup_jupyter.loading import Loader
from dfbackup_jupyter.placing import (
    Outcome,
    Wanted,
    bring_back,
    checked_variable,
    holders_of,
    others_at,
)
from dfbackup_jupyter.session.base import State
from dfbackup_jupyter.staging import Stager, Tick
from dfbackup_jupyter.timeline import Moment, Point, Step, Timeline, expect, joined
from dfbackup_jupyter.watcher import Watcher

P = ParamSpec("P")

SnapshotState = Callable[[Capture], list[State]]
RestoreState = Callable[[Backup, Capture], tuple[list[str], list[str]]]

_UNBOUND = object()


def _looking_once(
    method: Callable[Concatenate[Recovery, P], Restored],
) -> Callable[Concatenate[Recovery, P], Restored]:
    @wraps(method)
    def looking(self: Recovery, /, *args: P.args, **options: P.kwargs) -> Restored:
        with self._stager.looking_once():
            return method(self, *args, **options)

    return looking


class Recovery:
    """Brings back earlier states of one namespace.

    Parameters
    ----------
    snapshot_state : callable
        Gives the whole session state as it is now.
    restore_state : callable
        Brings back a backup's session state; gives the names that came back, and warnings.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        *,
        watcher: Watcher,
        stager: Stager,
        loader: Loader,
        timeline: Timeline,
        drafts: Drafts,
        snapshot_state: SnapshotState,
        restore_state: RestoreState,
    ) -> None:
        self._namespace = namespace
        self._watcher = watcher
        self._stager = stager
        self._loader = loader
        self._timeline = timeline
        self._drafts = drafts
        self._snapshot_state = snapshot_state
        self._restore_state = restore_state

    @_looking_once
    def restore(
        self,
        backup: Backup,
        *,
        only: Sequence[str] | None = None,
        as_name: str | None = None,
        state: bool,
        exact: bool = False,
        dry_run: bool,
        tick: Tick,
        label: str = "",
    ) -> Restored:
        """Bring back the frames of a backup, and its session state where that is asked for.

        Parameters
        ----------
        label : str
            What to call it; its name or ID by default.
        """
        began = time.time()
        label = label or backup.name or backup.id
        now = self._watcher.settle()
        known = {name for info in backup.frames for name in info.names}
        unknown = [name for name in only or () if name not in known]
        if unknown:
            raise InvalidRequest(
                f"{backup.id} has no frame {unknown[0]!r}.",
                f"Its frames: {', '.join(sorted(known))}.",
            )
        wanted = self._loader.of_backup(backup, now.capture, only, tick)
        if only:
            # Other names of the same frame keep what they have: nobody asked for them.
            asked = frozenset(map(FramePath.parse, only))
            wanted = [item.at(asked) for item in wanted]
        warnings: list[str] = []
        if as_name is not None:
            wanted = [_under(as_name, wanted)]
            warnings += _displaced(as_name, self._namespace)
        gone = [path for path in now.capture.by_path if exact and str(path) not in known]
        safety = None
        if not dry_run:
            reason = f"before restoring {backup.id}"
            safety = self._save(now, reason, tick, warnings, state=state)
        variables_before = dict(self._namespace) if state else {}
        places = {path for item in wanted for path in item.paths}
        others = others_at(self._namespace, places.difference(now.capture.by_path))
        outcome = self._bring_back(now, wanted, gone, dry_run=dry_run)
        outcome.warnings += warnings
        variables: list[str] = []
        if state and dry_run:
            variables = [name for info in backup.state for name in info.captured]
        elif state:
            variables, warnings = self._restore_state(backup, self._watcher.look().capture)
            outcome.warnings += warnings
        outcome.warnings += [
            f"{root} was gone; it came back holding only its frames."
            for root in sorted(outcome.rebuilt.difference(variables))
        ]
        shapes = ""
        if not dry_run:
            after = self._finish(f"restoring {label}", now, began).capture
            shapes = _shapes(now.capture, after, outcome)
            rebound = {name for name in variables if self._is_rebound(name, variables_before)}
            others |= {
                FramePath(name): variables_before[name]
                for name in rebound.intersection(variables_before)
            }
            changes = compare(now.capture, after)
            names = {*changes.changed, *changes.removed, *changes.added, *map(FramePath, rebound)}
            if names:
                self._timeline.push(
                    Step(
                        what=f"restoring {label}",
                        names=frozenset(names),
                        before=Point(now, _finished(safety), others),
                        bytes=sum(frame.snapshot.nbytes for frame in now.capture.frames),
                        variables={name: self._namespace[name] for name in rebound},
                    )
                )
        return _result(
            f"{'would restore' if dry_run else 'restored'} {label}{shapes}",
            outcome,
            backup=backup,
            state=variables,
            safety=safety.id if safety else None,
            dry_run=dry_run,
        )

    @_looking_once
    def undo(self) -> Restored:
        """Take back the newest step.

        Raises
        ------
        NothingToDo
            There is none.
        """
        began = time.time()
        now = self._watcher.settle()
        steps, base = self._to_undo()
        step = joined(steps, base, self._loader.paths)
        left = frozenset[FramePath]().union(*(one.names for one in steps)) - step.names
        warnings = [
            f"{name} stays as it is: the backup that held it was deleted."
            for name in sorted(map(str, left))
        ]
        warnings += self._spare(step, step.before)
        safety = self._watcher.commit(
            now, Kind.SAFETY, Provenance(reason=f"before undoing {step.what}")
        )
        here = replace(now, holders=now.holders | holders_of(self._namespace, step.names))
        others = others_at(self._namespace, step.names.difference(now.capture.by_path))
        outcome = self._go_to(step, step.before, now)
        outcome.warnings += warnings
        self._timeline.undone(step, Point(here, safety, others), steps=len(steps))
        after = self._finish(f"undoing {step.what}", now, began).capture
        shapes = _shapes(now.capture, after, outcome)
        return _result(f"{'undid' if step.names else 'passed over'} {step.what}{shapes}", outcome)

    @_looking_once
    def redo(self) -> Restored:
        """Bring forward again the newest step that was taken back.

        Raises
        ------
        NothingToDo
            There is none, or frames were changed since.
        """
        began = time.time()
        now = self._watcher.settle()
        step = expect(self._timeline.to_redo(), "redo")
        if step.after is None:
            raise RestoreError("The state to go forward to is not known.", "")
        warnings = self._spare(step, step.after)
        outcome = self._go_to(step, step.after, now)
        outcome.warnings += warnings
        self._timeline.redone()
        after = self._finish(f"redoing {step.what}", now, began).capture
        shapes = _shapes(now.capture, after, outcome)
        return _result(f"redid {step.what}{shapes}", outcome)

    def _to_undo(self) -> tuple[list[Step], Point]:
        """Return the newest step, after those that go back with it, and the state to go back to.

        Where that state was deleted, an earlier one has the same frames, unless steps between
        changed them. Then the steps since the first of those are taken back too.
        """
        newest = expect(self._timeline.to_undo(), "undo", forgot=self._timeline.forgot)
        steps = [newest]
        while self._loader.is_deleted(steps[0].before):
            earlier = self._timeline.before(steps[0])
            if earlier is None:
                return [newest], newest.before  # nothing is left: whoever reads it says so
            steps.insert(0, earlier)
        base = steps[0].before
        first, names = len(steps) - 1, newest.names
        for number, step in reversed(list(enumerate(steps[:-1]))):
            if not names.isdisjoint(step.names):
                first, names = number, names.union(*(one.names for one in steps[number:]))
        return steps[first:], base

    def _go_to(self, step: Step, point: Point, now: Moment) -> Outcome:
        wanted, gone = self._loader.of_point(point, now.capture, step.names)
        try:
            outcome = self._bring_back(now, wanted, gone, point=point)
        except BackupNotFound as error:
            raise BackupNotFound(
                "This state is no longer in memory, and its backup was deleted (the change: "
                f"{step.what}).",
                "Bring another one back with %backup restore ID; %backup list shows them.",
            ) from error
        step.variables = {name: self._namespace.get(name, _UNBOUND) for name in step.variables}
        return outcome

    def _spare(self, step: Step, point: Point) -> list[str]:
        """Leave the variables of a restore alone that were assigned since, and say so."""
        newer = [name for name, put in step.variables.items() if self._is_newer(name, put)]
        step.names -= {FramePath(name) for name in newer}
        for name in newer:
            del step.variables[name]
            point.others.pop(FramePath(name), None)
        return [f"{', '.join(newer)} was assigned since, and stays as it is."] if newer else []

    def _is_newer(self, name: str, put: Any) -> bool:
        return self._namespace.get(name, _UNBOUND) is not put

    def _bring_back(
        self,
        now: Moment,
        wanted: Iterable[Wanted],
        gone: Iterable[FramePath],
        *,
        point: Point | None = None,
        dry_run: bool = False,
    ) -> Outcome:
        moment = point.moment if point else None
        outcome = bring_back(
            self._namespace,
            wanted,
            gone=gone,
            live=now.capture,
            roots=moment.roots if moment else {},
            holders=moment.holders if moment else {},
            others=point.others if point else {},
            dry_run=dry_run,
        )
        if outcome.damaged and not (outcome.restored or outcome.untouched):
            raise RestoreError(
                " ".join(outcome.warnings),
                "Nothing was changed. Another backup may hold the frame: %backup list --frame "
                f"{outcome.damaged[0]}",
            )
        return outcome

    def _save(
        self, now: Moment, reason: str, tick: Tick, warnings: list[str], *, state: bool
    ) -> Backup | None:
        if not now.capture.frames:
            return None
        draft = self._drafts.draft(Kind.SAFETY, provenance=Provenance(reason=reason))
        # Where variables are about to be overwritten, an earlier backup of the same frames will not
        # do: it holds the variables of then.
        states = self._snapshot_state(now.capture) if state else now.states
        try:
            return self._stager.write(draft, now.capture, states, reuse=not state, tick=tick)
        except StoreUnavailable as error:
            warnings.append(
                f"The state before could not be written ({error.message}). %backup undo brings it "
                "back until the kernel stops."
            )
            return None

    def _is_rebound(self, name: str, before: dict[str, Any]) -> bool:
        return self._namespace.get(name, _UNBOUND) is not before.get(name, _UNBOUND)

    def _finish(self, what: str, before: Moment, began: float) -> Moment:
        now = self._watcher.rebase()
        self._watcher.stage(now, f"after {what}")
        self._watcher.note(what, before.capture, now.capture, began)
        return now


def _under(name: str, wanted: list[Wanted]) -> Wanted:
    if len(wanted) != 1:
        raise InvalidRequest(
            f"--as gives one frame another name, but {len(wanted)} frames would be restored.",
            "Say which one: --only NAME.",
        )
    path = FramePath(checked_variable(name), ())
    return replace(wanted[0], paths=(path,), same=lambda _path, _value: False, origin=None)


def _displaced(name: str, namespace: dict[str, Any]) -> list[str]:
    """Say what a frame takes the name of, where that is hardly meant."""
    if isinstance(namespace.get(name), ModuleType):
        return [f"{name} was the module {namespace[name].__name__}: %backup undo brings it back."]
    if name not in namespace and hasattr(builtins, name):
        return [f"{name} is also a name of Python's own: %backup undo gives it back."]
    return []


def _shapes(before: Capture, after: Capture, outcome: Outcome) -> str:
    texts = []
    for name in outcome.restored:
        path = FramePath.parse(name)
        old, new = before.by_path.get(path), after.by_path.get(path)
        if new is not None:
            shape = f"{new.snapshot.rows:,} × {new.snapshot.columns:,}"
            was = f"{old.snapshot.rows:,} × {old.snapshot.columns:,} → " if old else ""
            texts.append(f"{name} {was}{shape}")
    texts += [f"{name} removed" for name in outcome.removed]
    return f"; {', '.join(texts)}" if texts else ""


def _result(
    action: str,
    outcome: Outcome,
    *,
    backup: Backup | None = None,
    state: Sequence[str] = (),
    safety: str | None = None,
    dry_run: bool = False,
) -> Restored:
    return Restored(
        action=action,
        backup=backup,
        restored=tuple(outcome.restored),
        untouched=tuple(outcome.untouched),
        removed=tuple(outcome.removed),
        partial=(*outcome.partial, *outcome.damaged),
        state=tuple(state),
        safety=safety,
        warnings=tuple(outcome.warnings),
        dry_run=dry_run,
    )


def _finished(backup: Backup | None) -> Future[Backup | None]:
    future: Future[Backup | None] = Future()
    future.set_result(backup)
    return future
