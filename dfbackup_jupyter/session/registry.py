"""The recorders that other packages add."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from dfbackup_jupyter.errors import InvalidRequest
from dfbackup_jupyter.session.base import Recorder

GROUP = "dfbackup_jupyter.recorders"

logger = logging.getLogger(__name__)

_registered: dict[str, Recorder] = {}
_discovered = False


def register(recorder: Recorder) -> None:
    """Add a recorder; from now on every backup with session state has its part.

    Raises
    ------
    InvalidRequest
        It is no recorder, or another one has its name.
    """
    if not isinstance(recorder, Recorder):
        raise InvalidRequest(
            f"{type(recorder).__name__} is no recorder.",
            "It needs a name and the methods snapshot and restore.",
        )
    if _registered.setdefault(recorder.name, recorder) is not recorder:
        raise InvalidRequest(
            f"There is a recorder {recorder.name!r} already.", "Give yours another name."
        )


def unregister(name: str) -> None:
    """Take a recorder away; nothing happens when there is none of that name."""
    _registered.pop(name, None)


def recorders() -> tuple[Recorder, ...]:
    """Return the added recorders, those of entry points included.

    An entry point names a callable without parameters that makes the recorder. One that fails is
    logged and left out; this never raises.
    """
    global _discovered
    if not _discovered:
        _discovered = True
        for point in _entry_points():
            try:
                register(point.load()())
            except Exception:
                logger.exception("the recorder of %s could not be loaded", point.value)
    return tuple(_registered.values())


def _entry_points() -> Iterable[EntryPoint]:
    try:
        return entry_points(group=GROUP)
    except Exception:  # one package with damaged metadata is enough
        logger.exception("the entry points could not be read")
        return ()
