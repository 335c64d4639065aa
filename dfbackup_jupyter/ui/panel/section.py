"""Pieces of the panel that act: their handlers, their errors, their progress."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ipywidgets import HTML, Button, FloatProgress, Layout

from dfbackup_jupyter import main_thread
from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui import human
from dfbackup_jupyter.ui.panel import looks

logger = logging.getLogger(__name__)

DOUBLE_CLICK = 0.4
"""Seconds after a handler in which its button takes no click."""

_STEP = 0.1  # seconds between two moves of a progress bar

S = TypeVar("S", bound="Section")

_lock = threading.Lock()


class Progress:
    """How far a piece of work is; seen only while it is under way."""

    def __init__(self) -> None:
        self.widget = FloatProgress(max=1.0, layout=Layout(display="none", width="100%"))
        self.widget.style.description_width = "initial"

    @contextmanager
    def __call__(self, label: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a label and a bar; what is yielded takes the bytes done since its last call."""
        bar = self.widget
        done, shown = 0, 0.0

        def tick(number: int) -> None:
            nonlocal done, shown
            done += number
            now = time.monotonic()
            if now - shown >= _STEP:
                shown = now
                bar.value = min(done / total, 1.0) if total else 0.0

        bar.description = f"{label} {human.size(total)}" if total else label
        bar.value = 0.0
        bar.layout.display = ""
        try:
            yield tick
        finally:
            bar.layout.display = "none"


class Section:
    """A piece of the panel.

    Attributes
    ----------
    message : HTML
        Where the outcome of its handlers is shown, errors above all.
    progress : Progress
        Given to the verbs that take long.
    """

    def __init__(self, manager: BackupManager) -> None:
        self.manager = manager
        self.message = HTML()
        self.progress = Progress()
        self._drawing = threading.RLock()
        self._ended: dict[str, float] = {}

    def show(self, record: object) -> None:
        """Show the outcome of a handler."""
        self.message.value = looks.result(record)

    def run(self, control: Any, step: Callable[[], None], *, frames: bool) -> None:
        """Do what a control stands for; errors are shown, and a button is disabled meanwhile.

        Other controls stay as they are: one that is disabled loses the keyboard.

        Parameters
        ----------
        frames : bool
            Whether it needs the user's frames, which belong to the main thread.
        """
        if not self._begin(control):
            return

        def run() -> None:
            try:
                self.message.value = ""
                step()
            except BackupError as error:
                self.message.value = looks.error(error.message, error.hint)
            except KeyboardInterrupt:
                self.message.value = looks.error("Interrupted. Nothing is half done.", "")
            except Exception as error:
                logger.exception("a handler of the panel failed")
                self.message.value = looks.error(
                    f"{type(error).__name__}: {error}",
                    "This is a fault of dfbackup-jupyter, not of yours. Your data is as it was.",
                )
            finally:
                self._end(control)

        if not frames:
            run()
            return
        self.message.value = ""
        if threading.current_thread() is not threading.main_thread():
            self.message.value = looks.note("Waiting for the running cell to end …")
        main_thread.call(run)

    def _begin(self, control: Any) -> bool:
        if not isinstance(control, Button):
            return True
        # The second of two clicks may have been sent before the front-end knew that the button is
        # disabled, and arrives when the first one is done.
        with _lock:
            since = time.monotonic() - self._ended.get(control.model_id, -DOUBLE_CLICK)
            if control.disabled or since < DOUBLE_CLICK:
                return False
            control.disabled = True
            return True

    def _end(self, control: Any) -> None:
        if not isinstance(control, Button):
            return
        with _lock:
            self._ended[control.model_id] = time.monotonic()
            control.disabled = False


def alone(draw: Callable[[S], None]) -> Callable[[S], None]:
    """Make a method of a section run on one thread at a time."""

    @functools.wraps(draw)
    def drawn(section: S) -> None:
        with section._drawing:
            draw(section)

    return drawn


def handler(*, frames: bool) -> Callable[[Callable[[S], None]], Callable[[S, Any], None]]:
    """Make a method what a button's click or a control's change calls, on whatever thread.

    Parameters
    ----------
    frames : bool
        Whether it needs the user's frames; then it waits for the running cell.
    """

    def decorate(method: Callable[[S], None]) -> Callable[[S, Any], None]:
        @functools.wraps(method)
        def handle(section: S, event: Any) -> None:
            control = getattr(event, "owner", event)
            section.run(control, functools.partial(method, section), frames=frames)

        return handle

    return decorate


def button(text: str, on_click: Callable[[Any], None], style: str = "", tooltip: str = "") -> Any:
    """Return a button."""
    made = Button(
        description=text,
        button_style=style,
        tooltip=tooltip or text,
        layout=Layout(width="auto", flex="0 0 auto"),
    )
    made.on_click(on_click)
    return made
