"""What every library's frames have in common: snapshots, and how they become bytes and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dfbackup_jupyter.capture.memory import Memory

JSON = dict[str, Any]


NEEDS_TRUST = "needs --trust: it was pickled"
"""Why something is missing that only unpickling could bring back, from a source not trusted."""


class Read(Protocol):
    """Reads the blobs of one frame."""

    def __call__(self, i: int, into: memoryview | None = None) -> Any:
        """Return blob *i* as a writable buffer.

        Parameters
        ----------
        into : memoryview, optional
            Where it is wanted; used when it has the blob's length and that saves a copy.

        Raises
        ------
        DamagedData
            It cannot be read; there may be anything in `into`.
        """
        ...


class Blob(Protocol):
    """Bytes of a frame that can be read piece by piece.

    Attributes
    ----------
    nbytes : int
        Length in bytes; a multiple of `itemsize`.
    itemsize : int
        Bytes per item.
    key : Hashable or None
        Identity of the memory behind it, which it keeps alive. Blobs that are alive together and
        have equal keys have equal bytes.
    """

    nbytes: int
    itemsize: int
    key: Hashable | None

    def read(self, start: int, stop: int) -> memoryview:
        """Return bytes ``start:stop`` (multiples of `itemsize`) as contiguous memory."""
        ...


@dataclass(frozen=True)
class Lost:
    """A column that could not be kept or brought back, and why."""

    column: str
    reason: str


@dataclass(frozen=True)
class Encoded:
    """A frame as a JSON description and blobs.

    Attributes
    ----------
    meta : dict
        The description; equal content gives equal `meta` and equal bytes in `blobs`.
    blobs : list of Blob
        What `meta` refers to by position.
    pickled : tuple of str
        Columns that can be brought back only by unpickling.
    lost : tuple of Lost
        Columns that could not be encoded at all.
    columns : tuple of str
        For each of the first blobs the column that it belongs to.
    """

    meta: JSON
    blobs: list[Blob]
    pickled: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decoded:
    """A frame read back, and what is missing from it."""

    frame: Any
    damaged: tuple[Lost, ...] = ()
    warnings: tuple[str, ...] = ()


class Snapshot(ABC):
    """One frame at one instant, whatever happens to it later.

    Attributes
    ----------
    type_name : str
        The frame's class, as ``pandas.DataFrame``.
    rows, columns : int
        Its shape.
    bytewise : bool
        Whether content had to be copied, because somebody else can write to its memory or to
        objects in it. A look at such a frame costs time in proportion to that content.
    """

    type_name: str
    rows: int
    columns: int
    bytewise: bool

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Approximate size of the content in bytes."""

    @property
    @abstractmethod
    def memory(self) -> Mapping[int, int]:
        """Sizes in bytes of the pieces of memory it keeps alive, by what tells them apart.

        Frames that share memory, one that lost a column say, have pieces in common.
        """

    @property
    @abstractmethod
    def labels(self) -> Any:
        """The labels of the rows, as the library keeps them."""

    @abstractmethod
    def unchanged(self, live: object) -> bool:
        """Whether `live` still has this content. False may be a false alarm."""

    @abstractmethod
    def thaw(self) -> Any:
        """Return a new frame with this content."""

    @abstractmethod
    def encode(self) -> Encoded:
        """Return the content as a description and blobs. Safe to call on another thread."""

    @abstractmethod
    def encode_columns(self) -> dict[str, Encoded]:
        """Return each column by itself, by its label as text; nothing for what has no columns.

        The second column of a label is ``label #2``.
        """


class Adapter(Protocol):
    """What the rest needs to know of one library's frames."""

    name: str
    """The ``library`` of its descriptions."""

    def matches(self, kind: type) -> bool:
        """Whether objects of this class are frames of the library."""
        ...

    def snapshot(
        self, frame: Any, *, memory: Memory | None = None, known: Known | None = None
    ) -> Snapshot:
        """Take a snapshot on the main thread, in microseconds.

        Parameters
        ----------
        frame : frame
            The live object.
        memory : Memory, optional
            Arrays of the namespace that somebody can write to.
        known : Known, optional
            What earlier snapshots, still alive, found out.
        """
        ...

    def decode(
        self, meta: JSON, read: Read, *, trust: bool, columns: Collection[Any] | None = None
    ) -> Decoded:
        """Build a frame from its description and blobs; see `adapters.decode`."""
        ...

    def put_back(self, live: Any, frame: Any) -> None:
        """Give `live` the content of `frame`, in place; both are of the same class."""
        ...


class Known:
    """What snapshots that are still alive found out about the memory that they hold.

    Parameters
    ----------
    snapshots : callable
        Gives earlier ones. Those that are taken with this object add what they find.
    """

    def __init__(self, snapshots: Callable[[], Iterable[Snapshot]] = tuple) -> None:
        self._snapshots = snapshots

    @cached_property
    def plain(self) -> set[Hashable]:
        """Identities of object columns that hold nothing mutable."""
        return set().union(*(getattr(s, "plain", ()) for s in self._snapshots()))

    @cached_property
    def private(self) -> set[int]:
        """Identities of arrays whose memory only pandas referred to when it was first seen.

        Later, snapshots and their blobs refer to it, too.
        """
        return set().union(*(getattr(s, "private", ()) for s in self._snapshots()))
