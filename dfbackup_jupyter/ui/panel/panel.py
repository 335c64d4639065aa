"""The panel: four tabs, kept up to date."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ipywidgets import HTML, HBox, Layout, Tab, VBox, Widget

from dfbackup_jupyter import main_thread
from dfbackup_jupyter.backup import Status
from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui import human
from dfbackup_jupyter.ui.panel import looks
from dfbackup_jupyter.ui.panel.create import Create
from dfbackup_jupyter.ui.panel.history import History
from dfbackup_jupyter.ui.panel.restore import Restore
from dfbackup_jupyter.ui.panel.section import Section, button, handler
from dfbackup_jupyter.ui.panel.settings import Settings

logger = logging.getLogger(__name__)

_CALM = 0.15  # seconds between a change and the panel's look at it: the next cell goes first


class Panel(Section):
    """Create, Restore, History and Settings, for one kernel.

    Showing it twice shows the same panel.

    Parameters
    ----------
    manager : BackupManager
        What does everything.
    """

    def __init__(self, manager: BackupManager) -> None:
        super().__init__(manager)
        self.create = Create(manager)
        self.restore = Restore(manager)
        self.history = History(manager, self._choose)
        self.settings = Settings(manager)
        self.tabs = (self.create, self.restore, self.history, self.settings)
        self.status = HTML(layout=Layout(flex="1 1 auto"))
        self.undo_button = button("Undo", self._undo, tooltip="Take back the newest change")
        self.redo_button = button("Redo", self._redo, tooltip="Bring forward what undo took back")
        self.tab = Tab(
            [tab.widget for tab in self.tabs],
            titles=[tab.title for tab in self.tabs],
            selected_index=0,
        )
        self.widget = VBox(
            [
                HTML(looks.STYLE, layout=Layout(display="none")),
                HBox(
                    [self.status, self.undo_button, self.redo_button],
                    layout=Layout(align_items="center"),
                ),
                self.message,
                self.tab,
            ]
        )
        self.widget.add_class("dfb-panel")
        self.closed = False
        self._told = threading.Event()
        self._refreshing = threading.Lock()
        self._again = False
        self._stale: set[Section] = set(self.tabs)
        self.tab.observe(self._opened, "selected_index")
        self._unsubscribe = manager.subscribe(self._changed)
        self._refresh()

    def close(self) -> None:
        """Take the panel away, and stop following what happens."""
        self._unsubscribe()
        self.closed = True
        with self._refreshing:
            self.history.close()
            for widget in _all(self.widget):
                widget.close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        shown: Any = self.widget._repr_mimebundle_(**options)
        data = shown[0] if isinstance(shown, tuple) else shown
        if data:
            data["text/plain"] = (
                "The backup panel needs a notebook that can show widgets. "
                "Everything in it can also be typed: %backup --help"
            )
        return shown

    def _changed(self) -> None:
        """Take note of a change, on whatever thread; many at once are one."""
        if self._told.is_set():
            return
        self._told.set()
        main_thread.call_later(_CALM, self._follow)

    def _follow(self) -> None:
        self._told.clear()
        self._stale.update(self.tabs)
        # Listing waits for what is being written; when that ends, there is news again.
        self._refresh(patient=False)

    def _refresh(self, *, patient: bool = True) -> None:
        """Bring what is seen up to date; a hidden tab waits until it is opened.

        Parameters
        ----------
        patient : bool
            Whether to wait for what is being written.
        """
        self._again = True
        while self._again and self._refreshing.acquire(blocking=False):
            try:
                self._again = False
                if not self.closed:
                    self._look(patient)
            finally:
                self._refreshing.release()

    def _look(self, patient: bool) -> None:
        tab = self.tabs[self.tab.selected_index or 0]
        try:
            status = self.manager.status()
            self.status.value = _protection(status)
            if tab in self._stale and (patient or not status.writing):
                self._stale.discard(tab)
                tab.refresh()
        except BackupError as error:
            self.status.value = looks.error(error.message, error.hint)
        except Exception as error:
            logger.exception("the panel could not be brought up to date")
            self.status.value = looks.error(f"{type(error).__name__}: {error}", "")

    def _opened(self, _change: Any) -> None:
        self._refresh()

    def _choose(self, id: str) -> None:
        self.tab.selected_index = self.tabs.index(self.restore)
        self.restore.choose(id)

    @handler(frames=True)
    def _undo(self) -> None:
        self.show(self.manager.undo())

    @handler(frames=True)
    def _redo(self) -> None:
        self.show(self.manager.redo())


def _protection(status: Status) -> str:
    if status.problem:
        return looks.protection("bad", f"Your data is not being backed up. {status.problem}")
    if not status.auto:
        return looks.protection("warn", "Automatic backups are off. Settings turns them on.")
    said = [f"Protected: {human.count(len(status.frames), 'frame')}"]
    if status.writing:
        said.append(f"writing {human.size(status.writing)}")
    if status.last:
        said.append(f"last backup {human.clock(status.last.created)[11:]}")
    if status.undo:
        said.append(f"undo takes back: {human.line(status.undo, 80)}")
    return looks.protection("good", " · ".join(said))


def _all(widget: Widget) -> list[Widget]:
    inner = [one for child in getattr(widget, "children", ()) for one in _all(child)]
    return [*inner, widget]
