"""The tab of settings, disk usage, cleaning up, import and verification."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

from ipywidgets import (
    HTML,
    BoundedFloatText,
    Checkbox,
    Dropdown,
    FileUpload,
    HBox,
    Layout,
    Text,
    VBox,
)
from traitlets import Bool, Enum, Unicode

from dfbackup_jupyter.backup import Backup
from dfbackup_jupyter.errors import InvalidRequest
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui import human
from dfbackup_jupyter.ui.panel import looks, pictures
from dfbackup_jupyter.ui.panel.section import Section, button, handler
from dfbackup_jupyter.ui.results import DeletedBackups

WORD = "delete-all"
"""What is typed to delete everything, as at `%backup delete-all`."""

TRUST_WARNING = (
    "A backup can hold Python objects, and reading those can run any code that the file's maker "
    "put there. Without trust they are left out and only plain data comes back, which is safe. "
    "Trust a file only if you made it yourself or know well who did."
)

_MEBIBYTE = 1 << 20


class Settings(Section):
    """Settings for this session, and care for the store."""

    title = "Settings"

    def __init__(self, manager: BackupManager) -> None:
        super().__init__(manager)
        self.controls = {key: Setting(manager, key) for key in manager.settings() if key != "store"}
        self.usage = HTML()
        self.verify_button = button("Verify now", self._verify, tooltip="Read and check every byte")
        self.cleanup_button = button("Clean up this session…", self._ask_cleanup)
        self._question = VBox()
        self.word = Text(placeholder=f"type {WORD}", layout=Layout(width="160px"))
        self.delete_all_button = button(
            "Delete all", self._delete_all, "danger", "Every backup of all notebooks and sessions"
        )
        self.upload = FileUpload(accept=".zip", multiple=False, description="Choose a file")
        self.trust = Checkbox(
            indent=False,
            description="I trust this file: read the Python objects in it",
            layout=Layout(width="auto"),
        )
        self.import_button = button("Import", self._import, "primary")
        self.widget = VBox(
            [
                self.progress.widget,
                self.message,
                HTML(looks.section("For this session")),
                *(setting.widget for setting in self.controls.values()),
                HTML(looks.section("Store")),
                self.usage,
                HBox([self.verify_button, self.cleanup_button]),
                self._question,
                HTML(looks.section("Import")),
                HTML(looks.warning(TRUST_WARNING)),
                self.trust,
                HBox([self.upload, self.import_button]),
                HTML(looks.section("Delete everything in the store")),
                HTML(
                    looks.note(
                        "Every backup of all notebooks and sessions. It cannot be undone. "
                        f"To confirm, type {WORD}."
                    )
                ),
                HBox([self.word, self.delete_all_button]),
            ]
        )

    def refresh(self) -> None:
        """Show the settings and the store as they are now."""
        for setting in self.controls.values():
            setting.refresh()
        stats, backups = self.manager.stats(), self.manager.list(all=True)
        self.usage.value = (
            looks.result(stats)
            + looks.section("By notebook")
            + pictures.bars("Backups by notebook", _amounts(backups, lambda b: b.notebook))
            + looks.section("By kind")
            + pictures.bars("Backups by kind", _amounts(backups, lambda b: str(b.kind)))
            + looks.note("What backups share is stored once, but counts in each of them here.")
            + looks.note("DFBACKUP_STORE in the environment of Jupyter puts the store elsewhere.")
        )

    @handler(frames=False)
    def _verify(self) -> None:
        self.show(self.manager.verify(progress=self.progress))

    @handler(frames=False)
    def _ask_cleanup(self) -> None:
        loose = [backup for backup in self.manager.list() if not backup.pinned]
        if not loose:
            raise InvalidRequest("This session has no backup to delete.", "")
        question = f"Delete {human.count(len(loose), 'backup')} of this session? Pinned ones stay."
        self.sure_button = button("Delete them", self._cleanup, "danger")
        self.keep_button = button("Keep them", self._keep)
        self._put(HTML(looks.warning(question)), HBox([self.sure_button, self.keep_button]))

    @handler(frames=True)
    def _cleanup(self) -> None:
        self.show(DeletedBackups(self.manager.cleanup()))
        self._put()

    @handler(frames=False)
    def _keep(self) -> None:
        self._put()

    def _put(self, *widgets: Any) -> None:
        self._question.children = widgets

    @handler(frames=True)
    def _delete_all(self) -> None:
        if self.word.value.strip() != WORD:
            raise InvalidRequest("Nothing was deleted.", f"To confirm, type {WORD} first.")
        deleted = self.manager.delete_all()
        self.word.value = ""
        self.show(DeletedBackups(deleted))

    @handler(frames=True)
    def _import(self) -> None:
        if not self.upload.value:
            raise InvalidRequest("No file is chosen.", "Choose a .zip that Export has written.")
        file = self.upload.value[0]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, _file_name(file.name))
            path.write_bytes(file.content)
            made = self.manager.import_(path, trust=self.trust.value, progress=self.progress)
        self.upload.value = ()
        self.trust.value = False
        self.show(made)


class Setting(Section):
    """One setting: a control, what it means, and errors beside it."""

    def __init__(self, manager: BackupManager, key: str) -> None:
        super().__init__(manager)
        self._key = key
        trait = manager.config.traits()[key]
        self._unit = _MEBIBYTE if key.endswith("_limit") else 1
        self.control = _control(trait)
        unit = ", MiB" if self._unit > 1 else ""
        label = HTML(
            f"<b>{escape(_label(key))}</b>{unit}", layout=Layout(width="150px", flex="0 0 auto")
        )
        about = HTML(looks.note(str(trait.help)), layout=Layout(flex="1 1 260px"))
        row = HBox([label, self.control, about], layout=Layout(flex_flow="row wrap"))
        self.widget = VBox([row, self.message])
        self.refresh()
        self.control.observe(self._change, "value")

    def refresh(self) -> None:
        """Show the value that holds."""
        value = self._value
        if self.control.value != value:
            self.control.value = value

    @property
    def _value(self) -> Any:
        value = self.manager.settings()[self._key]
        return value / self._unit if self._unit > 1 else value

    @handler(frames=False)
    def _change(self) -> None:
        wanted = self.control.value
        if wanted == self._value:
            return
        try:
            if self._key == "auto":
                self.manager.auto = wanted
            else:
                given = round(wanted * self._unit) if self._unit > 1 else wanted
                self.manager.configure(self._key, str(given))
        finally:
            self.refresh()


def _control(trait: Any) -> Any:
    layout = Layout(width="160px", flex="0 0 auto")
    if isinstance(trait, Bool):
        return Checkbox(indent=False, layout=layout)
    if isinstance(trait, Enum):
        return Dropdown(options=list(trait.values or ()), layout=layout)
    if isinstance(trait, Unicode):
        return Text(continuous_update=False, layout=layout)
    # Below zero too, so that it is the setting itself that says what it can be.
    return BoundedFloatText(min=-1.0, max=1e12, layout=layout)


def _label(key: str) -> str:
    return human.sentence(key.replace("_", " "))


def _amounts(backups: Iterable[Backup], label: Callable[[Backup], str]) -> dict[str, Any]:
    found: dict[str, list[Backup]] = defaultdict(list)
    for backup in backups:
        found[label(backup)].append(backup)
    return {
        key: (
            sum(backup.bytes_stored for backup in group),
            f"{human.size(sum(backup.bytes_stored for backup in group))}, "
            f"{human.count(len(group), 'backup')}",
        )
        for key, group in found.items()
    }


def _file_name(given: str) -> str:
    """Return a name that is safe in a folder of ours."""
    return re.sub(r"[^\w. -]", "_", given)[-100:].lstrip(".") or "upload.zip"
