"""The libraries whose frames are looked after."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dfbackup_jupyter.capture.base import JSON, Adapter, Decoded, Known, Read, Snapshot
from dfbackup_jupyter.capture.memory import Memory
from dfbackup_jupyter.capture.pandas_frames import PandasAdapter
from dfbackup_jupyter.capture.row_selection import selecting
from dfbackup_jupyter.errors import BackupError, DamagedData

ADAPTERS: tuple[Adapter, ...] = (PandasAdapter(),)


def is_frame_type(kind: type) -> bool:
    """Whether instances of a class are frames."""
    return any(adapter.matches(kind) for adapter in ADAPTERS)


def is_frame(value: object) -> bool:
    """Whether an object is a frame."""
    return is_frame_type(type(value))


def snapshot(frame: Any, *, memory: Memory | None = None, known: Known | None = None) -> Snapshot:
    """Take a snapshot of one frame.

    Parameters
    ----------
    frame : frame
        The live object.
    memory : Memory, optional
        Arrays of the namespace that somebody can write to.
    known : Known, optional
        What earlier snapshots found out.
    """
    return _adapter(frame).snapshot(frame, memory=memory, known=known)


def decode(
    meta: JSON, read: Read, *, trust: bool, columns: Collection[Any] | None = None
) -> Decoded:
    """Build a frame from its description and blobs.

    Parameters
    ----------
    meta : dict
        The description.
    read : callable
        Gives blob *i* as a writable buffer; may raise `DamagedData`.
    trust : bool
        Whether to unpickle and to import classes. False runs no code from the data.
    columns : collection, optional
        Labels of columns; only these are read.

    Raises
    ------
    DamagedData
        Nothing of the frame can be read.
    """
    for adapter in ADAPTERS:
        if adapter.name == meta.get("library"):
            try:
                return adapter.decode(meta, selecting(meta, read), trust=trust, columns=columns)
            except BackupError:
                raise
            except Exception as error:
                message = f"A frame's description makes no sense: {error!s:.200}."
                raise DamagedData(message) from error
    raise DamagedData(
        f"A frame of {meta.get('library')!r} cannot be read by this version.",
        "Update dfbackup-jupyter.",
    )


def put_back(live: Any, frame: Any) -> None:
    """Give `live` the content of `frame`, in place, so that all who hold it see it.

    Parameters
    ----------
    live, frame : frame
        Both of the same class.
    """
    _adapter(live).put_back(live, frame)


def _adapter(frame: Any) -> Adapter:
    for adapter in ADAPTERS:
        if adapter.matches(type(frame)):
            return adapter
    raise TypeError(f"{type(frame).__name__} is not a frame")
