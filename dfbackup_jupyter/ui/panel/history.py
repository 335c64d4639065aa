"""The tab that shows how the session went."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from ipywidgets import HTML, Button, Layout, VBox

from dfbackup_jupyter.backup import Backup, Kind
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui import human
from dfbackup_jupyter.ui.panel import looks, pictures
from dfbackup_jupyter.ui.panel.entry import Entry
from dfbackup_jupyter.ui.panel.section import Section, alone, button, handler

_PAGE = 25
_LOGGED = 500
_BY_ITSELF = frozenset({Kind.AUTO, Kind.SAFETY, Kind.AUTOSAVE})


class History(Section):
    """A timeline, the newest first, with the automatic backups folded between the others.

    Parameters
    ----------
    choose : callable
        Takes the ID of a backup that is to be restored.
    """

    title = "History"

    def __init__(self, manager: BackupManager, choose: Callable[[str], None]) -> None:
        super().__init__(manager)
        self._choose = choose
        self._backups: list[Backup] = []
        self.entries: dict[str, Entry] = {}
        self._folds: dict[str, Fold] = {}
        self._limit = _PAGE
        self.picture = HTML()
        self._heading = HTML()
        self.timeline = VBox()
        self.more_button = button("Show older ones", self._more)
        self.widget = VBox(
            [self.picture, self._heading, self.message, self.timeline, self.more_button]
        )

    def refresh(self) -> None:
        """Show the session as it is now."""
        self._backups = self.manager.list()
        now = self.manager.status().frames
        drawn = pictures.session(self._backups, self.manager.log(_LOGGED), now)
        on_disk = human.size(self.manager.stats().bytes_on_disk)
        kept = (
            "Each line is rows × columns, or for “on disk” what the backups listed below added to "
            f"the store, which takes {on_disk} with all notebooks."
        )
        self.picture.value = (
            looks.section("This session") + drawn + looks.note(kept) if drawn else ""
        )
        self._draw()

    def close(self) -> None:
        """Take all lines away, also those that are folded."""
        self.timeline.children = ()
        for entry in self.entries.values():
            entry.close()
        for fold in self._folds.values():
            fold.close()

    @alone
    def _draw(self) -> None:
        groups = list(_groups(self._backups))
        shown = groups[: self._limit]
        seen = {backup.id for group in shown for backup in group}
        folds = {group[-1].id for group in shown if len(group) > 1}
        lines = [self._line(group) for group in shown]
        if self.timeline.children != tuple(lines):
            self.timeline.children = lines
        for id in self.entries.keys() - seen:
            self.entries.pop(id).close()
        for id in self._folds.keys() - folds:
            self._folds.pop(id).close()
        count = human.count(len(self._backups), "backup")
        self._heading.value = (
            looks.section(f"{count}, the newest first")
            if self._backups
            else looks.note("No backup in this session yet. A risky cell makes one by itself.")
        )
        self.more_button.layout.display = "" if len(groups) > len(shown) else "none"

    def _line(self, group: Sequence[Backup]) -> Any:
        if len(group) == 1:
            return self._entry(group[0]).widget
        # The oldest one stays when the group grows.
        fold = self._folds.get(group[-1].id)
        if fold is None:
            fold = self._folds[group[-1].id] = Fold(self._entry, self._draw)
        fold.update(group)
        return fold.widget

    def _entry(self, backup: Backup) -> Entry:
        entry = self.entries.get(backup.id)
        if entry is None:
            entry = self.entries[backup.id] = Entry(
                self.manager, backup, choose=self._choose, others=lambda: self._backups
            )
        else:
            entry.update(backup)
        return entry

    @handler(frames=False)
    def _more(self) -> None:
        self._limit += _PAGE
        self._draw()


class Fold:
    """Automatic backups in a row; their lines are made when it is opened.

    Parameters
    ----------
    entry : callable
        Gives the line of a backup.
    redraw : callable
        Draws the timeline again.
    """

    def __init__(self, entry: Callable[[Backup], Entry], redraw: Callable[[], None]) -> None:
        self._entry = entry
        self._redraw = redraw
        self._open = False
        self._limit = _PAGE
        self.switch = Button(layout=Layout(width="100%"), tooltip="Show or hide them")
        self.switch.style.button_color = "transparent"
        self.switch.style.text_align = "left"
        self.switch.on_click(self._toggle)
        self.further = button("Show older ones", self._further)
        self._lines = VBox()
        self.widget = VBox([self.switch, self._lines])
        self.widget.add_class("dfb-folded")

    def update(self, group: Sequence[Backup]) -> None:
        """Show these backups, the newest first."""
        arrow = "▾" if self._open else "▸"
        newest, oldest = (human.clock(group[i].created)[11:16] for i in (0, -1))
        span = newest if newest == oldest else f"{oldest}–{newest}"
        self.switch.description = f"{arrow} {len(group):,} automatic backups, {span}"
        shown = group[: self._limit] if self._open else ()
        lines = [self._entry(backup).widget for backup in shown]
        if self._open and len(group) > len(shown):
            lines.append(self.further)
        if self._lines.children != tuple(lines):
            self._lines.children = lines

    def close(self) -> None:
        """Take the group out of the timeline."""
        for widget in (self.switch, self.further, self._lines, self.widget):
            widget.close()

    def _toggle(self, _button: Any) -> None:
        self._open = not self._open
        self._redraw()

    def _further(self, _button: Any) -> None:
        self._limit += _PAGE
        self._redraw()


def _groups(backups: Sequence[Backup]) -> Iterator[list[Backup]]:
    """Give single backups, and those that were made by themselves in a row as one group."""
    for by_itself, found in groupby(backups, lambda b: b.kind in _BY_ITSELF and not b.name):
        if by_itself:
            yield list(found)
        else:
            yield from ([backup] for backup in found)
