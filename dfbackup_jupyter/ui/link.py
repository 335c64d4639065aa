"""The kernel's end of the connection to JupyterLab: pushes what changed, answers what is asked."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import __version__, main_thread
from dfbackup_jupyter.agent import messages
from dfbackup_jupyter.backup import JSON, Backup
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.targets import EVENTS, REQUESTS
from dfbackup_jupyter.ui import protocol
from dfbackup_jupyter.ui.protocol import Call, Where

logger = logging.getLogger(__name__)

_PAUSE = 0.2
"""Seconds between two pushes, so that a loop of cells does not flood the page."""

_BACKUPS = 500
"""How many backups are pushed: more than anybody scrolls through."""

Comm = Any


class Link:
    """Everything between one kernel's manager and the front-ends that look at it.

    Parameters
    ----------
    shell : InteractiveShell
        A kernel's shell.
    """

    def __init__(self, shell: InteractiveShell, manager: BackupManager) -> None:
        kernel: Any = shell.kernel  # type: ignore[attr-defined]
        self._manager = manager
        self._comms = kernel.comm_manager
        self._targets = {
            EVENTS: self._on_anchor,
            REQUESTS: partial(self._on_request, protocol.read),
            messages.TARGET: partial(self._on_request, protocol.read_tool),
        }
        self._anchors: tuple[Comm, ...] = ()
        self._changed = threading.Event()
        self._closed = False
        self._shown: dict[str, tuple[Backup, JSON]] = {}
        self._aside = ThreadPoolExecutor(1, "dfbackup-requests")
        self._pusher: threading.Thread | None = None
        for name, target in self._targets.items():
            self._comms.register_target(name, target)
        self._end = manager.subscribe(self._changed.set)

    def close(self) -> None:
        """Leave no comm, target or thread behind."""
        self._end()
        self._closed = True
        self._changed.set()
        for name, target in self._targets.items():
            self._comms.unregister_target(name, target)
        for anchor in self._anchors:
            anchor.close()
        self._anchors = ()
        self._aside.shutdown(wait=False, cancel_futures=True)
        if self._pusher is not None:
            self._pusher.join(_PAUSE * 5)

    # Events

    def _on_anchor(self, anchor: Comm, _: JSON) -> None:
        anchor.on_close(lambda _: self._drop(anchor))
        self._anchors = (*self._anchors, anchor)
        if self._pusher is None:
            self._pusher = threading.Thread(target=self._push, name="dfbackup-link", daemon=True)
            self._pusher.start()
        self._changed.set()

    def _drop(self, anchor: Comm) -> None:
        self._anchors = tuple(other for other in self._anchors if other is not anchor)

    def _push(self) -> None:
        # On a thread of its own: the writer has better things to do, the main one is the user's.
        while True:
            self._changed.wait()
            self._changed.clear()
            if self._closed:
                return
            if self._anchors:
                self._send(self._state)
            time.sleep(_PAUSE)

    def _state(self) -> JSON:
        backups = self._manager.list(limit=_BACKUPS)
        shown = {}
        for backup in backups:
            known = self._shown.get(backup.id)
            same = known is not None and known[0] is backup
            shown[backup.id] = known if known and same else (backup, backup.to_dict())
        self._shown = shown
        plain = [data for _, data in shown.values()]
        return protocol.state(__version__, self._manager.status(), plain)

    def _send(self, event: Callable[[], JSON]) -> None:
        try:
            data = event()
            for anchor in self._anchors:
                anchor.send(data)
        except Exception:
            logger.exception("a front-end could not be told of a change")

    # Requests

    def _on_request(self, read: Callable[[object], Call], comm: Comm, message: JSON) -> None:
        try:
            call = read(message["content"]["data"])
        except Exception as error:
            comm.close(protocol.refusal(error))
            return
        work = partial(call.run, self._manager, partial(self._progress, comm.comm_id))
        future = self._start(call, work)
        if call.patience is not None and not future.done():
            self._limit(future, call.patience)
        future.add_done_callback(partial(self._answer, comm))

    def _start(self, call: Call, work: Callable[[], Any]) -> Future[Any]:
        if call.method.where is Where.MAIN:
            return main_thread.call(work)
        if call.method.where is Where.ASIDE:
            return self._aside.submit(work)
        future: Future[Any] = Future()
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)
        return future

    def _limit(self, future: Future[Any], seconds: float) -> None:
        timer = threading.Timer(seconds, future.cancel)
        timer.daemon = True
        timer.start()
        future.add_done_callback(lambda _: timer.cancel())

    def _answer(self, comm: Comm, future: Future[Any]) -> None:
        if future.cancelled() and self._closed:
            return
        error = messages.busy() if future.cancelled() else future.exception()
        data = protocol.answer(future.result()) if error is None else protocol.refusal(error)
        try:
            comm.close(data)
        except Exception:
            logger.exception("a front-end could not be answered")

    @contextmanager
    def _progress(self, request: str, label: str, total: int) -> Iterator[Callable[[int], None]]:
        done, told = 0, time.monotonic()

        def tick(size: int) -> None:
            nonlocal done, told
            done += size
            if time.monotonic() - told > _PAUSE:
                told = time.monotonic()
                self._send(lambda: protocol.progressed(request, label, done, total))

        yield tick


def attach(shell: InteractiveShell, manager: BackupManager) -> Link | None:
    """Connect a manager with the front-ends of its kernel; None where there is no kernel."""
    return Link(shell, manager) if getattr(shell, "kernel", None) is not None else None
