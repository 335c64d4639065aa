"""Every error a user can meet: one sentence, and what to do next."""

from __future__ import annotations


class BackupError(Exception):
    """What went wrong, in one sentence, and the next step that helps.

    Parameters
    ----------
    message : str
        What happened, in the user's words.
    hint : str
        What to do next. May be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a traceback."""
        return _lines(self, self.message, self.hint)


class BackupNotFound(BackupError):
    """No backup answers to the given ID, prefix or name."""


class AmbiguousBackup(BackupError):
    """More than one backup answers to the given prefix or name."""


class InvalidRequest(BackupError):
    """An option, name or value that cannot be used."""


class NothingToDo(BackupError):
    """There is nothing to back up, undo or redo."""


class RestoreError(BackupError):
    """A restore could not be carried out; the namespace is as it was."""


class StoreError(BackupError):
    """The store cannot be read or written."""


class StoreUnavailable(StoreError):
    """The disk is full, read-only or forbidden; nothing committed was harmed."""


class StoreTooNew(StoreError):
    """The store or file was written by a newer version of this software."""


class DamagedData(StoreError):
    """Stored bytes are missing or are not what was written."""


class AgentError(BackupError):
    """The AI agent is not set up, or could not answer."""


class ArchiveError(BackupError):
    """A ``.zip`` that is not a backup, or not one that can be trusted."""


class Interrupted(KeyboardInterrupt):
    """The user stopped a command; shown without what it was doing inside.

    Parameters
    ----------
    command : str
        The command.
    """

    def __init__(self, command: str) -> None:
        super().__init__(f"{command} was stopped before it was done.")

    def _render_traceback_(self) -> list[str]:
        return _lines(self, str(self), "Backups made before are as they were: %backup list")


def _lines(error: BaseException, message: str, hint: str) -> list[str]:
    red, plain = "\x1b[31m", "\x1b[39m"
    first = f"{red}{type(error).__name__}{plain}: {_printable(message)}"
    return [first, _printable(hint)] if hint else [first]


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
