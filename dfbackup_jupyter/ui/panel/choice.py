"""Choosing frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ipywidgets import Checkbox, Layout, VBox


class FrameChoice:
    """A list of frames with their shapes and sizes; all of them are chosen at first.

    Parameters
    ----------
    changed : callable, optional
        Called when another choice is made.
    """

    def __init__(self, changed: Callable[[Any], None] | None = None) -> None:
        self._changed = changed
        self.widget = VBox(layout=Layout(max_height="190px", overflow="auto", flex="0 0 auto"))
        self._boxes: dict[str, Checkbox] = {}

    def offer(self, frames: dict[str, str]) -> None:
        """Show these frames; a choice that was made is kept for those that were there.

        Parameters
        ----------
        frames : dict of str to str
            What is said of each frame, by its name.
        """
        before, boxes = self._boxes, {}
        for name, about in frames.items():
            box = before.pop(name, None) or self._box()
            box.description = f"{name}   {about}"
            boxes[name] = box
        self._boxes = boxes
        self.widget.children = tuple(boxes.values())
        for box in before.values():
            box.close()

    @property
    def chosen(self) -> list[str]:
        """The names that are chosen."""
        return [name for name, box in self._boxes.items() if box.value]

    @property
    def only(self) -> Sequence[str] | None:
        """The names that are chosen; None for all of them."""
        chosen = self.chosen
        return None if len(chosen) == len(self._boxes) else chosen

    def _box(self) -> Checkbox:
        box = Checkbox(value=True, indent=False, layout=Layout(width="auto", flex="0 0 auto"))
        if self._changed is not None:
            box.observe(self._changed, "value")
        return box
