"""What every library's frames have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any, Protocol

JSON = Any
Read = Callable[[int], memoryview]
"""Gives the bytes of one blob, or raises `DamagedData`."""


@dataclass(frozen=True)
class Lost:
    """A column that could not be written or read, and why."""

    column: str
    reason: str


@dataclass(frozen=True)
class Encoded:
    """A frame as the store keeps it.

    Attributes
    ----------
    meta : JSON
        Its description; equal frames have equal descriptions.
    blobs : tuple of Blob
        Its bytes, which the description refers to by position.
    pickled : tuple of str
        Columns that must be unpickled to be read back.
    lost : tuple of Lost
        Columns that are not held.
    """

    meta: JSON
    blobs: tuple[Any, ...]
    pickled: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True)
class Decoded:
    """A frame as it was read back.

    Attributes
    ----------
    frame : object
        The frame.
    damaged : tuple of Lost
        Columns that could not be read.
    warnings : tuple of str
        What else is not as it was.
    """

    frame: Any
    damaged: tuple[Lost, ...] = ()
    warnings: tuple[str, ...] = ()


class Snapshot(ABC):
    """One frame at one instant. Made in microseconds; the content never changes.

    Attributes
    ----------
    type_name : str
        The frame's class, as ``pandas.DataFrame``.
    rows, columns : int
        Its shape; a Series has one column.
    bytewise : bool
        Whether content had to be copied, because someone else may write to its memory.
    """

    type_name: str
    rows: int
    columns: int
    bytewise: bool

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Size of the content in bytes, roughly."""

    @abstractmethod
    def unchanged(self, live: Any) -> bool:
        """Whether a live frame still has this content.

        True is exact for all that the library's API can do; False may be a false alarm.
        """

    @abstractmethod
    def thaw(self) -> Any:
        """Return a new frame with this content."""

    @abstractmethod
    def encode(self) -> Encoded:
        """Return what the store is to keep. May run on any thread."""


class Adapter(Protocol):
    """All that is particular to one library's frames."""

    name: str

    def matches(self, value: Any) -> bool:
        """Whether a value is a frame of this library."""
        ...

    def snapshot(self, frame: Any, writable: Set[int]) -> Snapshot:
        """Capture a frame; by copying, where it lies in memory that can be written otherwise."""
        ...

    def decode(self, meta: JSON, read: Read, *, trust: bool) -> Decoded:
        """Rebuild a frame; without `trust`, nothing is unpickled or imported."""
        ...

    def put_back(self, live: Any, frame: Any) -> None:
        """Give a live frame the content of another of its class, in place."""
        ...
