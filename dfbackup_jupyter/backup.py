"""The records that travel between the rooms and out to the user, as plain immutable data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from dfbackup_jupyter.errors import DamagedData

JSON = dict[str, Any]
Reader = Callable[[Any], Any]


class Kind(StrEnum):
    """Why a backup was made."""

    MANUAL = "manual"
    QUICK = "quick"
    AUTO = "auto"
    SAFETY = "safety"
    AUTOSAVE = "autosave"
    IMPORT = "import"


@dataclass(frozen=True)
class Lost:
    """A column or variable that a backup does not hold, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class FrameInfo:
    """One frame of a backup.

    Attributes
    ----------
    name : str
        Where it lived: ``df``, ``dfs['a']``, ``model.df``.
    type : str
        Its class, as ``pandas.DataFrame``.
    rows, columns : int
        Its shape; a Series has one column.
    bytes : int
        Size of its content, uncompressed.
    aliases : tuple of str
        Other names of the same object.
    object : str
        The store's name of its content: equal content, equal name.
    pickled : tuple of str
        Columns that need unpickling to be read back.
    lost : tuple of Lost
        Columns that could not be backed up.
    """

    name: str
    type: str
    rows: int
    columns: int
    bytes: int
    aliases: tuple[str, ...]
    object: str
    pickled: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of the frame."""
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class StateInfo:
    """One recorder's share of a backup's session state."""

    recorder: str
    object: str
    bytes: int
    captured: tuple[str, ...]
    skipped: tuple[Lost, ...]


@dataclass(frozen=True)
class OperationInfo:
    """One operation found in a cell, and the frames that it puts at risk."""

    operation: str
    frames: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Provenance:
    """Why a backup exists: the cell, what was found in it, and the reason in a few words."""

    cell: str | None = None
    execution_count: int | None = None
    operations: tuple[OperationInfo, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Backup:
    """A named, committed, durable capture.

    Attributes
    ----------
    id : str
        Unique in the store, as ``auto_20240117_141200_abcd1234``.
    created : datetime
        With the zone it was made in.
    session, notebook : str
        The kernel's life and the notebook it belongs to.
    kernel, process : str
        What tells the kernel, across restarts, and its process from others; empty if unknown.
    bytes_raw, bytes_stored : int
        Size of the content, uncompressed, and of the chunks that hold it. Chunks shared with other
        backups count in each of them.
    bytes_new : int
        How many bytes were written to the store for what no earlier backup of its session holds.
    committed : bool
        Whether it is safe on disk.
    trusted : bool
        False for an import whose pickled parts may not be read.
    pinned : bool
        Whether the user wants it kept when a session is cleaned up.
    """

    id: str
    name: str
    description: str
    kind: Kind
    created: dt.datetime
    session: str
    notebook: str
    frames: tuple[FrameInfo, ...]
    kernel: str = ""
    process: str = ""
    provenance: Provenance = field(default_factory=Provenance)
    state: tuple[StateInfo, ...] = ()
    unwatched: tuple[str, ...] = ()
    bytes_raw: int = 0
    bytes_stored: int = 0
    bytes_new: int = 0
    committed: bool = False
    trusted: bool = True
    pinned: bool = False

    def frame(self, name: str) -> FrameInfo | None:
        """Return the frame that bears `name`, as its own name or as an alias."""
        return next((f for f in self.frames if name in f.names), None)

    def to_dict(self) -> JSON:
        """Return the stable JSON form."""
        return {**plain(self), "kind": str(self.kind), "created": self.created.isoformat()}

    @classmethod
    def from_dict(cls, data: Any) -> Backup:
        """Read `to_dict`'s form; fields that this version does not know are left out.

        Raises
        ------
        DamagedData
            A field is missing, or holds what is not of its type.
        """
        try:
            backup: Backup = _reader(cls)(data)  # type: ignore[arg-type]  # it is hashable
        except ValueError as error:
            raise DamagedData(
                f"The description of this backup cannot be understood ({error!s:.200}).",
                "If a newer version of dfbackup-jupyter made it, upgrade with: "
                "pip install --upgrade dfbackup-jupyter",
            ) from error
        return backup


@dataclass(frozen=True)
class Details:
    """A backup with a first look into its frames.

    Attributes
    ----------
    previews : dict of str to frame
        The first rows of each frame that could be read, by name.
    unreadable : dict of str to str
        Why the others could not.
    """

    backup: Backup
    previews: dict[str, Any]
    unreadable: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> JSON:
        """Return the backup's JSON form with the previews as text."""
        return {
            **self.backup.to_dict(),
            "preview": {name: frame.to_string() for name, frame in self.previews.items()},
            "unreadable": self.unreadable,
        }


@dataclass(frozen=True)
class Restored:
    """What a restore, undo or redo did, or with ``dry_run`` would do.

    Attributes
    ----------
    action : str
        What was done, in a sentence.
    backup : Backup or None
        What was restored; None when the state came from memory alone.
    restored, untouched, removed : tuple of str
        Names that were brought back, that already were as they should be, that were taken away.
    partial : tuple of str
        Names of frames that lack columns now, or could not be brought back at all.
    state : tuple of str
        Session variables that were brought back.
    safety : str or None
        ID of the backup of the state before.
    warnings : tuple of str
        What did not come back as it was, and why.
    """

    action: str
    backup: Backup | None
    restored: tuple[str, ...]
    untouched: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    safety: str | None = None
    warnings: tuple[str, ...] = ()
    dry_run: bool = False

    def to_dict(self) -> JSON:
        """Return plain JSON types."""
        return {**plain(self), "backup": self.backup and self.backup.to_dict()}


@dataclass(frozen=True)
class Stats:
    """How much is backed up, and what it costs.

    Attributes
    ----------
    backups : dict of str to int
        Number of backups of each kind, in the whole store, rolling autosaves too.
    notebooks : dict of str to int
        Number of backups of each notebook, in the whole store.
    session_backups : int
        Number of backups of this session, without the rolling autosave.
    bytes_raw : int
        What all backups would take if each were stored whole and uncompressed.
    bytes_on_disk, bytes_free : int
        What the store takes, and what the disk has left.
    """

    store: str
    backups: dict[str, int]
    notebooks: dict[str, int]
    session_backups: int
    oldest: dt.datetime | None
    newest: dt.datetime | None
    bytes_raw: int
    bytes_on_disk: int
    bytes_free: int

    def to_dict(self) -> JSON:
        """Return plain JSON types."""
        return {
            **plain(self),
            "oldest": self.oldest and self.oldest.isoformat(),
            "newest": self.newest and self.newest.isoformat(),
        }


@dataclass(frozen=True)
class Damage:
    """One thing that cannot be read back, and which frames of which backup it concerns.

    Attributes
    ----------
    backup : str or None
        None when no backup needs it.
    columns : tuple of str
        The columns that it costs; none where it costs whole frames.
    """

    backup: str | None
    frames: tuple[str, ...]
    what: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """The result of reading backups back and checking every byte.

    Attributes
    ----------
    mended : int
        How many things were damaged and are not any more.
    """

    checked: int
    damage: tuple[Damage, ...]
    mended: int = 0

    @property
    def ok(self) -> bool:
        """Whether everything that was checked can be restored."""
        return not self.damage

    def to_dict(self) -> JSON:
        """Return plain JSON types."""
        return {"ok": self.ok, **plain(self)}


@dataclass(frozen=True)
class Status:
    """The state of protection, on one screen.

    Attributes
    ----------
    auto : bool
        Whether cells are backed up by themselves.
    problem : str or None
        Why protection does not work at the moment, in a sentence.
    writing : int
        Bytes that are waiting to be written.
    frames : dict of str to tuple of int
        Frames that are watched, with their rows and columns.
    sizes : dict of str to int
        Approximate bytes of each of them.
    unwatched : tuple of str
        What cannot be watched, and why.
    undo, redo : str or None
        What ``%backup undo`` and ``%backup redo`` would do.
    recoverable : tuple of Backup
        The states that ``%backup recover`` may bring back, the likeliest first; none once it has,
        or when this session has changed frames itself.
    """

    auto: bool
    problem: str | None
    writing: int
    notebook: str
    session: str
    store: str
    frames: dict[str, tuple[int, int]]
    sizes: dict[str, int]
    unwatched: tuple[str, ...]
    session_backups: int
    last: Backup | None
    undo: str | None
    redo: str | None
    recoverable: tuple[Backup, ...] = ()

    def to_dict(self) -> JSON:
        """Return plain JSON types."""
        return {
            **plain(self),
            "last": self.last and self.last.to_dict(),
            "recoverable": [backup.to_dict() for backup in self.recoverable],
        }


@dataclass(frozen=True)
class Deletion:
    """A backup that was deleted: when, and by what."""

    id: str
    name: str
    kind: str
    when: dt.datetime
    by: str

    @classmethod
    def from_dict(cls, data: JSON) -> Deletion:
        """Read the store's record of a deletion."""
        when = dt.datetime.fromisoformat(data["when"])
        return cls(data["id"], data["name"], data["kind"], when, data["by"])

    def to_dict(self) -> JSON:
        """Return plain JSON types."""
        return {**plain(self), "when": self.when.isoformat()}


def concerned(backup: Backup | None, name: str | None) -> tuple[str, ...]:
    """Return which frames of a backup one of the store's objects holds; all without a name."""
    frames = backup.frames if backup else ()
    return tuple(frame.name for frame in frames if name is None or frame.object == name)


def plain(record: Any) -> JSON:
    """Return a record's fields, nested records included, with lists for tuples."""
    return asdict(record, dict_factory=lambda items: {k: _listed(v) for k, v in items})


def _listed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_listed(item) for item in value]
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return value


@cache
def _reader(wanted: Any) -> Reader:
    """Return what reads JSON as a type that a record's field has; it refuses with ValueError."""
    if is_dataclass(wanted):
        types = get_type_hints(wanted)
        needed = {f.name for f in fields(wanted) if f.default is f.default_factory is MISSING}
        return partial(_record, wanted, {name: _reader(of) for name, of in types.items()}, needed)
    if get_origin(wanted) is tuple:
        return partial(_several, _reader(get_args(wanted)[0]))
    if get_origin(wanted) is UnionType:
        return partial(_optional, _reader(get_args(wanted)[0]))
    special: dict[Any, Reader] = {int: _count, dt.datetime: _time, Kind: _kind}
    return special.get(wanted, partial(_plain, wanted))


def _record(record: Any, readers: dict[str, Reader], needed: set[str], data: Any) -> Any:
    given = _plain(dict, data)
    values = {}
    for name, read in readers.items():
        try:
            if name in given:
                values[name] = read(given[name])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    if missing := needed - values.keys():
        raise ValueError(f"{min(missing)}: missing")
    return record(**values)


def _several(read: Reader, data: Any) -> tuple[Any, ...]:
    return tuple(map(read, _plain(list, data)))


def _optional(read: Reader, data: Any) -> Any:
    return None if data is None else read(data)


def _plain(wanted: type, data: Any) -> Any:
    if type(data) is not wanted:
        raise ValueError(f"{wanted.__name__} expected, not {type(data).__name__}")
    return data


def _count(data: Any) -> int:
    """Read a number of bytes, rows, lines …: none of them is negative, or larger than any disk."""
    if type(data) is not int or not 0 <= data < 2**63:
        raise ValueError("not a possible number")
    return data


def _time(data: Any) -> dt.datetime:
    when = dt.datetime.fromisoformat(_plain(str, data))
    if when.utcoffset() is None:
        raise ValueError("a time without its zone")
    try:
        when.astimezone()
    except (OverflowError, OSError):
        raise ValueError("a time that no clock shows") from None
    return when


def _kind(data: Any) -> Kind:
    return Kind(_plain(str, data))
