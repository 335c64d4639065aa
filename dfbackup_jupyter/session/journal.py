"""Logs of a session, which grow at their end and merge when a state is brought back."""

from __future__ import annotations

import datetime as dt
import json
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.session.base import MIB, BytesBlob, Context, Kept, Read, Recalled, State

T = TypeVar("T")

SNAPSHOT_ITEMS = 1_000
"""Most items in one snapshot: the newest ones."""


@dataclass(frozen=True)
class _Line(Generic[T]):
    """An item, with its JSON, since snapshots are frequent."""

    item: T
    json: bytes
    key: Hashable
    time: dt.datetime


class Journal(ABC, Generic[T]):
    """What happened in a session, oldest first. Any thread may use it.

    Restoring adds what is not there yet, in the order of the times, and takes nothing away.

    Attributes
    ----------
    name : str
        The recorder's.
    one, many : str
        What an item is called.

    Parameters
    ----------
    limit, nbytes : int
        Items, and bytes of their JSON, beyond which each new one takes the place of the oldest.
    """

    name: str
    one: str
    many: str

    def __init__(self, limit: int = 10_000, nbytes: int = 8 * MIB) -> None:
        self._limit = limit
        self._nbytes = nbytes
        self._lock = threading.Lock()
        self._lines: OrderedDict[Hashable, _Line[T]] = OrderedDict()
        self._size = 0

    @abstractmethod
    def _to_json(self, item: T) -> JSON:
        """Return an item as JSON."""

    @abstractmethod
    def _from_json(self, data: Any) -> T:
        """Return the item that `data` describes; ValueError when it is none."""

    @abstractmethod
    def _key(self, item: T) -> Hashable:
        """Return what tells an item from all others."""

    @abstractmethod
    def _time(self, item: T) -> dt.datetime:
        """Return when it happened, with the offset from UTC."""

    def _add(self, item: T) -> None:
        """Add the newest item; one that is there already is not added again."""
        line = self._line(item)
        with self._lock:
            if line.key in self._lines:
                return
            full = len(self._lines) >= self._limit
            excess = min(self._size + len(line.json) - self._nbytes, len(line.json))
            while self._lines and (full or excess > 0):
                _, gone = self._lines.popitem(last=False)
                self._size -= len(gone.json)
                excess -= len(gone.json)
                full = False
            self._lines[line.key] = line
            self._size += len(line.json)

    def _change(self, item: T, change: Callable[[T], T]) -> None:
        """Put something else in the place of an item, if that is there still."""
        with self._lock:
            line = self._lines.get(self._key(item))
            if line is not None:
                self._lines[line.key] = new = self._line(change(line.item))
                self._size += len(new.json) - len(line.json)

    def _items(self) -> tuple[T, ...]:
        with self._lock:
            return tuple(line.item for line in self._lines.values())

    def snapshot(self, context: Context) -> State:
        """Return the newest items, as many as the budget has bytes for."""
        with self._lock:
            newest = list(islice(reversed(self._lines.values()), SNAPSHOT_ITEMS))
            total = len(self._lines)
        if not newest:
            return State(self.name, {})
        kept: list[bytes] = []
        size = 2
        for line in newest:
            size += len(line.json) + 2
            if size > context.budget.nbytes:
                break
            kept.append(line.json)
        older = total - len(kept)
        return State(
            recorder=self.name,
            meta={"entries": len(kept)},
            blobs=[BytesBlob(b"[" + b",\n".join(reversed(kept)) + b"]")],
            captured=(self._count(len(kept)),) if kept else (),
            skipped=((self._count(older), "only the newest are kept"),) if older else (),
        )

    def restore(self, meta: JSON, read: Read, context: Context, *, trust: bool) -> Recalled:
        """Add the items that are not there yet. It runs no code: `trust` is of no account."""
        try:
            found, unreadable = self._read(read)
        except (BackupError, ValueError, LookupError, RecursionError) as error:
            return Recalled(warnings=(f"The {self.many} could not be read: {error}",))
        with self._lock:
            lines = [line for line in map(self._line, found) if line.key not in self._lines]
            new = {line.key: line for line in lines}
            merged = sorted([*self._lines.values(), *new.values()], key=lambda line: line.time)
            self._lines = OrderedDict((line.key, line) for line in merged)
            self._size = sum(len(line.json) for line in merged)
        return Recalled(
            names=(self._count(len(new)),) if new else (),
            warnings=(f"{self._count(unreadable)} could not be read.",) if unreadable else (),
        )

    def differences(self, before: Kept | None, after: Kept | None) -> Sequence[str]:
        """Return how many items were added since, and how many are not there any more."""
        old, new = self._keys(before), self._keys(after)
        return [
            f"{self._count(len(keys))} {what}"
            for keys, what in ((new - old, "more"), (old - new, "fewer"))
            if keys
        ]

    def _keys(self, kept: Kept | None) -> set[Hashable]:
        return {self._key(item) for item in self._read(kept.read)[0]} if kept else set()

    def _read(self, read: Read) -> tuple[list[T], int]:
        """Return the items that can be understood, and how many cannot."""
        stored = json.loads(bytes(read(0)))
        if not isinstance(stored, list):
            raise ValueError("it is no list")
        items: list[T] = []
        for data in stored:
            try:
                items.append(self._from_json(data))
            except ValueError:
                continue
        return items, len(stored) - len(items)

    def _line(self, item: T) -> _Line[T]:
        data = json.dumps(self._to_json(item)).encode()
        return _Line(item, data, self._key(item), self._time(item))

    def _count(self, number: int) -> str:
        return f"{number:,} {self.one if number == 1 else self.many}"
