"""Attach to a kernel at its start without costing anything until frames can exist.

IPython runs ``50-dfbackup-jupyter.py`` in every kernel. It calls `start`, which only leaves a light
hook behind; that loads the extension once the user has imported a library of frames. This module
must stay free of heavy imports.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_config_path

from dfbackup_jupyter.targets import EVENTS

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

EXTENSION = "dfbackup_jupyter"
SETTING = "dfbackup-jupyter.json"
# After the cell that imports pandas. And before a cell, for frames that a start-up file or a widget
# made: at pre_execute, since what registers during pre_run_cell misses the cell's own.
_EVENTS = ("pre_execute", "post_run_cell")
FRAME_LIBRARIES = frozenset({"pandas", "polars", "pyarrow"})


@dataclass(frozen=True)
class Choice:
    """Whether kernels attach by themselves, and what says so."""

    on: bool
    source: str


def choice() -> Choice:
    """Return the first that has a say: ``DFBACKUP_AUTOLOAD``, Jupyter's config folders, "on"."""
    variable = os.environ.get("DFBACKUP_AUTOLOAD", "")
    if variable:
        off = variable.lower() in {"0", "false", "no", "off"}
        return Choice(not off, f"DFBACKUP_AUTOLOAD={variable}")
    for folder in jupyter_config_path():
        file = Path(folder, SETTING)
        try:
            return Choice(bool(json.loads(file.read_text("utf-8"))["autoload"]), str(file))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            _say(f"{file} cannot be used and is ignored: {error!r}")
    return Choice(True, "default")


def start(ipython: InteractiveShell) -> None:
    """Attach to a shell if it is a Jupyter kernel's and the user has not turned this off."""
    # Only ipykernel's shells have a kernel; IPython in a terminal has none.
    if getattr(ipython, "kernel", None) is not None and choice().on:
        attach(ipython)


def attach(ipython: InteractiveShell) -> None:
    """Load the extension into a shell as soon as it is needed.

    That is when the user has imported a library of frames, or calls ``%backup``.

    Parameters
    ----------
    ipython : InteractiveShell
        The shell. Attaching to it twice is the same as once.
    """
    # The start-up file may lie both in the environment and in the profile.
    if any(isinstance(call, _Check) for call in ipython.events.callbacks[_EVENTS[0]]):
        return
    for magic in ("backup", "backup_ask"):
        ipython.magics_manager.register_lazy(magic, EXTENSION)
    check = _Check(ipython)
    for event in _EVENTS:
        ipython.events.register(event, check)
    if kernel := getattr(ipython, "kernel", None):
        kernel.comm_manager.register_target(EVENTS, _wait)


def _wait(comm: Any, _: object) -> None:
    # That nothing is protected yet would alarm: there is nothing to protect.
    comm.close({"type": "waiting"})


def _say(message: str) -> None:
    # Not a warning: a filter could hide it, or raise it into the user's cell.
    print(f"dfbackup: {message}", file=sys.stderr)


class _Check:
    """Loads the extension once there can be frames, then takes itself away."""

    def __init__(self, ipython: InteractiveShell) -> None:
        self._ipython = ipython
        self._began = time.time()  # of the newest cell

    def __call__(self, result: Any = None) -> None:
        extensions: Any = self._ipython.extension_manager
        if EXTENSION not in extensions.loaded:
            # A comm message may come on another thread; loading belongs to that of the cells.
            if current_thread() is not main_thread():
                return
            if FRAME_LIBRARIES.isdisjoint(sys.modules):
                self._began = time.time() if result is None else self._began
                return
            try:
                extensions.load_extension(EXTENSION)
                self._tell(result)
            except Exception as error:
                _say(f"your data is not being backed up. {error!r}")
        for event in _EVENTS:
            self._ipython.events.unregister(event, self)
        comms = getattr(getattr(self._ipython, "kernel", None), "comm_manager", None)
        if comms is not None and comms.targets.get(EVENTS) is _wait:
            comms.unregister_target(EVENTS, _wait)

    def _tell(self, result: Any) -> None:
        from dfbackup_jupyter.extension import error_of, extension_of

        info, extension = getattr(result, "info", None), extension_of(self._ipython)
        if info is not None and extension is not None:
            extension.loaded_in(info, error_of(result), self._began)
