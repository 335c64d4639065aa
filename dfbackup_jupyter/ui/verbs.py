"""What each command does: asks where something is lost, calls the manager, wraps the answer."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from dfbackup_jupyter import agent
from dfbackup_jupyter.backup import (
    JSON,
    Backup,
    Details,
    Kind,
    Restored,
    Stats,
    Status,
    Verification,
)
from dfbackup_jupyter.config import unknown_setting
from dfbackup_jupyter.errors import InvalidRequest
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui import confirm, human
from dfbackup_jupyter.ui.progress import bar
from dfbackup_jupyter.ui.results import (
    Answer,
    Backups,
    Candidates,
    DeletedBackups,
    Deletions,
    ExportedFile,
    Log,
    Settings,
)

if TYPE_CHECKING:
    from dfbackup_jupyter.diff import Diff
    from dfbackup_jupyter.ui.panel import Panel

_LISTED = 50  # backups, unless a number is given: what a cell's output shows well


class Verbs:
    """The commands, each under its name, with their arguments and options as keywords."""

    def __init__(self, manager: BackupManager) -> None:
        self._manager = manager
        self._panel: Panel | None = None

    def close(self) -> None:
        """Close what stays open after a call: the panel."""
        if self._panel is not None:
            self._panel.close()

    def status(self) -> Status:
        return self._manager.status()

    def create(
        self, name: str, description: str | None, only: Sequence[str] | None, data_only: bool
    ) -> Backup:
        return self._manager.create(
            name, description or "", only=only, data_only=data_only, progress=bar
        )

    def quick(self) -> Backup:
        return self._manager.quick(progress=bar)

    def list(
        self, all: bool, kind: str | None, frame: str | None, limit: int | None, json: bool
    ) -> Backups | builtins.list[JSON]:
        if json:
            found = self._manager.list(all=all, kind=kind, frame=frame, limit=limit)
            return [backup.to_dict() for backup in found]
        shown = _LISTED if limit is None else limit
        found = self._manager.list(all=all, kind=kind, frame=frame, limit=shown)
        where = "in the store" if all else "of this session"
        what = " ".join(filter(None, (kind, "backup")))
        holding = f" with {frame}" if frame else ""
        crashed = (
            " After a crash: %backup list --all --kind autosave shows how each session ended."
            if all and kind is None
            else ""
        )
        if found:
            count = human.count(len(found), what)
            heading = f"{count}{holding} {where}, the newest first"
            more = ""
            if len(found) == shown:
                heading = f"The newest {count}{holding} {where}"
                more = " -n N shows more." if limit is None else ""
            return Backups(found, heading, f"%backup restore ID brings one back.{more}{crashed}")
        return Backups(
            (),
            f"No {what}s{holding} {where}",
            f"%backup create NAME makes one.{crashed}"
            if all
            else "%backup create NAME makes one; %backup list --all shows those of other sessions.",
        )

    def show(self, reference: str, json: bool) -> Details | JSON:
        details = self._manager.show(reference)
        return details.to_dict() if json else details

    def diff(self, reference: str, other: str | None, frame: str | None, json: bool) -> Diff | JSON:
        found = self._manager.diff(reference, other, frame=frame)
        return found.to_dict() if json else found

    def restore(
        self,
        reference: str,
        only: Sequence[str] | None,
        as_name: str | None,
        data_only: bool,
        exact: bool,
        dry_run: bool,
    ) -> Restored:
        return self._manager.restore(
            reference,
            only=only,
            as_name=as_name,
            data_only=data_only,
            exact=exact,
            dry_run=dry_run,
            progress=bar,
        )

    def recover(self, reference: str | None, dry_run: bool) -> Restored | Candidates:
        if reference is None:
            found = self._manager.previous()
            if found.candidates and not found.certain:
                return Candidates(
                    found.candidates,
                    "It is not certain which of these was this notebook's previous session",
                    "Bring one back: `%backup recover ID`",
                )
        return self._manager.recover(reference, dry_run=dry_run, progress=bar)

    def undo(self) -> Restored:
        return self._manager.undo()

    def redo(self) -> Restored:
        return self._manager.redo()

    def stats(self, json: bool) -> Stats | JSON:
        stats = self._manager.stats()
        return stats.to_dict() if json else stats

    def delete(self, references: Sequence[str], yes: bool) -> Backups:
        found = {backup.id: backup for backup in map(self._manager.get, references)}
        kept = [b for b in found.values() if b.name or b.kind is Kind.MANUAL]
        if kept and not yes:
            listed = ", ".join(
                f"{human.line(b.name or b.id)} ({human.ago(b.created)})" for b in kept
            )
            if not confirm.agreed(f"Delete {listed}?"):
                return DeletedBackups([])
        return DeletedBackups(self._manager.delete(list(found)))

    def cleanup(self, yes: bool) -> Backups:
        found = [backup for backup in self._manager.list() if not backup.pinned]
        by_hand = sum(backup.kind is Kind.MANUAL for backup in found)
        question = (
            f"Delete {human.count(len(found), 'backup')} of this session, "
            f"{by_hand} of them made by hand?"
        )
        if found and not yes and not confirm.agreed(question):
            return DeletedBackups([])
        return DeletedBackups(self._manager.cleanup())

    def delete_all(self, yes: bool) -> Backups:
        stats = self._manager.stats()
        warning = (
            f"This deletes everything in {stats.store}: "
            f"{human.count(sum(stats.backups.values()), 'backup')} of "
            f"{human.count(len(stats.notebooks), 'notebook')}."
        )
        if not yes and not confirm.typed("delete-all", warning):
            return DeletedBackups([])
        return DeletedBackups(self._manager.delete_all())

    def export(
        self, reference: str, file: str, format: Literal["native", "parquet"] | None
    ) -> ExportedFile:
        path = self._manager.export(reference, file, format=format or "native", progress=bar)
        return ExportedFile(path)

    def import_(self, file: str, trust: bool) -> Backup:
        return self._manager.import_(file, trust=trust, progress=bar)

    def verify(self, reference: str | None, repair: bool, json: bool) -> Verification | JSON:
        if repair and reference is not None:
            raise InvalidRequest(
                "A single backup cannot be repaired: what is damaged may be part of several.",
                "Repair all of them: %backup verify --repair",
            )
        found = (
            self._manager.repair(progress=bar)
            if repair
            else self._manager.verify(reference, progress=bar)
        )
        return found.to_dict() if json else found

    def log(self, limit: int | None, frame: str | None, deleted: bool, json: bool) -> Any:
        found: Log | Deletions
        if deleted:
            gone = self._manager.deletions(limit)
            heading = f"{human.count(len(gone), 'deleted backup')}, the newest first"
            found = Deletions(gone, heading if gone else "Nothing was deleted")
        else:
            ran = self._manager.log(limit, frame=frame)
            if frame is None:
                heading = human.count(len(ran), "cell") if ran else "No cell was logged yet"
            elif ran:
                heading = f"{human.count(len(ran), 'change')} of {frame}"
            else:
                heading = f"No cell has changed {frame}"
            heading += ", the newest last" if ran else ""
            found = Log(ran, heading, frame=frame, session=self._manager.session.id)
        return [item.to_dict() for item in found] if json else found

    def auto(self, switch: str) -> Status:
        self._manager.auto = switch == "on"
        return self._manager.status()

    def config(self, setting: Sequence[str]) -> Settings:
        traits = self._manager.config.traits()
        values = self._manager.settings()
        help = {key: str(traits[key].help) for key in values}
        if not setting:
            return Settings(values, help)
        key, equals, text = (part.strip() for part in " ".join(setting).partition("="))
        if equals:
            return Settings({key: self._manager.configure(key, text)}, help)
        if key not in values:
            raise unknown_setting(key, values)
        return Settings({key: values[key]}, help)

    def ask(self, request: str) -> Answer:
        return Answer(agent.ask(self._manager, request, confirm=_agreed, show=print))

    def panel(self) -> Panel:
        # Importing ipywidgets takes time that nobody should wait for who does not use it.
        from dfbackup_jupyter.ui.panel import Panel

        if self._panel is None or self._panel.closed:
            self._panel = Panel(self._manager)
        return self._panel


def _agreed(question: str) -> bool:
    try:
        return confirm.agreed(question)
    except InvalidRequest as error:
        print(error.message)
        return False
