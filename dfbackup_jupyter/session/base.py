"""What every recorder of session state is given, and gives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.store.blob import Blob

MIB = 1 << 20

Read = Callable[[int], Any]
"""Gives the bytes of the blob with that number; raises `DamagedData`."""


class Kept(Protocol):
    """One recorder's picture of the session, as it is stored, or as it would be.

    Attributes
    ----------
    meta : dict
        As the recorder's snapshot gave it.
    """

    @property
    def meta(self) -> Any: ...

    def read(self, i: int) -> Any:
        """Return the bytes of a blob; raises `DamagedData`."""
        ...


class BytesBlob:
    """Bytes in memory, as the store takes them."""

    itemsize: int = 1
    key: Hashable | None = None

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.nbytes = len(data)

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop``."""
        return self._data[start:stop]


@dataclass(frozen=True)
class Budget:
    """How much a snapshot may take.

    Attributes
    ----------
    nbytes : int
        Bytes that it may hold.
    seconds : float or None
        Time that it may take; None for as long as it needs.
    """

    nbytes: int = 64 * MIB
    seconds: float | None = None


AUTOMATIC = Budget(nbytes=16 * MIB, seconds=0.05)
"""After a cell, where nobody asked for a backup and nobody should have to wait for one."""


@dataclass(frozen=True)
class Context:
    """The session that a recorder works on.

    Attributes
    ----------
    namespace : dict of str to object
        The user's variables. A snapshot leaves it alone; restoring writes to it.
    hidden : collection of str
        Names in it that are not the user's.
    frames : mapping of str to frame
        The watched frames by their path, as ``df`` or ``dfs['a']``. They are backed up elsewhere:
        here a reference is enough.
    budget : Budget
        How much a snapshot may take.
    """

    namespace: dict[str, Any]
    hidden: Collection[str] = ()
    frames: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = AUTOMATIC


@dataclass(frozen=True)
class State:
    """One recorder's picture of the session at one instant.

    Attributes
    ----------
    recorder : str
        Its name.
    meta : dict
        Plain JSON. Equal states give equal `meta` and `blobs`.
    blobs : sequence of Blob
        The bytes that `meta` speaks of. A state without these and with an empty `meta` holds
        nothing, and backups leave it out.
    captured : tuple of str
        What is in it.
    skipped : tuple of (str, str)
        What is not, and why, in plain words.
    """

    recorder: str
    meta: JSON
    blobs: Sequence[Blob] = ()
    captured: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it holds nothing."""
        return not (self.meta or self.blobs or self.captured or self.skipped)

    def read(self, i: int) -> memoryview:
        """Return the bytes of a blob."""
        return self.blobs[i].read(0, self.blobs[i].nbytes)


@dataclass(frozen=True)
class Recalled:
    """What came back, by name, and what did not, in sentences."""

    names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@runtime_checkable
class Recorder(Protocol):
    """Keeps one part of the session state.

    Attributes
    ----------
    name : str
        Unique; a backup's state finds its recorder by it.
    """

    name: str

    def snapshot(self, context: Context) -> State:
        """Return the present state. Runs on the main thread, between cells: keep to the budget."""
        ...

    def restore(self, meta: JSON, read: Read, context: Context, *, trust: bool) -> Recalled:
        """Bring a state back.

        Parameters
        ----------
        meta : dict
            As `snapshot` gave it; from an import it may say anything.
        read : callable
            Gives the bytes of a blob.
        trust : bool
            Whether the bytes may be unpickled, or run in any other way.
        """
        ...


@runtime_checkable
class Comparing(Protocol):
    """A recorder that can say how two states of its part differ."""

    def differences(self, before: Kept | None, after: Kept | None) -> Sequence[str]:
        """Return a line for each difference; None is a state that held nothing."""
        ...
