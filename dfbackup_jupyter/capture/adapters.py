"""One adapter for each library whose frames are watched."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from dfbackup_jupyter.capture.base import JSON, Adapter, Decoded, Read, Snapshot
from dfbackup_jupyter.capture.pandas_frames import PandasAdapter

ADAPTERS: tuple[Adapter, ...] = (PandasAdapter(),)


def is_frame(value: Any) -> bool:
    """Whether a value is a frame of any library."""
    return any(adapter.matches(value) for adapter in ADAPTERS)


def snapshot(frame: Any, writable: Set[int] = frozenset()) -> Snapshot:
    """Capture one frame.

    Parameters
    ----------
    writable : set of int
        Identities of arrays through which the user can write to memory.
    """
    return _of(frame).snapshot(frame, writable)


def decode(meta: JSON, read: Read, *, trust: bool) -> Decoded:
    """Rebuild a frame.

    Parameters
    ----------
    meta : JSON
        Its description.
    read : callable
        Gives the bytes of a blob, or raises `DamagedData`.
    trust : bool
        Whether parts may be unpickled and classes imported.

    Raises
    ------
    DamagedData
        Nothing of it can be read.
    """
    by_name = {adapter.name: adapter for adapter in ADAPTERS}
    return by_name[meta["library"]].decode(meta, read, trust=trust)


def put_back(live: Any, frame: Any) -> None:
    """Give a live frame the content of another one of its class, in place."""
    _of(live).put_back(live, frame)


def _of(frame: Any) -> Adapter:
    return next(adapter for adapter in ADAPTERS if adapter.matches(frame))
