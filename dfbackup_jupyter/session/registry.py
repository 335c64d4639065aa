"""The recorders that other packages add."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points

from dfbackup_jupyter.errors import InvalidRequest
from dfbackup_jupyter.session.base import Recorder
from dfbackup_jupyter.session.chat_memory import ChatMemory
from dfbackup_jupyter.session.execution_log import ExecutionLog
from dfbackup_jupyter.session.variables import Variables
from dfbackup_jupyter.session.web_searches import WebSearches

GROUP = "dfbackup_jupyter.recorders"

OURS = frozenset({Variables.name, ExecutionLog.name, ChatMemory.name, WebSearches.name})
"""Names that are taken in every session."""

logger = logging.getLogger(__name__)

_registered: dict[str, Recorder] = {}
_discovered = False
_looked_up: Sequence[EntryPoint] | str | None = None
_lock = threading.Lock()


def register(recorder: Recorder) -> None:
    """Add a recorder; from now on every backup with session state has its part.

    Raises
    ------
    InvalidRequest
        It is no recorder, or another one has its name.
    """
    name = getattr(recorder, "name", None)
    if not isinstance(recorder, Recorder) or not isinstance(name, str) or not name:
        raise InvalidRequest(
            f"{type(recorder).__name__} is no recorder.",
            "It needs a name and the methods snapshot and restore.",
        )
    if name in OURS or _registered.setdefault(name, recorder) is not recorder:
        raise InvalidRequest(f"There is a recorder {name!r} already.", "Give yours another name.")


def unregister(name: str) -> None:
    """Take a recorder away; nothing happens when there is none of that name."""
    _registered.pop(name, None)


def recorders(failed: Callable[[str], None]) -> tuple[Recorder, ...]:
    """Return the added recorders, those of entry points included.

    An entry point names a callable without parameters that makes the recorder. They are loaded by
    the first call; this never raises.

    Parameters
    ----------
    failed : callable
        Told, in a sentence, of each one that cannot be had.
    """
    global _discovered
    if not _discovered:
        _discovered = True
        found = look_up()
        if isinstance(found, str):  # one package with damaged metadata is enough
            failed(
                f"Recorders of other packages could not be looked up ({found}); backups go "
                "without them."
            )
            return tuple(_registered.values())
        for point in found:
            try:
                register(point.load()())
            except Exception as error:
                logger.info("the recorder of %s failed", point.value, exc_info=True)
                failed(
                    f"The recorder {point.name!r} ({point.value}) could not be loaded "
                    f"({type(error).__name__}: {error!s:.200}); backups go without its part. "
                    "Update or remove the package that it is of."
                )
    return tuple(_registered.values())


def look_up() -> Sequence[EntryPoint] | str:
    """Return the entry points of recorders, or why there are none to be had.

    The first call reads of every installed package, 10 ms for 200: it had better be made, on
    another thread, before the first backup.
    """
    global _looked_up
    with _lock:
        if _looked_up is None:
            try:
                _looked_up = tuple(entry_points(group=GROUP))
            except Exception as error:
                logger.info("the entry points could not be read", exc_info=True)
                _looked_up = f"{type(error).__name__}: {error!s:.200}"
        return _looked_up
