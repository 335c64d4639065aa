"""What the tools answer: short plain dictionaries with the words that a model needs next.

They name frames, columns and shapes. No cell of a frame is in them: an answer goes to whoever runs
the model.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dfbackup_jupyter.backup import JSON, Backup, Restored, Stats
from dfbackup_jupyter.errors import (
    AmbiguousBackup,
    BackupError,
    BackupNotFound,
    NothingToDo,
    StoreError,
)

if TYPE_CHECKING:  # a Jupyter server reads the tools, and should not load pandas
    from dfbackup_jupyter.diff import Diff, FrameDiff

logger = logging.getLogger(__name__)

SHOWN = 20
"""Most entries of any list in an answer."""

_SOURCE = 120
_MB = 1_000_000


def done(message: str, **details: Any) -> JSON:
    """Return the answer of a tool that did what it was called for."""
    return {"ok": True, "message": message, **details}


def refused(error: str, next_step: str, **details: Any) -> JSON:
    """Return the answer of a tool that did nothing, and what the model should do now."""
    return {"ok": False, "error": error, "next_step": next_step, **details}


def failed(error: Exception) -> JSON:
    """Return the answer of a tool that raised."""
    if not isinstance(error, BackupError):
        logger.exception("a tool of an agent failed", exc_info=error)
        return refused(
            f"An error inside dfbackup-jupyter: {type(error).__name__}: {error!s:.500}",
            "Tell the user. Their data is as it was. Do not repeat the same call.",
        )
    return refused(error.message, _next_step(error))


def _next_step(error: BackupError) -> str:
    match error:
        case BackupNotFound():
            return (
                "Call list_backups, with all_sessions=true for those of earlier sessions, and use "
                "an ID exactly as it stands there. Do not guess."
            )
        case AmbiguousBackup():
            return f"{error.hint} Ask the user which one is meant, or use a whole ID."
        case NothingToDo():
            return f"Tell the user. {error.hint}".strip()
        case StoreError():
            return f"Tell the user, who must solve this first. {error.hint}".strip()
        case _:
            return error.hint or "Tell the user."


def entry(backup: Backup) -> JSON:
    """Return one backup in a list."""
    why = backup.provenance
    source = " ".join((why.cell or "").split())
    found = {
        "id": backup.id,
        "name": backup.name,
        "description": backup.description,
        "kind": str(backup.kind),
        "created": backup.created.isoformat(timespec="seconds"),
        "notebook": backup.notebook,
        "frames": {info.name: shape(info.rows, info.columns) for info in backup.frames},
        "reason": why.reason,
        "before_cell": source if len(source) <= _SOURCE else f"{source[: _SOURCE - 1]}…",
        "pinned": backup.pinned,
    }
    return {key: value for key, value in found.items() if value or key == "frames"}


def entries(backups: Sequence[Backup]) -> list[JSON]:
    """Return the first of some backups."""
    return [entry(backup) for backup in backups[:SHOWN]]


def restored(result: Restored) -> JSON:
    """Return what a restore or an undo did."""
    details: JSON = {
        "brought_back": list(result.restored),
        "already_as_in_the_backup": list(result.untouched),
        "removed": list(result.removed),
        "session_state": list(result.state),
        "warnings": list(result.warnings),
        "safety_backup": result.safety,
    }
    given = {key: value for key, value in details.items() if value or key == "brought_back"}
    message = f"{result.action[:1].upper()}{result.action[1:]}."
    return done(message, **given, next_step="Tell the user. undo_last takes this back.")


def stats(found: Stats) -> JSON:
    """Return how much there is, in megabytes."""
    total = sum(found.backups.values())
    return done(
        f"{total} backups, {found.session_backups} of them of this session, take "
        f"{_megabytes(found.bytes_on_disk)} MB.",
        backups_by_kind=found.backups,
        backups_by_notebook=dict(sorted(found.notebooks.items(), key=lambda n: -n[1])[:SHOWN]),
        backups_of_this_session=found.session_backups,
        oldest=found.oldest and found.oldest.isoformat(timespec="seconds"),
        newest=found.newest and found.newest.isoformat(timespec="seconds"),
        megabytes_on_disk=_megabytes(found.bytes_on_disk),
        megabytes_if_each_were_stored_whole=_megabytes(found.bytes_raw),
        megabytes_free=_megabytes(found.bytes_free),
    )


def diff(found: Diff) -> JSON:
    """Return what differs, without the values of any cell."""
    changed = [frame for frame in found.frames if frame.status != "same"]
    return done(
        "Nothing differs." if found.same else f"{len(changed)} frames differ.",
        before=found.before,
        after=found.after,
        same=[frame.name for frame in found.frames if frame.status == "same"][:SHOWN],
        different=[_frame(frame) for frame in changed[:SHOWN]],
        session_state=list(found.session[:SHOWN]),
    )


def shape(rows: int | None, columns: int | None) -> str:
    """Return a frame's shape in words."""
    return "" if rows is None or columns is None else f"{rows} rows x {columns} columns"


def _frame(frame: FrameDiff) -> JSON:
    details = {
        "name": frame.name,
        "status": frame.status,
        "before": shape(frame.rows_before, frame.columns_before),
        "after": shape(frame.rows_after, frame.columns_after),
        "rows_added": frame.rows_added,
        "rows_dropped": frame.rows_dropped,
        "rows_changed": frame.rows_changed,
        "columns": [str(change) for change in frame.columns[:SHOWN]],
        "more_columns": max(len(frame.columns) - SHOWN, 0),
        "notes": list(frame.notes),
    }
    return {key: value for key, value in details.items() if value}


def _megabytes(number: int) -> float:
    return round(number / _MB, 3)
