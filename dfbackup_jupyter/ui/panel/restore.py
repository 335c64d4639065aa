"""The tab that brings frames back."""

from __future__ import annotations

import base64
import threading
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from ipywidgets import HTML, Checkbox, Dropdown, HBox, Layout, Select, Text, VBox

from dfbackup_jupyter.backup import Backup
from dfbackup_jupyter.errors import InvalidRequest
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui import human
from dfbackup_jupyter.ui.panel import looks
from dfbackup_jupyter.ui.panel.choice import FrameChoice
from dfbackup_jupyter.ui.panel.section import Section, alone, button, handler

AT_ONCE = 50_000_000
"""Bytes of a backup up to which a preview appears by itself."""

LINK_LIMIT = 20_000_000
"""Bytes of a file up to which the browser is given it as a link."""

_LISTED = 500


class Restore(Section):
    """Shows what is in a backup and what would change, then restores or exports it."""

    title = "Restore"

    def __init__(self, manager: BackupManager) -> None:
        super().__init__(manager)
        self._backups: dict[str, Backup] = {}
        self._listing: int | None = None
        self._seen: object = None
        self._offered: Backup | None = None
        self._offer = HTML(layout=Layout(flex="1 1 auto"))
        self.recover_button = button(
            "Bring back", self._recover, "primary", "The present state is kept in a safety backup"
        )
        self._earlier = HBox(
            [self._offer, self.recover_button], layout=Layout(display="none", align_items="center")
        )
        self.search = Text(
            placeholder="Search: a name, a frame, a word of the cell, a kind, a date",
            layout=Layout(flex="1 1 auto", width="auto"),
        )
        self.everywhere = Checkbox(
            indent=False,
            description="Other sessions and notebooks too",
            layout=Layout(width="auto", flex="0 0 auto"),
        )
        self.found = Select(rows=8, layout=Layout(width="100%"))
        self._count = HTML()
        self.summary = HTML()
        self.details = HTML()
        self.frames = FrameChoice(self._outdate)
        self.as_name = Text(placeholder="New name (one frame)", layout=Layout(width="200px"))
        self.state = Checkbox(
            value=True,
            indent=False,
            description="Session state too, when all frames are restored",
            layout=Layout(width="auto"),
        )
        self.exact = Checkbox(
            indent=False,
            description="Remove frames that the backup does not know",
            layout=Layout(width="auto"),
        )
        self.preview = HTML()
        self.preview_button = button("Show what would change", self._preview)
        self.restore_button = button(
            "Restore", self._restore, "primary", "The present state is kept in a safety backup"
        )
        self.format = Dropdown(
            options=[
                ("exact, can be imported again", "native"),
                ("Parquet, for other software", "parquet"),
            ],
            layout=Layout(width="230px"),
        )
        self.export_button = button("Export", self._export, tooltip="Write a .zip to the folder")
        self.link = HTML()
        self._chosen = VBox(
            [
                self.summary,
                HTML(looks.section("What to restore")),
                self.frames.widget,
                self.state,
                self.exact,
                HTML(looks.section("What would change")),
                self.preview,
                HBox([self.preview_button, self.restore_button, HTML("as"), self.as_name]),
            ],
            layout=Layout(display="none"),
        )
        self._more = VBox(
            [
                HTML(looks.section("What is in it")),
                self.details,
                HTML(looks.section("Export")),
                HBox([self.export_button, self.format]),
                self.link,
            ],
            layout=Layout(display="none"),
        )
        for row in self._chosen.children:
            if isinstance(row, HBox):
                row.layout.align_items = "center"
        self.widget = VBox(
            [
                self._earlier,
                HBox([self.search, self.everywhere]),
                self.found,
                self._count,
                self._chosen,
                self.progress.widget,
                self.message,
                self._more,
            ]
        )
        for control in (self.as_name, self.state, self.exact):
            control.observe(self._outdate, "value")
        self.search.observe(self._narrow, "value")
        self.everywhere.observe(self._reload, "value")
        self.found.observe(self._select, "value")

    def refresh(self) -> None:
        """Show the backups that there are now, and mark the preview as of before."""
        self._load()
        self._show_offer()
        if self._seen is not None and self._state_of_frames() != self._seen:
            self._outdate(None)

    def _show_offer(self) -> None:
        offered = self.manager.status().recoverable
        self._offered = offered[0] if offered else None
        self._earlier.layout.display = "" if offered else "none"
        if self._offered is not None:
            self._offer.value = looks.note(looks.left_behind(self._offered, len(offered)))

    def _state_of_frames(self) -> object:
        status = self.manager.status()
        return status.undo, status.redo, status.frames, status.session_backups

    def _outdate(self, _change: Any) -> None:
        if self._seen is None:
            return
        self._seen = None
        self.preview.value = (
            looks.note("This was before the newest change or choice. Look again:")
            + f'<div class="dfb-stale">{self.preview.value}</div>'
        )

    def choose(self, id: str) -> None:
        """Select a backup, as if it had been found and clicked."""
        if id not in self._backups:
            self.everywhere.value = True
        self.search.value = ""
        self._list()
        self.found.value = id

    @property
    def backup(self) -> Backup:
        """The selected one.

        Raises
        ------
        InvalidRequest
            None is.
        """
        backup = self._backups.get(self.found.value)
        if backup is None:
            raise InvalidRequest("No backup is selected.", "Choose one from the list.")
        return backup

    def _load(self) -> None:
        found = self.manager.list(all=self.everywhere.value)
        self._backups = {backup.id: backup for backup in found}
        self._list()

    @alone
    def _list(self) -> None:
        words = self.search.value.casefold().split()
        hits = [b for b in self._backups.values() if all(w in _text(b) for w in words)]
        shown = hits[:_LISTED]
        options = tuple((looks.option(backup), backup.id) for backup in shown)
        if options != self.found.options:
            selected = self.found.value
            # The widget selects the first one by itself.
            self._listing = threading.get_ident()
            self.found.options = options
            self.found.value = selected if any(selected == b.id for b in shown) else None
            self._listing = None
            if self.found.value != selected:
                self._select(None)
        more = f", the newest {_LISTED} are listed" if len(hits) > _LISTED else ""
        none = "No backup of this session yet." if not words else "Nothing is found."
        text = f"{human.count(len(hits), 'backup')}{more}" if hits else none
        self._count.value = looks.note(text)

    @handler(frames=False)
    def _narrow(self) -> None:
        self._list()

    @handler(frames=False)
    def _reload(self) -> None:
        self._load()

    def _select(self, _change: Any) -> None:
        if self._listing == threading.get_ident():
            return
        self._seen = None
        self.message.value = self.link.value = self.preview.value = self.as_name.value = ""
        self.details.value = ""
        selected = self._backups.get(self.found.value)
        for part in (self._chosen, self._more):
            part.layout.display = "none" if selected is None else ""
        if selected is None:
            return
        self.summary.value = looks.entry(selected)
        self.frames.offer({})
        self.frames.offer(
            {
                info.name: f"{human.shape(info.rows, info.columns)} · {human.size(info.bytes)}"
                for info in selected.frames
            }
        )
        self.run(self.found, self._describe, frames=False)
        if self.details.value and selected.bytes_raw <= AT_ONCE:
            self.run(self.found, partial(self._look_at, selected.id), frames=True)

    def _describe(self) -> None:
        self.details.value = looks.details(self.manager.show(self.backup.id))

    def _terms(self) -> dict[str, Any]:
        chosen, name = self.frames.chosen, self.as_name.value.strip() or None
        if not chosen:
            raise InvalidRequest("No frame is chosen.", "Tick at least one.")
        if name and len(chosen) > 1:
            raise InvalidRequest(
                "Only one frame can be restored under another name.", "Tick that one alone."
            )
        return {
            "only": chosen if name else self.frames.only,
            "as_name": name,
            "data_only": not self.state.value,
            "exact": self.exact.value,
            "progress": self.progress,
        }

    def _look_at(self, id: str) -> None:
        if self.found.value == id:  # another one may have been selected while a cell ran
            self._look()

    @handler(frames=True)
    def _preview(self) -> None:
        self._look()

    def _look(self) -> None:
        backup, terms = self.backup, self._terms()
        planned = self.manager.restore(backup.id, dry_run=True, **terms)
        found = self.manager.diff(backup.id)
        self._seen = self._state_of_frames()
        concerned = {*self.frames.chosen, *planned.restored, *planned.removed}
        frames = tuple(frame for frame in found.frames if frame.name in concerned)
        session = () if terms["data_only"] or terms["only"] else found.session
        self.preview.value = (
            looks.result(planned)
            + looks.note("How your frames differ from the backup; restoring takes this back:")
            + looks.result(replace(found, frames=frames, session=session))
        )

    @handler(frames=True)
    def _restore(self) -> None:
        self.show(self.manager.restore(self.backup.id, **self._terms()))
        self._seen, self.preview.value = None, ""

    @handler(frames=True)
    def _recover(self) -> None:
        if self._offered is not None:
            self.show(self.manager.recover(self._offered.id, progress=self.progress))

    @handler(frames=False)
    def _export(self) -> None:
        self.link.value = ""
        backup, format = self.backup, self.format.value
        suffix = "_parquet" if format == "parquet" else ""
        file = self.manager.export(
            backup.id, f"{backup.id}{suffix}.zip", format=format, progress=self.progress
        )
        self.link.value = _link(file)


def _link(file: Path) -> str:
    length = file.stat().st_size
    written = f"Written: <code>{escape(str(file))}</code> ({human.size(length)})"
    if length > LINK_LIMIT:
        return f"<div>{written}</div>"
    content = base64.b64encode(file.read_bytes()).decode()
    return (
        f'<div>{written} · <a class="dfb-download" download="{escape(file.name)}" '
        f'href="data:application/zip;base64,{content}">Download</a></div>'
    )


def _text(backup: Backup) -> str:
    """Return all of a backup that a search looks into."""
    frames = " ".join(name for info in backup.frames for name in info.names)
    why = backup.provenance
    words = (backup.id, backup.name, backup.description, frames, backup.notebook, why.reason)
    return "\n".join((*words, why.cell or "", human.clock(backup.created))).casefold()
