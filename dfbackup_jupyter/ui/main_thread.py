"""Frames belong to the thread that runs the cells: other threads ask it for what they need."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from IPython.core.getipython import get_ipython

T = TypeVar("T")


def call(action: Callable[[], T]) -> Future[T]:
    """Run an action on the kernel's main thread.

    That is at once when this is called there, or else as soon as it is free: after the running
    cell. pandas' objects must not be used by two threads at once.

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
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    loop = _loop()
    if loop is None or threading.current_thread() is threading.main_thread():
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
