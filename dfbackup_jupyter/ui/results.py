"""Results of ``%backup`` that are lists or dictionaries, and yet have a form of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dfbackup_jupyter.backup import Backup, Deletion
from dfbackup_jupyter.previous import Candidate
from dfbackup_jupyter.session import Entry
from dfbackup_jupyter.ui import human

T = TypeVar("T")

# Before Python 3.12, only the system's own kind of Path can be derived from.
if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())


class Listing(list[T], Generic[T]):
    """A list with a heading.

    Parameters
    ----------
    heading : str
        What the list holds, in a sentence.
    next_step : str
        What to do with it, or when it is empty.
    """

    def __init__(self, items: Iterable[T], heading: str, next_step: str = "") -> None:
        super().__init__(items)
        self.heading = heading
        self.next_step = next_step


class Backups(Listing[Backup]):
    """Backups that were found."""


class DeletedBackups(Backups):
    """Backups that are no more."""

    def __init__(self, items: Sequence[Backup]) -> None:
        if items:
            heading = f"Deleted {human.count(len(items), 'backup')}"
            super().__init__(items, heading, "%backup log --deleted lists them.")
        else:
            super().__init__((), "Nothing was deleted")


class Candidates(Listing[Candidate]):
    """Sessions of which one may be the previous one."""


class Deletions(Listing[Deletion]):
    """What was deleted, when, and by what."""


class Log(Listing[Entry]):
    """The cells that were run.

    Parameters
    ----------
    frame : str, optional
        The frame whose story it is.
    session : str
        The present one.
    """

    def __init__(
        self, items: Iterable[Entry], heading: str, *, frame: str | None, session: str
    ) -> None:
        super().__init__(items, heading)
        self.frame = frame
        self.session = session


class Settings(dict[str, Any]):
    """Settings and their values.

    Parameters
    ----------
    help : mapping of str to str
        What each one means.
    """

    def __init__(self, values: Mapping[str, Any], help: Mapping[str, str]) -> None:
        super().__init__(values)
        self.help = help


class Answer(str):
    """What an AI agent says. It is Markdown."""

    def _repr_markdown_(self) -> str:
        return self

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(self)


class ExportedFile(_Path):
    """The path of a ``.zip`` that was written."""
