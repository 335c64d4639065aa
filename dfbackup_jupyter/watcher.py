"""The life of a cell: capture before, compare after, back up what was at risk."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from dfbackup_jupyter.backup import Backup, Kind, OperationInfo, Provenance
from dfbackup_jupyter.capture.capture import Capture, Changes, compare, take
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.drafts import Drafts
from dfbackup_jupyter.placing import holders_of
from dfbackup_jupyter.risk import Assessment, analyse
from dfbackup_jupyter.session.base import State
from dfbackup_jupyter.staging import Stager, same_content
from dfbackup_jupyter.timeline import Moment, Point, Step, Timeline

_WHAT_LIMIT = 60


@dataclass
class Cell:
    """A cell that is running, and what was there before it.

    Attributes
    ----------
    moment : Moment
        What it is compared with: how things were when it began, or after a restore in it.
    first : Capture
        The frames when it began.
    """

    source: str
    execution_count: int | None
    moment: Moment
    assessment: Assessment
    began: float = field(default_factory=time.time)
    backup: Future[Backup | None] | None = None

    def __post_init__(self) -> None:
        self.first = self.moment.capture


@dataclass(frozen=True)
class Event:
    """A cell that has ended, or a restore that no cell asked for.

    Attributes
    ----------
    before, after : Capture
        The frames when it began, and when it had ended.
    error : BaseException or None
        What it raised.
    """

    source: str
    execution_count: int | None
    began: float
    before: Capture
    after: Capture
    error: BaseException | None = None
    backup: Future[Backup | None] | None = None


class Watcher:
    """Watches one namespace.

    Parameters
    ----------
    namespace : dict
        The user's variables.
    hidden : callable
        Gives the names that are not the user's.
    transform : callable
        Turns a cell's source into plain Python (IPython's ``transform_cell``).
    states : callable
        Gives the session state, within the time that a cell may be delayed by.
    ended : callable
        Called with everything that has ended; what it gives is called in the background.
    written : callable
        Called after a background write with its error, or None.
    disturbed : callable
        Called with the names of frames whose memory was written to behind Copy-on-Write.
    """

    def __init__(
        self,
        *,
        namespace: dict[str, Any],
        hidden: Callable[[], Collection[str]],
        transform: Callable[[str], str],
        states: Callable[[Capture], list[State]],
        ended: Callable[[Event], Callable[[], None]],
        written: Callable[[BaseException | None], None],
        disturbed: Callable[[list[str]], None],
        stager: Stager,
        drafts: Drafts,
        timeline: Timeline,
        config: DFBackup,
    ) -> None:
        self._namespace = namespace
        self._hidden = hidden
        self._transform = transform
        self._states = states
        self._ended = ended
        self._written = written
        self._disturbed = disturbed
        self._stager = stager
        self._drafts = drafts
        self._timeline = timeline
        self._config = config
        self._last: Moment | None = None
        self._cell: Cell | None = None

    def start(self) -> None:
        """Take the present state as the one to protect."""
        self._last = now = self.look()
        self.stage(now, "when backups began")

    def before_cell(self, source: str, execution_count: int | None) -> None:
        """Capture every frame, and commit a backup first when the cell puts one at risk."""
        self._stager.worker.cell_begins()
        before = self.look()
        if self._last is not None:
            self._record(self._last, before, "a change between cells")
        self._last = before
        assessment = analyse(source, self._frames(before), transform=self._transform)
        self._cell = cell = Cell(source, execution_count, before, assessment)
        if not self._config.auto:
            return
        if assessment.risky:
            # Its frames were staged after the cell before: it can wait until this one runs.
            strict = assessment.bypass or self._config.durability == "strict"
            cell.backup = self.commit(before, Kind.AUTO, self._provenance(cell), haste=strict)
            if cell.backup and strict:
                with self._stager.worker.awaited():
                    wait([cell.backup])
        if self._stager.worker.backlog() > self._config.memory_limit:
            self._stager.worker.wait_below(
                self._config.memory_limit, beside=before.capture.memory()
            )

    def after_cell(self, error: BaseException | None = None) -> None:
        """Find what the cell changed, back that up unless it was, and stage the new state.

        Parameters
        ----------
        error : BaseException, optional
            What the cell raised.
        """
        self._stager.worker.cell_ends()
        cell, self._cell = self._cell, None
        if cell is None:
            return
        after = self.look(verify=cell.assessment.bypass)
        self._record(cell.moment, after, what(cell), cell)
        self._end(cell, after, error)

    def cell_that_loaded(
        self,
        source: str,
        execution_count: int | None,
        began: float,
        error: BaseException | None = None,
    ) -> None:
        """Log the cell that had backups turned on, and stage what it left.

        Parameters
        ----------
        began : float
            When, in seconds since the epoch.
        error : BaseException, optional
            What it raised.
        """
        nothing = Moment(Capture(()), (), {})
        cell = Cell(source, execution_count, nothing, Assessment(), began)
        self._end(cell, self.look(), error)

    def note(self, what: str, before: Capture, after: Capture, began: float) -> None:
        """Log a restore, unless a cell is running, which is logged itself."""
        if self._cell is None:
            explain = self._ended(Event(what, None, began, before, after))
            self._stager.worker.submit(explain, haste=False)

    def _end(self, cell: Cell, after: Moment, error: BaseException | None) -> None:
        explain = self._ended(
            Event(
                cell.source,
                cell.execution_count,
                cell.began,
                cell.first,
                after.capture,
                error,
                cell.backup,
            )
        )
        self._last = after = replace(after, states=self._states(after.capture))
        self.stage(after, f"after {what(cell)}")
        self._stager.worker.submit(explain, haste=False)

    @property
    def newest(self) -> Capture:
        """The newest capture there is; nothing new is looked at."""
        newest = self._cell.moment if self._cell else self._last
        return newest.capture if newest else Capture(())

    def look(self, *, verify: bool = False) -> Moment:
        """Capture the present state.

        Parameters
        ----------
        verify : bool
            Also re-read the frames that seem unchanged, for writes behind Copy-on-Write.
        """
        last = self._cell.moment if self._cell else self._last
        previous = last.capture if last else None
        if previous and verify:
            self._stager.find_disturbed(f.snapshot for f in previous.frames)
        if previous and (bad := self._stager.disturbed(previous)):
            self._disturbed([str(frame.paths[0]) for frame in bad])
            previous = previous.without(self._stager.is_disturbed)
        capture = take(self._namespace, hidden=self._hidden(), previous=previous)
        holders = holders_of(self._namespace, capture.nested)
        return Moment(capture, last.states if last else (), self._roots(capture), holders)

    def settle(self) -> Moment:
        """Record what changed so far, in the middle of a cell too, and return the present state."""
        now = self.look(verify=True)
        if self._cell is not None:
            self._record(self._cell.moment, now, what(self._cell), self._cell)
        elif self._last is not None:
            self._record(self._last, now, "a change between cells")
        self.rebase(now)
        return now

    def rebase(self, now: Moment | None = None) -> Moment:
        """Take the present state as the one that the running cell began with."""
        now = now or self.look()
        self._last = now
        if self._cell is not None:
            self._cell.moment = now
            self._cell.backup = None
        return now

    def stage(self, moment: Moment, reason: str) -> None:
        """Write the state to the store in the background, as the session's autosave.

        Parameters
        ----------
        reason : str
            When the state was this, in a few words.
        """
        # A session without frames leaves nothing behind, unless it had some.
        if self._config.auto and (moment.capture.frames or self._stager.has_autosave):
            draft = self._draft(moment, Kind.AUTOSAVE, Provenance(reason=reason))
            future = self._stager.stage(moment.capture, moment.states, draft)
            future.add_done_callback(self._report)
        self._timeline.trim(self._config.memory_limit)

    def _record(self, before: Moment, after: Moment, label: str, cell: Cell | None = None) -> None:
        changes = compare(before.capture, after.capture)
        names = frozenset((*changes.changed, *changes.removed))
        if not names:
            return
        step = Step(
            what=label,
            names=names,
            before=Point(before, cell.backup if cell else None),
            bytes=sum(s.nbytes for s in {before.capture.by_path[n].snapshot for n in names}),
            doubt=self._doubt(changes, before.capture, after.capture),
        )
        self._timeline.push(step)
        if step.before.backup is None and self._config.auto:
            provenance = self._provenance(cell) if cell else Provenance(reason=label)
            step.before.backup = self.commit(before, Kind.AUTO, provenance, step, haste=False)
            if cell:
                cell.backup = step.before.backup
        elif step.doubt:
            self._stager.worker.submit(lambda: self._timeline.resolve(step), haste=False)

    def commit(
        self,
        moment: Moment,
        kind: Kind,
        provenance: Provenance,
        step: Step | None = None,
        *,
        haste: bool = True,
    ) -> Future[Backup | None] | None:
        """Back a state up in the background, unless it holds no frame.

        Parameters
        ----------
        step : Step, optional
            What it is made for; if that turns out to have changed nothing, there is no backup.
        haste : bool
            Begin to write at once; otherwise whatever runs next comes first for a moment.
        """
        if not moment.capture.frames:
            return None
        future = self._stager.commit(
            self._draft(moment, kind, provenance),
            moment.capture,
            moment.states,
            needed=lambda: step is None or self._timeline.resolve(step),
            haste=haste,
        )
        future.add_done_callback(self._report)
        return future

    def _draft(self, moment: Moment, kind: Kind, provenance: Provenance) -> Callable[[], Backup]:
        # Written out by the background thread: the cell is waiting.
        return partial(
            self._drafts.draft,
            kind,
            provenance=provenance,
            unwatched=moment.capture.unwatched,
            at=time.time(),
        )

    def _report(self, future: Future[Backup | None]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        # A backup may be an older one that holds the same: only an autosave is always written.
        if error is not None or getattr(future.result(), "kind", None) is Kind.AUTOSAVE:
            self._written(error)

    def _provenance(self, cell: Cell) -> Provenance:
        operations = cell.assessment.operations
        return Provenance(
            cell=cell.source,
            execution_count=cell.execution_count,
            operations=tuple(
                OperationInfo(found.operation, found.frames, found.line) for found in operations
            ),
            reason="before " + ", ".join(dict.fromkeys(o.operation for o in operations))
            if operations
            else "the cell changed frames",
        )

    def _doubt(
        self, changes: Changes, before: Capture, after: Capture
    ) -> Callable[[], bool] | None:
        """Return what tells whether anything really changed, or None where that is certain.

        Arrays can move without a change: pandas consolidates blocks when it reads them.
        """
        pairs = [(before.by_path[n].snapshot, after.by_path[n].snapshot) for n in changes.changed]
        if changes.removed or any(
            self._stager.is_disturbed(a)
            or (a.rows, a.columns, a.type_name) != (b.rows, b.columns, b.type_name)
            for a, b in pairs
        ):
            return None
        return lambda: not all(same_content(a, b) for a, b in pairs)

    def _frames(self, moment: Moment) -> dict[str, Any]:
        names = moment.capture.roots
        return {name: self._namespace[name] for name in names if name in self._namespace}

    def _roots(self, capture: Capture) -> dict[str, Any]:
        nested = {path.root for path in capture.nested}
        return {root: self._namespace[root] for root in nested if root in self._namespace}


def what(cell: Cell) -> str:
    """Return a cell in a few words: its number and its first line that puts a frame at risk."""
    lines = [line.strip() for line in cell.source.splitlines()]
    operations = cell.assessment.operations
    at_risk = (lines[found.line - 1] for found in operations if found.line <= len(lines))
    code = (line for line in lines if line and not line.startswith("#"))
    shown = next(at_risk, "") or next(code, "")
    if len(shown) > _WHAT_LIMIT:
        shown = shown[: _WHAT_LIMIT - 1] + "…"
    number = "" if cell.execution_count is None else f" [{cell.execution_count}]"
    return f"cell{number}: {shown}"
