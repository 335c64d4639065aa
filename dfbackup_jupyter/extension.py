"""Wires a `BackupManager` to an IPython shell, and takes it off again without a trace."""

from __future__ import annotations

import ast
import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from hashlib import sha256

from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

from dfbackup_jupyter import logfile, main_thread
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui import link, magics

logger = logging.getLogger(__name__)

_ATTRIBUTE = "_dfbackup_extension"


class Extension:
    """The hooks of one shell.

    Hooks run on the main thread only: a cell that runs on another one (a subshell) is seen as a
    change between cells. Whatever fails here is reported once and never reaches the user's cell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._pid = os.getpid()
        self._running: ExecutionInfo | None = None
        self._told: set[str] = set()
        self._attached = time.time()
        self._log = logfile.LogFile()
        self._seen = False  # any cell
        self._interrupt = Interrupt()
        self._link: link.Link | None = None
        self.manager = BackupManager(
            shell.user_ns,
            hidden=lambda: shell.user_ns_hidden,
            transform=shell.transform_cell,
            config=DFBackup(parent=shell),
            kernel=_kernel(shell),
        )

    def attach(self) -> None:
        """Begin to watch."""
        self._log.attach()
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)
        magics.register(self._shell, self.manager)
        atexit.register(self.manager.close)
        self.manager.make_current()
        main_thread.cell_begins(self)  # it may be a cell that loads us
        self._guard(self.manager.start)
        self._guard(self._connect)

    def detach(self) -> None:
        """Stop watching, and finish what is being written."""
        self._shell.events.unregister("pre_run_cell", self._before)
        self._shell.events.unregister("post_run_cell", self._after)
        magics.unregister(self._shell)
        atexit.unregister(self.manager.close)
        if self._link is not None:
            self._link.close()
        self.manager.close()
        self._log.detach()

    def _connect(self) -> None:
        self._link = link.attach(self._shell, self.manager)

    def _before(self, info: ExecutionInfo) -> None:
        if self._running is not None or not self._ours():
            return  # a cell within a cell: the outer one is watched
        self._running = info
        self._seen = True
        main_thread.cell_begins(info)
        if not self._guard(
            lambda: self.manager.watcher.before_cell(info.raw_cell or "", self._count(info))
        ):
            self._shell.ast_transformers.append(self._interrupt)

    def _after(self, result: ExecutionResult | None) -> None:
        info = getattr(result, "info", None)
        if not self._ours():
            return
        if self._running is not None and info is not None and info is not self._running:
            return
        main_thread.cell_ends()
        if self._interrupt in self._shell.ast_transformers:
            self._shell.ast_transformers.remove(self._interrupt)
        if self._running is None:
            if info is not None and not self._seen:
                self.loaded_in(info, error_of(result), self._attached)
            return
        self._running = None
        error = error_of(result)
        self._guard(lambda: self.manager.watcher.after_cell(error))
        self._tell()

    def loaded_in(self, info: ExecutionInfo, error: BaseException | None, began: float) -> None:
        """Look at the cell that loaded us, which began before we were there to see it.

        Parameters
        ----------
        error : BaseException or None
            What it raised.
        began : float
            When, or since when we know of it, in seconds since the epoch.
        """
        self._seen = True
        source, count = info.raw_cell or "", self._count(info)
        if count is not None:
            count -= 1  # it is in the history by now
        self._guard(lambda: self.manager.watcher.cell_that_loaded(source, count, began, error))

    def _count(self, info: ExecutionInfo) -> int | None:
        history = self._shell.history_manager
        # shell.execution_count is raised before this hook in some versions of IPython, after it in
        # others; the input history grows after it in all of them.
        return len(history.input_hist_parsed) if history and info.store_history else None

    def _ours(self) -> bool:
        return threading.current_thread() is threading.main_thread() and os.getpid() == self._pid

    def _guard(self, step: Callable[[], object]) -> bool:
        """Take a step, whatever comes of it; False when the user interrupted it."""
        try:
            step()
        except KeyboardInterrupt:
            return False
        except Exception as error:
            logger.exception("backing up failed")
            self.manager.problem = logfile.describe(error)
        return True

    def _tell(self) -> None:
        while self.manager.notices:
            print(f"dfbackup: {self.manager.notices.pop(0)}", file=sys.stderr)
        problem = self.manager.problem
        if problem and problem not in self._told:
            self._told.add(problem)
            print(f"dfbackup: your data is not being backed up. {problem}", file=sys.stderr)


class Interrupt(ast.NodeTransformer):
    """Makes a cell raise the interrupt that came in the hook before it; IPython swallows those."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """Put the interrupt before the first statement."""
        node.body.insert(0, ast.parse("raise KeyboardInterrupt").body[0])
        return node


def error_of(result: ExecutionResult | None) -> BaseException | None:
    """Return what a cell raised."""
    return (result.error_before_exec or result.error_in_exec) if result else None


def _kernel(shell: InteractiveShell) -> str:
    """Return what a kernel keeps when it is restarted: the file that tells clients its address."""
    if getattr(shell, "kernel", None) is None:
        return ""
    try:
        from ipykernel.connect import get_connection_file

        file = os.path.abspath(get_connection_file())
    except Exception:  # a kernel within another program
        return ""
    return sha256(file.encode()).hexdigest()[:16]


def extension_of(shell: InteractiveShell) -> Extension | None:
    """Return what watches a shell, or None."""
    found: Extension | None = getattr(shell, _ATTRIBUTE, None)
    return found


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Begin to protect the frames of a shell: ``%load_ext dfbackup_jupyter``."""
    if extension_of(shell) is None:
        extension = Extension(shell)
        extension.attach()
        setattr(shell, _ATTRIBUTE, extension)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Remove every hook: ``%unload_ext dfbackup_jupyter``."""
    extension = extension_of(shell)
    if extension is not None:
        delattr(shell, _ATTRIBUTE)
        extension.detach()
