"""BackupManager: the facade that the magics, the panel, the front-end and the agent tools call."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from dfbackup_jupyter import logfile, main_thread
from dfbackup_jupyter.backup import (
    Backup,
    Damage,
    Deletion,
    Details,
    Kind,
    Provenance,
    Restored,
    Stats,
    Status,
    Verification,
    concerned,
)
from dfbackup_jupyter.capture.paths import FramePath
from dfbackup_jupyter.catalog import Catalog
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.drafts import LAST, Drafts, Session, checked_name, renamed
from dfbackup_jupyter.errors import (
    BackupError,
    BackupNotFound,
    DamagedData,
    InvalidRequest,
    NothingToDo,
    RestoreError,
    StoreError,
)
from dfbackup_jupyter.exporting import new_file, write_parquet
from dfbackup_jupyter.importing import adopted
from dfbackup_jupyter.listeners import Listeners, announced
from dfbackup_jupyter.loading import Loader
from dfbackup_jupyter.previous import Previous, chosen, label, remarks
from dfbackup_jupyter.previous import find as find_previous
from dfbackup_jupyter.recovery import Recovery
from dfbackup_jupyter.session import (
    ChatMemory,
    Entry,
    Recorder,
    WebSearches,
    look_up,
    register,
)
from dfbackup_jupyter.session_state import SessionState
from dfbackup_jupyter.staging import Stager, read_backup
from dfbackup_jupyter.store import AlreadyExists, Store, Worker
from dfbackup_jupyter.store import Damage as StoreDamage
from dfbackup_jupyter.timeline import Timeline
from dfbackup_jupyter.watcher import Event, Watcher

if TYPE_CHECKING:
    from dfbackup_jupyter.diff import Diff

logger = logging.getLogger(__name__)

_PATIENCE = 2.0  # seconds to wait for what is being written before it is looked for

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@contextmanager
def silent(_label: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda _done: None


class BackupManager:
    """Backs up, lists, compares, restores and deletes, for one kernel.

    Every `reference` to a backup is an ID, a unique beginning of one, a backup's name, or ``last``.
    Every `progress` is called with a label and a number of bytes, and gives a context in which
    the bytes done are reported; what it raises stops the work, and nothing is half done.

    Parameters
    ----------
    namespace : dict
        The user's variables.
    hidden : callable
        Gives the names in it that are not the user's.
    transform : callable
        Turns a cell's source into plain Python.
    config : DFBackup
        The settings.
    kernel : str
        What tells the kernel from others, across restarts; empty where nothing does.
    """

    _current: ClassVar[BackupManager | None] = None

    def __init__(
        self,
        namespace: dict[str, Any],
        *,
        hidden: Callable[[], Collection[str]],
        transform: Callable[[str], str],
        config: DFBackup,
        kernel: str = "",
    ) -> None:
        self.config = config
        self.session = Session.start(namespace, kernel)
        self.problem: str | None = None
        self.notices: builtins.list[str] = []
        self._store = Store(Path(config.store))
        try:
            self._store.open()
        except StoreError as error:
            # Undo works from memory meanwhile, and every write tries again.
            self.problem = str(error)
        self._offered: builtins.list[Backup] | None = None
        self._listeners = Listeners()
        self._worker = Worker(ended=self._listeners.call)
        self._stager = Stager(self._store, self._worker)
        self._loader = Loader(self._stager)
        self._catalog = Catalog(self._store, self.session)
        self._timeline = Timeline()
        drafts = self._drafts = Drafts(self.session)
        self._state = SessionState(
            namespace, hidden, config, self.session, notify=self.notices.append
        )
        self.watcher = Watcher(
            namespace=namespace,
            hidden=hidden,
            transform=transform,
            states=self._state.snapshot_quickly,
            ended=self._event_ended,
            written=self._note_write,
            disturbed=self._note_disturbed,
            stager=self._stager,
            drafts=drafts,
            timeline=self._timeline,
            config=config,
        )
        self._recovery = Recovery(
            namespace,
            watcher=self.watcher,
            stager=self._stager,
            loader=self._loader,
            timeline=self._timeline,
            drafts=drafts,
            snapshot_state=self._state.snapshot,
            restore_state=lambda backup, live: self._state.restore(backup, self._store, live),
        )

    @classmethod
    def current(cls) -> BackupManager:
        """Return the manager of this kernel.

        Raises
        ------
        BackupError
            The extension is not loaded.
        """
        if cls._current is None:
            raise BackupError(
                "Backups are not turned on in this kernel.", "Run: %load_ext dfbackup_jupyter"
            )
        return cls._current

    def make_current(self) -> None:
        """Be the manager of this kernel."""
        BackupManager._current = self

    def close(self) -> bool:
        """Finish what is being written, within the time that a stopping kernel has.

        Returns
        -------
        bool
            Whether everything was written.
        """
        if BackupManager._current is self:
            BackupManager._current = None
        return self._worker.close(self.config.exit_timeout)

    # Making backups

    @announced
    def create(
        self,
        name: str,
        description: str = "",
        *,
        only: Sequence[str] | None = None,
        data_only: bool = False,
        progress: Progress = silent,
    ) -> Backup:
        """Make a manual backup; it is on disk when this returns.

        Parameters
        ----------
        name, description : str
            What it is called, and what it holds.
        only : sequence of str, optional
            Names of the frames to keep; all by default.
        data_only : bool
            Leave the session state out.

        Raises
        ------
        InvalidRequest
            No name, one that cannot be used, or a frame that does not exist.
        NothingToDo
            There is no frame to back up.
        StoreUnavailable
            The disk is full, read-only or forbidden.
        """
        if not name.strip():
            raise InvalidRequest(
                "A manual backup needs a name.",
                "Give one, or make a quick backup: %backup quick.",
            )
        return self._save(Kind.MANUAL, name, description, only, data_only, progress)

    @announced
    def quick(self, *, progress: Progress = silent) -> Backup:
        """Make a backup of everything without a name; it is on disk when this returns."""
        return self._save(Kind.QUICK, "", "", None, False, progress)

    @announced
    def protect(self, name: str, *, source: str, reason: str) -> Backup:
        """Make an automatic backup before code that is no cell, such as an AI agent's.

        Parameters
        ----------
        name : str
            What is about to be done.
        source, reason : str
            The code, and who runs it.
        """
        why = Provenance(cell=source, reason=reason)
        return self._save(Kind.AUTO, name, "", None, False, silent, why)

    def _save(
        self,
        kind: Kind,
        name: str,
        description: str,
        only: Sequence[str] | None,
        data_only: bool,
        progress: Progress,
        provenance: Provenance | None = None,
    ) -> Backup:
        draft = self._drafts.draft(
            kind,
            name=name,
            description=description,
            provenance=provenance or Provenance(reason="on request"),
        )
        now = self.watcher.settle()
        live = [str(path) for path in now.capture.by_path]
        if not live:
            raise NothingToDo(
                "There is no DataFrame in this session yet, so there is nothing to back up.",
                "Load your data first.",
            )
        only = _canonical(only)
        for unknown in set(only or ()).difference(live):
            raise InvalidRequest(
                f"There is no frame {unknown!r} in this session.", f"Frames: {', '.join(live)}."
            )
        draft = replace(draft, unwatched=now.capture.unwatched)
        states = [] if data_only else self._state.snapshot(now.capture)
        with progress("Backing up", self._stager.unstaged(now.capture)) as tick:
            write = partial(
                self._stager.write, capture=now.capture, states=states, only=only, tick=tick
            )
            try:
                return write(draft)
            except AlreadyExists:
                return write(renamed(draft))

    # Looking at backups

    def list(
        self,
        *,
        all: bool = False,
        kind: str | None = None,
        frame: str | None = None,
        limit: int | None = None,
    ) -> builtins.list[Backup]:
        """Return backups, the newest first.

        Parameters
        ----------
        all : bool
            Of the whole store, not of this session alone.
        kind : str, optional
            Only those of this kind.
        frame : str, optional
            Only those that hold a frame of this name.
        limit : int, optional
            At most so many.
        """
        if main_thread.here():  # others come for what there is, such as a display while a cell runs
            self._worker.flush(_PATIENCE)
        frame = frame and FramePath.canonical(frame)
        return self._catalog.search(all=all, kind=kind, frame=frame, limit=limit)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a function called whenever what a display shows may have changed.

        That is after a cell, after every background write, and after every verb that changes
        something. It is called on any thread, and should only take note.

        Returns
        -------
        callable
            Ends this.
        """
        return self._listeners.add(listener)

    def get(self, reference: str) -> Backup:
        """Return one backup.

        Raises
        ------
        BackupNotFound, AmbiguousBackup
            None is meant, or more than one.
        """
        try:
            if reference.strip() != LAST:
                return self._catalog.find(reference)
        except BackupNotFound:
            pass  # it may be among those that are still being written
        self._worker.flush()
        return self._catalog.find(reference)

    def show(self, reference: str, *, rows: int = 5) -> Details:
        """Return one backup and the first rows of its frames."""
        return self._loader.details(self.get(reference), rows)

    def read(self, reference: str, frame: str, columns: Collection[Any] | None = None) -> Any:
        """Return a frame of a backup, and change none of yours.

        Parameters
        ----------
        frame : str
            Its name, as ``df`` or ``dfs['a']``.
        columns : collection, optional
            Labels of columns; no others are read, so one column of a large frame comes at once.

        Raises
        ------
        InvalidRequest
            There is no such frame in the backup, or it has no such columns.
        DamagedData
            It cannot be read, or not whole.
        """
        backup = self.get(reference)
        info = backup.frame(FramePath.canonical(frame))
        if info is None:
            raise InvalidRequest(
                f"There is no frame {frame!r} in {backup.id}.",
                f"Frames of the backup: {', '.join(info.name for info in backup.frames)}.",
            )
        if columns is None:
            found = self._loader.frame(backup, info)
        else:
            found = self._loader.columns(backup, info, columns)
        if found.damaged:
            raise DamagedData(
                f"{found.damaged[0].column} cannot be read: {found.damaged[0].reason}.",
                "Name the columns that you need, without it.",
            )
        if columns is not None and found.frame.ndim == 2:
            for column in columns:
                if column not in found.frame:
                    raise InvalidRequest(
                        f"There is no column {column!r} in {info.name} of {backup.id}.",
                        f"%backup show {backup.id} shows what it has.",
                    )
        return found.frame

    def diff(self, reference: str, other: str | None = None, *, frame: str | None = None) -> Diff:
        """Compare a backup with the live frames, or with another backup.

        Parameters
        ----------
        frame : str, optional
            Compare this frame alone.
        """
        from dfbackup_jupyter.diff import compare  # here, as not every session compares

        backup = self.get(reference)
        frame = frame and FramePath.canonical(frame)
        before, notes = self._loader.frames(backup, frame)
        if other is None:
            later, after_label, after = None, "now", self._live_frames(frame)
        else:
            later = self.get(other)
            after_label = later.id
            after, more = self._loader.frames(later, frame)
            notes |= more
        if frame is not None and not before and not after and not notes:
            raise InvalidRequest(
                f"There is no frame {frame!r} in {backup.id}, nor in {after_label}.",
                f"Frames of the backup: {', '.join(info.name for info in backup.frames)}.",
            )
        session = [] if frame else self._differences(backup, later)
        return compare(
            before,
            after,
            before_label=backup.id,
            after_label=after_label,
            session=session,
            notes=notes,
        )

    def stats(self) -> Stats:
        """Return how much is backed up, and what it costs."""
        return self._catalog.stats()

    def status(self) -> Status:
        """Return the state of protection; from any thread, but only the main one looks anew."""
        capture = self.watcher.look().capture if main_thread.here() else self.watcher.newest
        snapshots = {str(frame.paths[0]): frame.snapshot for frame in capture.frames}
        try:
            mine = self._catalog.search()
        except StoreError as error:
            self.problem, mine = str(error), []
        undo, redo = self._timeline.to_undo(), self._timeline.to_redo()
        return Status(
            auto=self.config.auto,
            problem=self.problem,
            writing=self._worker.backlog(),
            notebook=self.session.notebook,
            session=self.session.id,
            store=str(self._store.root),
            frames={name: (found.rows, found.columns) for name, found in snapshots.items()},
            sizes={name: found.nbytes for name, found in snapshots.items()},
            unwatched=capture.unwatched,
            session_backups=len(mine),
            last=mine[0] if mine else None,
            undo=undo.what if undo else None,
            redo=redo.what if redo else None,
            recoverable=() if undo else tuple(self._recoverable_now()),
        )

    # Bringing frames back

    def restore(
        self,
        reference: str,
        *,
        only: Sequence[str] | None = None,
        as_name: str | None = None,
        data_only: bool = False,
        exact: bool = False,
        dry_run: bool = False,
        progress: Progress = silent,
    ) -> Restored:
        """Bring back the frames and the session state of a backup.

        A safety backup of the present state is made first, so a restore can be undone. Either
        everything that can be read comes back, or nothing changes.

        Parameters
        ----------
        only : sequence of str, optional
            Bring back these frames alone.
        as_name : str, optional
            Bring back one frame as a variable of this name.
        data_only : bool
            Leave the session state alone.
        exact : bool
            Take away the frames that the backup does not know.
        dry_run : bool
            Only say what would happen.

        Raises
        ------
        RestoreError
            Nothing could be brought back; the namespace is as it was.
        """
        backup = self.get(reference)
        try:
            with progress("Restoring", sum(info.bytes for info in backup.frames)) as tick:
                return self._recovery.restore(
                    backup,
                    only=_canonical(only),
                    as_name=as_name,
                    state=not (data_only or only or as_name),
                    exact=exact,
                    dry_run=dry_run,
                    tick=tick,
                )
        finally:
            if not dry_run:
                self._listeners.call()

    def previous(self) -> Previous:
        """Return what may be this notebook's previous session, the likeliest first."""
        return find_previous(
            self._catalog.backups(),
            self.session,
            lambda backup: self._state.sources(backup, self._store),
        )

    def recoverable(self) -> builtins.list[Backup]:
        """Return the states that a display may offer to bring back, the likeliest first.

        Looked for once; nothing is offered any more after `recover`.
        """
        if self._offered is None:
            found = self.previous()
            related = [one.backup for one in found.candidates if one.related]
            self._offered = related[:1] if found.certain else related
        return self._offered

    @announced
    def recover(
        self, reference: str | None = None, *, dry_run: bool = False, progress: Progress = silent
    ) -> Restored:
        """Bring back the newest state of this notebook's previous session.

        It can be undone as any restore can.

        Parameters
        ----------
        reference : str, optional
            Which state, where more than one session may be meant, or another one is.
        dry_run : bool
            Only say what would happen.

        Raises
        ------
        AmbiguousBackup
            It is not certain which session was the previous one.
        NothingToDo
            There is none that left anything.
        """
        found = self.previous()
        backup = None if reference is None else self.get(reference)
        states = chosen(found, backup)
        warnings: builtins.list[str] = []
        for state in states:
            try:
                with progress("Restoring", sum(info.bytes for info in state.frames)) as tick:
                    done = self._recovery.restore(
                        state, state=True, dry_run=dry_run, tick=tick, label=label(state)
                    )
            except (RestoreError, DamagedData, BackupNotFound) as error:
                if state is states[-1]:
                    raise
                warnings.append(f"{state.id} cannot be read: {error.message}")
                continue
            break
        warnings += [*done.warnings, *remarks(found, state)]
        if not dry_run:
            self._offered = []
        return replace(done, warnings=tuple(warnings))

    @announced
    def undo(self) -> Restored:
        """Take back the frame changes of the newest cell or restore that changed a frame.

        Raises
        ------
        NothingToDo
            No cell or restore of this session changed a frame.
        """
        return self._recovery.undo()

    @announced
    def redo(self) -> Restored:
        """Bring forward again what undo took back.

        Raises
        ------
        NothingToDo
            Nothing was undone, or cells have changed frames since.
        """
        return self._recovery.redo()

    # Labelling

    @announced
    def rename(self, reference: str, name: str) -> Backup:
        """Give a backup another name; its ID stays.

        Raises
        ------
        InvalidRequest
            The name is empty, too long, or means something else.
        """
        if not name.strip():
            raise InvalidRequest("A backup cannot be renamed to nothing.", "Give a name.")
        return self._amend(replace(self.get(reference), name=checked_name(name)))

    @announced
    def pin(self, reference: str, pinned: bool = True) -> Backup:
        """Keep a backup when its session is cleaned up, or no longer."""
        return self._amend(replace(self.get(reference), pinned=pinned))

    def _amend(self, backup: Backup) -> Backup:
        self._store.amend({**self._store.manifest(backup.id), "backup": backup.to_dict()})
        return backup

    # Deleting

    @announced
    def delete(
        self, references: Sequence[str | Backup], *, by: str = "%backup delete"
    ) -> builtins.list[Backup]:
        """Delete backups; each reference is found before the first one is deleted.

        Parameters
        ----------
        by : str
            Who deletes them, for the log of deletions.
        """
        meant = (self.get(one) if isinstance(one, str) else one for one in references)
        return self._delete({backup.id: backup for backup in meant}.values(), by)

    @announced
    def cleanup(self) -> builtins.list[Backup]:
        """Delete this session's backups, except the pinned ones."""
        self._worker.flush()
        loose = [backup for backup in self._catalog.search() if not backup.pinned]
        return self._delete(loose, "%backup cleanup")

    @announced
    def delete_all(self) -> builtins.list[Backup]:
        """Delete every backup in the store, of all notebooks and sessions.

        Those that cannot be understood go too; only the others are returned.
        """
        self._worker.flush()
        by = "%backup delete-all"
        for id in self._catalog.unreadable():
            self._store.delete(id, by=by)
        return self._delete(self._catalog.backups(), by)

    def _delete(self, backups: Iterable[Backup], by: str) -> builtins.list[Backup]:
        deleted = []
        for backup in backups:
            self._store.delete(backup.id, by=by)
            deleted.append(backup)
        if deleted:
            self._offered = None if self._offered else self._offered
            self._worker.submit(self._store.collect)
        return deleted

    # Files

    def export(
        self,
        reference: str,
        file: str | Path,
        *,
        format: Literal["native", "parquet"] = "native",
        progress: Progress = silent,
    ) -> Path:
        """Write a backup to a ``.zip``.

        Parameters
        ----------
        format : str
            ``native`` is exact and can be imported again; ``parquet`` is for other software.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InvalidRequest
            The file exists, or a frame cannot be written as Parquet.
        """
        backup = self.get(reference)
        path = new_file(file)
        with progress("Exporting", backup.bytes_raw) as tick:
            if format == "parquet":
                write_parquet(backup, self._loader, path, tick=tick)
            else:
                self._store.export(backup.id, path, tick=tick)
        return path

    @announced
    def import_(
        self, file: str | Path, *, trust: bool = False, progress: Progress = silent
    ) -> Backup:
        """Add the backup in a ``.zip`` to the store, under a new ID. No code of the file is run.

        Parameters
        ----------
        trust : bool
            Allow its pickled columns and variables to be unpickled when it is restored. A pickle
            can run any code: only for files from people you trust.

        Raises
        ------
        ArchiveError
            The file is not a backup, or is damaged or hostile.
        """
        path = Path(file).expanduser().absolute()
        if not path.exists():
            raise InvalidRequest(f"There is no file {path}.", "Check the name and the folder.")
        ours = partial(adopted, draft=self._drafts.draft(Kind.IMPORT), trust=trust, file=path.name)
        with progress("Importing", path.stat().st_size) as tick:
            backup = read_backup(self._store.import_(path, rewrite=ours, tick=tick))
        # What the file says of itself may be a lie.
        return self._amend(self._loader.unpickled(backup)) if trust else backup

    # Session state

    @property
    def chat(self) -> ChatMemory:
        """The session's conversations with AI agents."""
        return self._state.chat

    @property
    def searches(self) -> WebSearches:
        """The session's web searches."""
        return self._state.searches

    def register(self, recorder: Recorder) -> None:
        """Have one more part of the session state kept, in every backup from now on.

        Raises
        ------
        InvalidRequest
            It is no recorder, or another one has its name.
        """
        register(recorder)

    # Care

    @announced
    def repair(self, *, progress: Progress = silent) -> Verification:
        """Take what is damaged out of the store, and write again what is still in memory.

        Returns
        -------
        Verification
            What is damaged still, and so is lost.
        """
        found = self.verify(progress=progress)
        if found.ok:
            return found
        now = self.watcher.settle()
        self.watcher.commit(now, Kind.SAFETY, Provenance(reason="before repairing the store"))
        self._worker.flush()
        self._store.repair()
        left = self.verify(progress=progress)
        mended = len(set(found.damage).difference(left.damage))
        return replace(left, mended=mended)

    def verify(self, reference: str | None = None, *, progress: Progress = silent) -> Verification:
        """Read one backup, or all, and check every byte.

        Damage is reported, not raised: each one names the frames that it concerns.
        """
        backups = self._catalog.backups() if reference is None else [self.get(reference)]
        by_id = {backup.id: backup for backup in backups}
        with progress("Verifying", sum(backup.bytes_raw for backup in backups)) as tick:
            found = self._store.verify(None if reference is None else list(by_id), tick=tick)
        damage = [self._damage(by_id.get(d.id or ""), d) for d in found]
        if reference is None:
            damage += [Damage(id, (), str(e)) for id, e in self._catalog.unreadable().items()]
        return Verification(len(backups), tuple(damage))

    def log(self, limit: int | None = None, *, frame: str | None = None) -> builtins.list[Entry]:
        """Return the execution log: the newest `limit` cells, the oldest first.

        Parameters
        ----------
        frame : str, optional
            Only those that did something to the frame of this name: its story.
        """
        self._worker.flush(_PATIENCE)
        name = frame and FramePath.canonical(frame)
        entries = [
            entry
            for entry in self._state.execution_log.entries
            if name is None or any(change.name == name for change in entry.frames)
        ]
        return entries if limit is None else entries[max(len(entries) - limit, 0) :]

    def deletions(self, limit: int | None = None) -> builtins.list[Deletion]:
        """Return what was deleted, the newest first."""
        found = [Deletion.from_dict(record) for record in reversed(self._store.deletions())]
        return found[:limit]

    # Settings

    @property
    def auto(self) -> bool:
        """Whether cells that put frames at risk are backed up by themselves."""
        return self.config.auto

    @auto.setter
    @announced
    def auto(self, on: bool) -> None:
        self.config.auto = on

    def settings(self) -> dict[str, Any]:
        """Return every setting and its value."""
        return self.config.settings()

    @announced
    def configure(self, key: str, text: str) -> Any:
        """Change a setting for this session, and return its new value.

        Raises
        ------
        InvalidRequest
            There is no such setting, or it cannot have this value.
        """
        return self.config.change(key, text)

    def resolvable(self) -> builtins.list[str]:
        """Return every ID and name that a reference can be."""
        return self._catalog.references()

    def frame_names(self) -> builtins.list[str]:
        """Return the names of the live frames."""
        return [str(path) for path in self.watcher.look().capture.by_path]

    def stored_frame_names(self) -> set[str]:
        """Return the names of the frames in all backups."""
        return self._catalog.frame_names()

    def start(self) -> None:
        """Begin to protect what there is."""
        self.watcher.start()
        self._worker.submit(look_up, haste=False)

    def _recoverable_now(self) -> builtins.list[Backup]:
        try:
            return self.recoverable()
        except StoreError:
            return []

    def _differences(self, backup: Backup, later: Backup | None) -> builtins.list[str]:
        before = self._state.stored(backup, self._store)
        if later is not None:
            return self._state.differences(before, self._state.stored(later, self._store))
        states = self._state.snapshot(self.watcher.look().capture) if before else []
        return self._state.differences(before, {state.recorder: state for state in states})

    def _damage(self, backup: Backup | None, found: StoreDamage) -> Damage:
        frames = concerned(backup, found.object)
        columns: tuple[str, ...] = ()
        if backup is not None and frames and found.object is not None and found.blob is not None:
            columns = self._loader.lost_columns(backup, found.object)
        return Damage(found.id, frames, found.what, columns)

    def _live_frames(self, name: str | None) -> dict[str, Any]:
        frames = self.watcher.look().capture.frames
        return {
            str(frame.paths[0]): frame.snapshot.thaw()
            for frame in frames
            if name is None or name in map(str, frame.paths)
        }

    def _event_ended(self, event: Event) -> Callable[[], None]:
        explain = self._state.log(event)
        self._listeners.call()
        return explain

    def _note_disturbed(self, names: builtins.list[str]) -> None:
        self.notices.append(
            f"{', '.join(names)}: something wrote to the memory of this data in a way that pandas "
            "does not see, as through a writable NumPy view. What it was before is backed up: "
            "%backup undo."
        )

    def _note_write(self, error: BaseException | None) -> None:
        if error is None:
            self.problem = None
        elif isinstance(error, BackupError):
            self.problem = str(error)
        else:
            self.problem = logfile.describe(error)
            logger.error("a background write failed", exc_info=error)


def _canonical(names: Sequence[str] | None) -> builtins.list[str] | None:
    return [FramePath.canonical(name) for name in names] if names else None
