"""What a recorder of session state gives and takes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


class Readable(Protocol):
    """Bytes to be stored: structurally the store's ``Blob``."""

    nbytes: int
    itemsize: int
    key: Hashable | None

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop`` as contiguous memory."""
        ...


class BytesBlob:
    """Opaque bytes as a blob.

    Parameters
    ----------
    data : bytes
        What to store.
    """

    itemsize: int = 1
    key: Hashable | None = None

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.nbytes: int = len(data)

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop``."""
        return self._data[start:stop]


@dataclass(frozen=True)
class Budget:
    """What a snapshot may cost.

    Attributes
    ----------
    bytes : int
        Most bytes that it may produce.
    seconds : float
        Time after which nothing new is begun.
    """

    bytes: int
    seconds: float


AUTOMATIC = Budget(bytes=1024 * 1024, seconds=0.01)
"""For backups that nobody asked for and that a cell waits for."""


@dataclass(frozen=True, eq=False)
class State:
    """What one recorder knew at one instant.

    Attributes
    ----------
    recorder : str
        Name of the recorder that made it and can restore it.
    meta : dict
        JSON; equal for equal content.
    blobs : tuple of Readable
        Bytes that `meta` refers to by position.
    captured : tuple of str
        Names of what is in it.
    skipped : tuple of (str, str)
        Names of what is not, each with the reason in plain words.
    """

    recorder: str
    meta: dict[str, Any]
    blobs: tuple[Readable, ...]
    captured: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


@runtime_checkable
class Recorder(Protocol):
    """Keeps one kind of session state.

    Attributes
    ----------
    name : str
        What its states are stored under; unique and never changed.
    """

    name: str

    def snapshot(self, budget: Budget) -> State:
        """Return the state of this instant, as far as `budget` reaches."""
        ...

    def restore(
        self, meta: Mapping[str, Any], read: Callable[[int], memoryview], *, trust: bool
    ) -> tuple[list[str], list[str]]:
        """Bring back a state.

        Parameters
        ----------
        meta : Mapping
            The state's `meta`, perhaps from a foreign file.
        read : callable
            Gives the bytes of the blob at a position.
        trust : bool
            Whether code in the state may run, as unpickling does.

        Returns
        -------
        list of str
            Names that came back.
        list of str
            Warnings: what did not, and why.
        """
        ...
