"""``%backup`` and ``%%backup``: what attaches them, completion and display to a shell."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_cell_magic, magics_class

from dfbackup_jupyter.errors import Interrupted
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui import render
from dfbackup_jupyter.ui.commands import STATUS
from dfbackup_jupyter.ui.completion import Matcher, matcher
from dfbackup_jupyter.ui.guarded import Guard
from dfbackup_jupyter.ui.parser import help_text, parse
from dfbackup_jupyter.ui.questions import spell_out
from dfbackup_jupyter.ui.verbs import Verbs

_NAMES = ("backup", "backup_ask")


@magics_class
class BackupMagics(Magics):
    """The magics of one shell."""

    def __init__(self, shell: InteractiveShell, manager: BackupManager) -> None:
        super().__init__(shell)
        self.guard = Guard(shell, manager)
        self.matcher: Matcher = matcher(manager)
        self.verbs = Verbs(manager)

    @line_cell_magic
    def backup(self, line: str, cell: str | None = None) -> Any:
        """Back up DataFrames, and bring them back: ``%backup --help`` lists what it does."""
        if cell is not None:
            self.guard.run(line, cell)
            return None
        silenced = line.rstrip().endswith(";")  # as everywhere in IPython
        request = parse(line.rstrip().removesuffix(";") if silenced else line)
        if request.help:
            print(help_text(request.command))
            return None
        method = "status" if request.command is STATUS else request.command.method
        try:
            result = getattr(self.verbs, method)(**request.values)
        except KeyboardInterrupt:
            raise Interrupted(f"%backup {request.command.name}".rstrip()) from None
        return None if silenced else result

    @cell_magic
    def backup_ask(self, line: str, cell: str) -> Any:
        """Have an AI agent see to your backups: the cell is the request."""
        try:
            return self.verbs.ask(f"{line}\n{cell}".strip())
        except KeyboardInterrupt:
            raise Interrupted("%%backup_ask") from None


def register(shell: InteractiveShell, manager: BackupManager) -> None:
    """Give a shell the magics, completion for them, and a form for their results."""
    magics = BackupMagics(shell, manager)
    shell.register_magics(magics)
    magics.guard.attach()
    shell.input_transformers_cleanup.append(spell_out)
    shell.Completer.custom_matchers.append(magics.matcher)
    render.register(shell)


def unregister(shell: InteractiveShell) -> None:
    """Take all of that away."""
    registered = shell.magics_manager
    magics = registered.registry.pop(BackupMagics.__name__)
    for name in _NAMES:
        registered.lazy_magics.pop(name, None)  # else the next %backup would load us again
        for kind in registered.magics.values():
            kind.pop(name, None)
    magics.guard.detach()
    shell.input_transformers_cleanup.remove(spell_out)
    magics.verbs.close()
    shell.Completer.custom_matchers.remove(magics.matcher)
    render.unregister(shell)
