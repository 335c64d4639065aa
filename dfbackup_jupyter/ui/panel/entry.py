"""One backup in the timeline, with what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipywidgets import HTML, Dropdown, HBox, Layout, VBox

from dfbackup_jupyter.backup import Backup
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui.panel import looks
from dfbackup_jupyter.ui.panel.section import Section, button, handler

_CHOICES = 100


class Entry(Section):
    """A line of the timeline, which unfolds.

    Parameters
    ----------
    backup : Backup
        The one that is shown.
    choose : callable
        Takes the ID of a backup that is to be restored.
    others : callable
        Gives the backups that this one can be compared with.
    """

    def __init__(
        self,
        manager: BackupManager,
        backup: Backup,
        *,
        choose: Callable[[str], None],
        others: Callable[[], list[Backup]],
    ) -> None:
        super().__init__(manager)
        self.backup = backup
        self._choose = choose
        self._others = others
        self._line = HTML(layout=Layout(flex="1 1 300px", min_width="0"))
        self._below = VBox()
        self.details_button = button("Details", self._details)
        self.restore_button = button("Restore…", self._restore, tooltip="Look at it, then restore")
        self.compare_button = button("Compare", self._compare)
        self.delete_button = button("Delete…", self._ask)
        actions = [
            self.details_button,
            self.restore_button,
            self.compare_button,
            self.delete_button,
        ]
        self.widget = VBox(
            [
                HBox(
                    [self._line, HBox(actions, layout=Layout(flex="0 0 auto"))],
                    layout=Layout(align_items="center", flex_flow="row wrap"),
                ),
                self.message,
                self._below,
            ]
        )
        self.widget.add_class("dfb-entry")
        self.update(backup)

    def update(self, backup: Backup) -> None:
        """Show what is known of the backup now."""
        self.backup = backup
        self._line.value = looks.entry(backup)

    def close(self) -> None:
        """Take the line out of the timeline."""
        self._put()
        for row in (*self.widget.children[0].children, *self.widget.children):
            for widget in (*getattr(row, "children", ()), row):
                widget.close()
        self.widget.close()

    def _put(self, *widgets: Any) -> None:
        before, self._below.children = self._below.children, widgets
        for widget in before:
            for inner in (*getattr(widget, "children", ()), widget):
                inner.close()

    @handler(frames=False)
    def _details(self) -> None:
        if self.details_button.description == "Details":
            self._put(HTML(looks.details(self.manager.show(self.backup.id))))
            self.details_button.description = "Fold"
        else:
            self._put()
            self.details_button.description = "Details"

    @handler(frames=False)
    def _restore(self) -> None:
        self._choose(self.backup.id)

    @handler(frames=True)
    def _compare(self) -> None:
        self.details_button.description = "Fold"
        others = [other for other in self._others() if other.id != self.backup.id][:_CHOICES]
        self.other = Dropdown(
            options=[("now", ""), *((looks.option(other), other.id) for other in others)],
            description="with",
            layout=Layout(width="100%", max_width="560px"),
        )
        self.difference = HTML()
        self.other.observe(self._compare_with, "value")
        self._put(self.other, self.difference)
        self._show_difference()

    @handler(frames=True)
    def _compare_with(self) -> None:
        self._show_difference()

    def _show_difference(self) -> None:
        other = self.other.value or None
        self.difference.value = looks.result(self.manager.diff(self.backup.id, other))

    @handler(frames=False)
    def _ask(self) -> None:
        self.details_button.description = "Fold"
        self.sure_button = button("Delete it", self._delete, "danger")
        self.keep_button = button("Keep it", self._keep)
        question = HTML(looks.warning(f"Delete “{looks.title(self.backup)}”? It cannot be undone."))
        self._put(question, HBox([self.sure_button, self.keep_button]))

    @handler(frames=True)
    def _delete(self) -> None:
        self.manager.delete([self.backup.id])

    @handler(frames=False)
    def _keep(self) -> None:
        self._put()
        self.details_button.description = "Details"
