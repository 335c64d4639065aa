"""What was run in a session: every cell, how it ended, and which frames it changed."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar, get_args

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.session.base import BytesBlob, Context, Read, Recalled, State

Outcome = Literal["ok", "error"]
What = Literal["changed", "added", "removed"]

SNAPSHOT_ENTRIES = 1_000
"""Most entries in one snapshot: the newest ones."""

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
    """

    name: str
    what: What
    rows_before: int | None = None
    rows_after: int | None = None
    columns_before: int | None = None
    columns_after: int | None = None


@dataclass(frozen=True)
class Entry:
    """One cell that was run.

    Attributes
    ----------
    source : str
        The cell as the user wrote it.
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
        frames = [asdict(change) for change in self.frames]
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


class ExecutionLog:
    """The cells that were run, oldest first.

    Parameters
    ----------
    limit : int
        Entries beyond which each new one takes the place of the oldest.
    """

    name = "execution_log"

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._lock = threading.Lock()  # a backup's ID is learned on the store's thread
        self._entries: deque[tuple[Entry, bytes]] = deque()  # with its JSON: snapshots are frequent

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry, oldest first."""
        return tuple(entry for entry, _ in self._entries)

    def append(self, entry: Entry) -> None:
        """Add the newest entry."""
        with self._lock:
            if len(self._entries) >= self._limit:
                self._entries.popleft()
            self._entries.append(_with_json(entry))

    def amend(self, entry: Entry, amended: Entry) -> None:
        """Put `amended` in the place of an entry, if that is in the log still. From any thread."""
        with self._lock:
            for place in reversed(range(len(self._entries))):
                if self._entries[place][0] is entry:
                    self._entries[place] = _with_json(amended)
                    return

    def snapshot(self, context: Context) -> State:
        """Return the newest entries, as many as the budget has bytes for."""
        kept: list[bytes] = []
        size = 2
        for _, line in reversed(self._entries):
            size += len(line) + 2
            if size > context.budget.nbytes or len(kept) == SNAPSHOT_ENTRIES:
                break
            kept.append(line)
        older = len(self._entries) - len(kept)
        return State(
            recorder=self.name,
            meta={"entries": len(kept)},
            blobs=[BytesBlob(b"[" + b",\n".join(reversed(kept)) + b"]")],
            captured=(_entries(len(kept)),) if kept else (),
            skipped=((_entries(older), "only the newest are kept"),) if older else (),
        )

    def restore(self, meta: JSON, read: Read, context: Context, *, trust: bool) -> Recalled:
        """Add the entries that are not in the log yet, in the order of their times.

        Nothing that is in the log is lost by that. It runs no code, so `trust` is of no account.
        """
        try:
            stored = json.loads(bytes(read(0)))
        except (BackupError, ValueError, RecursionError) as error:
            return Recalled(warnings=(f"The execution log could not be read: {error}",))
        if not isinstance(stored, list):
            return Recalled(warnings=("The execution log could not be read: it is no list.",))
        found, unreadable = _readable(stored)
        with self._lock:
            known = {_identity(entry) for entry, _ in self._entries}
            new = [entry for entry in found if _identity(entry) not in known]
            merged = [*self._entries, *map(_with_json, new)]
            self._entries = deque(sorted(merged, key=lambda pair: pair[0].time))
        return Recalled(
            names=(f"{_entries(len(new))} of the execution log",) if new else (),
            warnings=(f"{_entries(unreadable)} of the execution log could not be read.",)
            if unreadable
            else (),
        )


def _readable(stored: Iterable[Any]) -> tuple[list[Entry], int]:
    entries: list[Entry] = []
    unreadable = 0
    for data in stored:
        try:
            entries.append(Entry.from_dict(data))
        except ValueError:
            unreadable += 1
    return entries, unreadable


def _identity(entry: Entry) -> tuple[str, datetime, int | None]:
    return entry.session, entry.time, entry.execution_count


def _with_json(entry: Entry) -> tuple[Entry, bytes]:
    return entry, json.dumps(entry.to_dict()).encode()


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"


def _change(data: Mapping[str, Any]) -> FrameChange:
    sizes = ("rows_before", "rows_after", "columns_before", "columns_after")
    return FrameChange(
        _of(str, data["name"]),
        _one_of(get_args(What), data["what"]),
        *(_optional(int, data[size]) for size in sizes),
    )


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
