"""``%%backup``: a cell that is backed up first, and restored when it raises.

The body is not run by the magic. The first line alone becomes a call of ours, on a line of its own,
and the rest stays the cell that IPython runs: so its output, result, traceback, line numbers,
top-level ``await`` and other magics are what they are without us.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from IPython.core.inputtransformer2 import cell_magic
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.display import display

from dfbackup_jupyter.backup import Backup
from dfbackup_jupyter.errors import BackupError, NothingToDo
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui.parser import parse_cell
from dfbackup_jupyter.ui.progress import bar

_MAGIC = "%%backup"
_ALONE = "\n"  # the body that is left to the magic; IPython refuses an empty one


def unwrap(lines: list[str]) -> list[str]:
    """Turn the first line of a ``%%backup`` cell into a call, and leave the rest as it is.

    It is one of IPython's cleanup transformers.
    """
    if not lines or lines[0].split(maxsplit=1)[:1] != [_MAGIC]:
        return lines
    line = lines[0].strip().removeprefix(_MAGIC).strip()
    body = lines[1:]
    if not "".join(body).strip():
        return lines  # IPython says what is wrong with that
    first = next(number for number, text in enumerate(body) if text.strip())
    call = f"get_ipython().run_cell_magic('backup', {line!r}, {_ALONE!r})\n"
    transformed: list[str] = cell_magic(body[first:])  # type: ignore[no-untyped-call]
    return [call, *body[:first], *transformed]


class Guard:
    """Backs up before the cells of one shell that ask for it.

    Parameters
    ----------
    shell : InteractiveShell
        The shell that runs the cells.
    manager : BackupManager
        Its backups.
    """

    def __init__(self, shell: InteractiveShell, manager: BackupManager) -> None:
        self._shell = shell
        self._manager = manager
        self._armed: Callable[[ExecutionResult | None], None] | None = None

    def attach(self) -> None:
        """Begin to see the cells of the shell."""
        self._shell.input_transformers_cleanup.append(unwrap)

    def detach(self) -> None:
        """Leave the shell as it was."""
        self._shell.input_transformers_cleanup.remove(unwrap)
        self._disarm()

    def run(self, line: str, body: str) -> None:
        """Back up; watch how the running cell ends; run `body`, if there is any.

        There is one only in the cell whose magic has just loaded the extension, so that `unwrap`
        was not there yet.

        Raises
        ------
        BackupError
            The backup could not be made; then the cell must not run.
        """
        if body.strip():
            if not self._rerun(f"{_MAGIC} {line}\n{body}"):
                raise BackupError("The cell did not end well.", "What it raised is shown above.")
            return
        values = parse_cell(line).values
        try:
            backup = (
                self._manager.create(values["name"], progress=bar)
                if values["name"]
                else self._manager.quick(progress=bar)
            )
        except NothingToDo as error:
            print(error.message, "The cell runs all the same.", file=sys.stderr)
        else:
            self._arm(backup, values["rollback"])

    def _rerun(self, cell: str) -> bool:
        run: Any = self._shell.run_cell
        return bool(run(cell, store_history=False).success)

    def _arm(self, backup: Backup, rollback: bool) -> None:
        self._disarm()
        running: Any = self._shell.displayhook.exec_result
        if running is None:
            return  # no cell: a front-end's silent request

        def ended(result: ExecutionResult | None) -> None:
            # Without a result, the cell was cancelled.
            if result is not None and result is not running:
                return
            self._disarm()
            if result is None or not result.success:
                self._failed(backup, rollback)

        self._armed = ended
        self._shell.events.register("post_run_cell", ended)

    def _disarm(self) -> None:
        if self._armed is not None:
            self._shell.events.unregister("post_run_cell", self._armed)
            self._armed = None

    def _failed(self, backup: Backup, rollback: bool) -> None:
        name = backup.name or backup.id
        if not rollback:
            print(f"To go back to before this cell: %backup restore {backup.id}", file=sys.stderr)
            return
        try:
            display(self._manager.restore(backup.id, progress=bar))  # type: ignore[no-untyped-call]
        except BackupError as error:
            print(
                f"{name} could not be restored. {error} The backup is kept as {backup.id}.",
                file=sys.stderr,
            )
