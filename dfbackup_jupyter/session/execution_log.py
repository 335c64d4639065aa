"""What was run in a session: every cell, how it ended, and which frames it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

from dfbackup_jupyter.backup import JSON, plain
from dfbackup_jupyter.session.base import Kept
from dfbackup_jupyter.session.journal import Journal

Outcome = Literal["ok", "error"]
What = Literal["changed", "added", "removed"]

_ERROR_CHARACTERS = 500

_T = TypeVar("_T")


@dataclass(frozen=True)
class FrameChange:
    """What a cell did to one frame.

    Attributes
    ----------
    name : str
        The frame's path in the namespace.
    what : {"changed", "added", "removed"}
    rows_before, rows_after, columns_before, columns_after : int or None
        The frame's size; None where there was no frame.
    columns_added, columns_dropped, columns_modified : tuple of str
        Labels of the columns concerned. Where rows came or went, none counts as modified.
    """

    name: str
    what: What
    rows_before: int | None = None
    rows_after: int | None = None
    columns_before: int | None = None
    columns_after: int | None = None
    columns_added: tuple[str, ...] = ()
    columns_dropped: tuple[str, ...] = ()
    columns_modified: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One cell that was run, or one restore that was asked for elsewhere.

    Attributes
    ----------
    source : str
        The cell as the user wrote it, or what was done in a few words.
    execution_count : int or None
        The number in front of the cell.
    time : datetime
        When it began, with its offset from UTC.
    duration : float
        Seconds.
    outcome : {"ok", "error"}
    error : str or None
        Type and message of the exception, cut at 500 characters.
    frames : tuple of FrameChange
        What it did to frames.
    backup : str or None
        ID of the backup that holds the state before it.
    session : str
        The session that it ran in.

    Raises
    ------
    ValueError
        When `time` has no offset.
    """

    source: str
    execution_count: int | None
    time: datetime
    duration: float
    outcome: Outcome
    error: str | None = None
    frames: tuple[FrameChange, ...] = ()
    backup: str | None = None
    session: str = ""

    def __post_init__(self) -> None:
        if self.time.utcoffset() is None:
            raise ValueError("the time of an entry needs an offset from UTC")
        if self.error is not None and len(self.error) > _ERROR_CHARACTERS:
            object.__setattr__(self, "error", self.error[: _ERROR_CHARACTERS - 1] + "…")

    def to_dict(self) -> JSON:
        """Return the entry as JSON."""
        frames = [plain(change) for change in self.frames]
        return {**vars(self), "time": self.time.isoformat(), "frames": frames}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Entry:
        """Return the entry that `to_dict` gave `data` for.

        Raises
        ------
        ValueError
            When `data` is no such thing. Keys that this version does not know are left out.
        """
        try:
            return cls(
                source=_of(str, data["source"]),
                execution_count=_optional(int, data["execution_count"]),
                time=datetime.fromisoformat(data["time"]),
                duration=float(data["duration"]),
                outcome=_one_of(get_args(Outcome), data["outcome"]),
                error=_optional(str, data["error"]),
                frames=tuple(_change(change) for change in data["frames"]),
                backup=_optional(str, data["backup"]),
                session=_of(str, data["session"]),
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not an entry of an execution log: {error!r}") from error


class ExecutionLog(Journal[Entry]):
    """The cells that were run, oldest first."""

    name = "execution_log"
    one, many = "entry of the execution log", "entries of the execution log"

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry, oldest first."""
        return self._items()

    def append(self, entry: Entry) -> None:
        """Add the newest entry."""
        self._add(entry)

    def amend(self, entry: Entry, change: Callable[[Entry], Entry]) -> None:
        """Add to an entry what was found out later, if it is in the log still. From any thread.

        Parameters
        ----------
        change : callable
            Gives the amended entry for the one in the log, which may have been amended before.
        """
        self._change(entry, change)

    def differences(self, before: Kept | None, after: Kept | None) -> Sequence[str]:
        """Return nothing: that cells were run between two states is no difference to restore."""
        return ()

    def _to_json(self, item: Entry) -> JSON:
        return item.to_dict()

    def _from_json(self, data: Any) -> Entry:
        return Entry.from_dict(data)

    def _key(self, item: Entry) -> tuple[str, datetime, int | None]:
        return item.session, item.time, item.execution_count

    def _time(self, item: Entry) -> datetime:
        return item.time


def _change(data: Mapping[str, Any]) -> FrameChange:
    sizes = ("rows_before", "rows_after", "columns_before", "columns_after")
    columns = ("columns_added", "columns_dropped", "columns_modified")
    fields: JSON = {size: _optional(int, data[size]) for size in sizes}
    fields |= {which: tuple(_of(str, label) for label in data.get(which, ())) for which in columns}
    return FrameChange(_of(str, data["name"]), _one_of(get_args(What), data["what"]), **fields)


def _of(kind: type[_T], value: Any) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r:.60} is not {kind.__name__}")
    return value


def _optional(kind: type[_T], value: Any) -> _T | None:
    return None if value is None else _of(kind, value)


def _one_of(allowed: tuple[Any, ...], value: Any) -> Any:
    if value not in allowed:
        raise TypeError(f"{value!r:.60} is none of {allowed}")
    return value
