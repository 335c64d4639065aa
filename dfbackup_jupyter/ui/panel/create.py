"""The tab that makes backups."""

from __future__ import annotations

from ipywidgets import HTML, Checkbox, HBox, Layout, Text, Textarea, VBox

from dfbackup_jupyter.errors import InvalidRequest
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui import human
from dfbackup_jupyter.ui.panel import looks
from dfbackup_jupyter.ui.panel.choice import FrameChoice
from dfbackup_jupyter.ui.panel.section import Section, button, handler


class Create(Section):
    """Makes a named backup, or a quick one."""

    title = "Create"

    def __init__(self, manager: BackupManager) -> None:
        super().__init__(manager)
        wide = Layout(width="100%", max_width="560px")
        self.name = Text(placeholder="Name, as: cleaned, before the merge", layout=wide)
        self.description = Textarea(placeholder="Description (optional)", rows=2, layout=wide)
        self.frames = FrameChoice()
        self.state = Checkbox(
            value=True,
            indent=False,
            description="Also the session state: variables, execution log, chat, web searches",
            layout=Layout(width="auto"),
        )
        self.create_button = button("Create", self._create, "primary", "Back up under this name")
        self.quick_button = button(
            "Quick backup", self._quick, tooltip="Back up everything now, without a name"
        )
        self._heading = HTML()
        self.widget = VBox(
            [
                self.name,
                self.description,
                self._heading,
                self.frames.widget,
                self.state,
                HBox([self.create_button, self.quick_button]),
                self.progress.widget,
                self.message,
            ]
        )

    def refresh(self) -> None:
        """Show the frames that there are now."""
        status = self.manager.status()
        frames = {
            name: f"{human.shape(*at)} · {human.size(status.sizes[name])}"
            for name, at in status.frames.items()
        }
        self.frames.offer(frames)
        self._heading.value = (
            looks.section("Frames to back up")
            if frames
            else looks.note("There is no DataFrame in this session yet. Load your data first.")
        )

    @handler(frames=True)
    def _create(self) -> None:
        only = self.frames.only
        if only == []:
            raise InvalidRequest("No frame is chosen.", "Tick at least one.")
        made = self.manager.create(
            self.name.value,
            self.description.value,
            only=only,
            data_only=not self.state.value,
            progress=self.progress,
        )
        self.name.value = self.description.value = ""
        self.show(made)

    @handler(frames=True)
    def _quick(self) -> None:
        self.show(self.manager.quick(progress=self.progress))
