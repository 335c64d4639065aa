"""Frames belong to the thread that runs the cells: other threads ask it for what they need.

A thread that a cell has started and waits for, as those of an AI agent's tools, may use them
meanwhile. It is known by its context, which executors for such purposes hand on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, TypeVar

from IPython.core.getipython import get_ipython

T = TypeVar("T")

_started_by: ContextVar[object | None] = ContextVar("dfbackup_cell", default=None)
_running: object | None = None
_turn = threading.RLock()  # a cell may wait for several threads at once


def cell_begins(cell: object) -> None:
    """Take note that a cell runs from now on, in this context."""
    global _running
    _running = cell
    _started_by.set(cell)


def cell_ends() -> None:
    """Take note that no cell runs any more."""
    global _running
    _running = None


def here() -> bool:
    """Return whether this is the main thread, or one that the running cell has started."""
    if threading.current_thread() is threading.main_thread():
        return True
    return _running is not None and _started_by.get() is _running


def call(action: Callable[[], T]) -> Future[T]:
    """Run an action on the kernel's main thread.

    That is at once when this is called there, or for the running cell, or else as soon as it is
    free: after the running cell. pandas' objects must not be used by two threads at once.

    Returns
    -------
    Future
        Gives what the action returned or raised.
    """
    future: Future[T] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            with _turn:
                future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    loop = _loop()
    if loop is None or here():
        run()
    else:
        loop.add_callback(run)
    return future


def call_later(seconds: float, action: Callable[[], object]) -> None:
    """Run an action on the kernel's main thread after some time; at once where there is no kernel.

    Cells that are waiting by then go first.
    """
    loop = _loop()
    if loop is None:
        action()
    else:
        loop.add_callback(loop.call_later, seconds, action)


def _loop() -> Any:
    return getattr(getattr(get_ipython(), "kernel", None), "io_loop", None)
