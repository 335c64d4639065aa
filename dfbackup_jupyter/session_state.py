"""The session state of one kernel: its recorders, and the cells that were run."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from dfbackup_jupyter import frame_changes
from dfbackup_jupyter.backup import Backup
from dfbackup_jupyter.capture.capture import Capture
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.drafts import Session, local_time
from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.session import (
    Budget,
    BytesBlob,
    ChatMemory,
    Comparing,
    Context,
    Entry,
    ExecutionLog,
    Kept,
    Recorder,
    State,
    Variables,
    WebSearches,
    recorders,
)
from dfbackup_jupyter.session.base import AUTOMATIC
from dfbackup_jupyter.session.registry import OURS
from dfbackup_jupyter.store import Store
from dfbackup_jupyter.watcher import Event

logger = logging.getLogger(__name__)


class SessionState:
    """Takes and brings back everything of a session that is not a frame.

    Parameters
    ----------
    namespace : dict
        The user's variables.
    hidden : callable
        Gives the names in it that are not the user's.
    notify : callable
        Told, in a sentence, of every recorder that does not work.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        hidden: Callable[[], Collection[str]],
        config: DFBackup,
        session: Session,
        notify: Callable[[str], None],
    ) -> None:
        self.execution_log = ExecutionLog()
        self.chat = ChatMemory()
        self.searches = WebSearches()
        self._namespace = namespace
        self._hidden = hidden
        self._config = config
        self._session = session
        self._notify = notify
        self._variables = Variables()
        self._failed: set[str] = set()

    def snapshot(self, capture: Capture) -> list[State]:
        """Return the whole state, within the limit that the user set."""
        return self._snapshot(capture, Budget(self._config.variables_limit, None))

    def snapshot_quickly(self, capture: Capture) -> list[State]:
        """Return what can be had in the time that nobody notices after a cell."""
        return self._snapshot(capture, AUTOMATIC)

    def restore(self, backup: Backup, store: Store, live: Capture) -> tuple[list[str], list[str]]:
        """Bring back a backup's state.

        Returns
        -------
        names, warnings : list of str
            What came back, and what did not and why.
        """
        names: list[str] = []
        warnings: list[str] = []
        known = {recorder.name: recorder for recorder in self._recorders()}
        objects = store.manifest(backup.id)["objects"]
        for info in backup.state:
            recorder = known.get(info.recorder)
            if recorder is None:
                warnings.append(f"{info.recorder} is of a package that is not installed here.")
                continue
            try:
                stored = store.read(info.object, objects[info.object])
                recalled = recorder.restore(
                    stored.meta, stored.read, self._context(live, AUTOMATIC), trust=backup.trusted
                )
            except Exception as error:
                warnings.append(f"{info.recorder} could not be read: {error}")
                continue
            names += recalled.names
            warnings += recalled.warnings
        return names, warnings

    def differences(self, before: Mapping[str, Kept], after: Mapping[str, Kept]) -> list[str]:
        """Return a line for each difference of two states; none where one of them has no state."""
        if not before or not after:
            return []
        lines: list[str] = []
        for recorder in self._recorders():
            old, new = before.get(recorder.name), after.get(recorder.name)
            if not isinstance(recorder, Comparing) or old is new is None:
                continue
            try:
                lines += recorder.differences(old, new)
            except Exception as error:
                lines.append(f"{recorder.name} could not be compared: {error}")
        return lines

    def stored(self, backup: Backup, store: Store) -> dict[str, Kept]:
        """Return a backup's state, by recorder; what cannot be read is left out."""
        objects = store.manifest(backup.id)["objects"]
        found: dict[str, Kept] = {}
        for info in backup.state:
            with suppress(DamagedData):
                found[info.recorder] = store.read(info.object, objects[info.object])
        return found

    def sources(self, backup: Backup, store: Store) -> list[str]:
        """Return the cells that a backup's session had run until then, the newest last."""
        kept = self.stored(backup, store).get(ExecutionLog.name)
        log = ExecutionLog()
        if kept is not None:
            log.restore(kept.meta, kept.read, Context({}), trust=False)
        return [entry.source for entry in log.entries if entry.session == backup.session]

    def log(self, event: Event) -> Callable[[], None]:
        """Add a cell or a restore that has ended to the execution log.

        Returns
        -------
        callable
            Finds out which columns changed, which takes time: for the background.
        """
        error = event.error
        entry = Entry(
            source=event.source,
            execution_count=event.execution_count,
            time=local_time(event.began),
            duration=time.time() - event.began,
            outcome="error" if error else "ok",
            error=_plainly(error) if error else None,
            frames=frame_changes.find(event.before, event.after),
            session=self._session.id,
        )
        self.execution_log.append(entry)
        if event.backup is not None:
            event.backup.add_done_callback(lambda backup: self._name_backup(entry, backup))
        return partial(self._explain, entry, event.before, event.after)

    def _explain(self, entry: Entry, before: Capture, after: Capture) -> None:
        if entry.frames:
            found = frame_changes.explained(entry.frames, before, after)
            self.execution_log.amend(entry, lambda old: replace(old, frames=found))

    def _name_backup(self, entry: Entry, future: Future[Backup | None]) -> None:
        if future.cancelled() or future.exception() is not None:
            return
        backup = future.result()
        if backup is not None:
            self.execution_log.amend(entry, lambda old: replace(old, backup=backup.id))

    def _snapshot(self, capture: Capture, budget: Budget) -> list[State]:
        if not self._config.session_state:
            return []
        context = self._context(capture, budget)
        states = [self._state_of(recorder, context) for recorder in self._recorders()]
        return [state for state in states if state is not None and not state.empty]

    def _state_of(self, recorder: Recorder, context: Context) -> State | None:
        try:
            state = recorder.snapshot(context)
            return state if recorder.name in OURS else _checked(state, recorder, context.budget)
        except Exception as error:
            if recorder.name not in self._failed:
                self._failed.add(recorder.name)
                logger.info("the recorder %s failed", recorder.name, exc_info=True)
                self._notify(
                    f"The recorder {recorder.name!r} failed ({_plainly(error):.200}); backups go "
                    "without its part. Update or remove the package that it is of."
                )
            return None

    def _recorders(self) -> tuple[Recorder, ...]:
        ours = self._variables, self.execution_log, self.chat, self.searches
        return (*ours, *recorders(self._notify))

    def _context(self, capture: Capture, budget: Budget) -> Context:
        frames = {}
        for path, frame in capture.by_path.items():
            live = frame.origin and frame.origin()
            if live is not None:
                frames[str(path)] = live
        return Context(self._namespace, self._hidden(), frames, budget)


def _checked(state: State, recorder: Recorder, budget: Budget) -> State:
    """Return what a recorder of others gave, as it is now, or raise: the writer trusts it."""
    size = sum(blob.nbytes for blob in state.blobs)
    if size > budget.nbytes:
        reason = f"larger ({size:,} bytes) than its share ({budget.nbytes:,} bytes)"
        return State(recorder.name, {}, skipped=((recorder.name, reason),))
    return State(
        recorder.name,
        json.loads(json.dumps(state.meta, allow_nan=False)),
        [BytesBlob(bytes(blob.read(0, blob.nbytes))) for blob in state.blobs],
        tuple(map(str, state.captured)),
        tuple((str(name), str(reason)) for name, reason in state.skipped),
    )


def _plainly(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # the user's own __str__
        return type(error).__name__
