"""The backup tools for AI agents: plain typed functions over the kernel's `BackupManager`.

Each one answers with a plain dictionary: ``ok`` and a ``message``, or ``error`` and ``next_step``.
None raises. Their docstrings are written for the model: MCP servers and LangChain turn them into
descriptions and schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

from dfbackup_jupyter.agent import answers
from dfbackup_jupyter.agent.confirmation import LIFETIME, Confirmations, whom
from dfbackup_jupyter.backup import JSON, Backup, Kind

if TYPE_CHECKING:
    from dfbackup_jupyter.manager import BackupManager

P = ParamSpec("P")

BY = "an AI agent"
"""Who deletes, in the log of deletions."""

_confirmations = Confirmations()


@dataclass(frozen=True)
class Tool:
    """A tool and its names.

    Attributes
    ----------
    title : str
        What frameworks call it that name tools like classes: ``ManualBackup``.
    function : callable
        The function; its own name is what the others call it: ``manual_backup``.
    touches_frames : bool
        Whether it must run on the thread that runs the cells.
    """

    title: str
    function: Callable[..., JSON]
    touches_frames: bool


_tools: dict[str, Tool] = {}

TOOLS: Mapping[str, Tool] = _tools
"""Every tool by the name of its function."""


def _tool(
    title: str, *, touches_frames: bool = False
) -> Callable[[Callable[P, JSON]], Callable[P, JSON]]:
    def add(function: Callable[P, JSON]) -> Callable[P, JSON]:
        @wraps(function)
        def answering(*args: P.args, **kwargs: P.kwargs) -> JSON:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                return answers.failed(error)

        _tools[function.__name__] = Tool(title, answering, touches_frames)
        return answering

    return add


@_tool("ManualBackup", touches_frames=True)
def manual_backup(name: str, description: str = "") -> dict[str, Any]:
    """Back up all DataFrames and the session under a name.

    Use it before risky operations (dropping, merging, overwriting, filling values), and whenever
    the user asks for a backup with a name.

    Args:
        name: What to call the backup, exactly as the user said it, or what is about to be done.
        description: What the backup holds or is for. May be empty.
    """
    backup = _manager().create(name, description)
    return answers.done(
        f"Backed up as {backup.name!r}. restore_backup with its ID brings everything back.",
        backup=answers.entry(backup),
    )


@_tool("QuickBackup", touches_frames=True)
def quick_backup() -> dict[str, Any]:
    """Back up all DataFrames and the session at once, without a name.

    Use it when the user wants a quick backup, or wants one and gives no name for it.
    """
    backup = _manager().quick()
    return answers.done(
        f"Backed up as {backup.id}. restore_backup with this ID brings everything back.",
        backup=answers.entry(backup),
    )


@_tool("ListBackups")
def list_backups(all_sessions: bool = False, frame: str = "", limit: int = 20) -> dict[str, Any]:
    """List the backups there are, the newest first, with their IDs.

    Use it to show backups, and to find the ID of the one to restore, compare or delete.

    Args:
        all_sessions: Also those of other notebooks and earlier sessions, as after a restart.
        frame: Only those that hold the DataFrame of this name. Empty for all.
        limit: At most so many.
    """
    found = _manager().list(all=all_sessions, frame=frame or None)
    if all_sessions:  # after a crash, this is the newest state that there is
        found += _manager().list(all=True, kind=Kind.AUTOSAVE, frame=frame or None)
        found.sort(key=lambda backup: backup.created, reverse=True)
    shown = [answers.entry(backup) for backup in found[: max(limit, 1)]]
    if not found:
        where = "in the store" if all_sessions else "of this session"
        return answers.done(
            f"There is no backup {where}.",
            backups=[],
            next_step="Offer to make one."
            if all_sessions
            else "Offer to make one. all_sessions=true lists those of earlier sessions.",
        )
    return answers.done(
        f"{len(found)} backups, the newest first."
        if len(shown) == len(found)
        else f"The newest {len(shown)} of {len(found)} backups.",
        backups=shown,
    )


@_tool("RestoreBackup", touches_frames=True)
def restore_backup(
    reference: str, frames: list[str] | None = None, as_name: str = "", data_only: bool = False
) -> dict[str, Any]:
    """Bring back the DataFrames and the session of a backup.

    The present state is backed up first, so this loses nothing: undo_last takes it back.

    Args:
        reference: The ID of the backup, the unique beginning of one, its name, or "last".
        frames: Names of the DataFrames to bring back. All of them when left out.
        as_name: Bring back the one DataFrame in `frames` as a new variable of this name, beside
            the present one. Empty to put it where it was.
        data_only: Leave variables and everything else but DataFrames as they are.
    """
    result = _manager().restore(
        reference, only=frames or None, as_name=as_name or None, data_only=data_only
    )
    return answers.restored(result)


@_tool("BackupStats")
def backup_stats() -> dict[str, Any]:
    """Tell how many backups there are, of which kinds and notebooks, and what they take on disk."""
    return answers.stats(_manager().stats())


@_tool("DeleteBackup")
def delete_backup(reference: str, confirmation: str = "") -> dict[str, Any]:
    """Delete one backup for good. Only when the user asked for it.

    Unless a person is asked at once, the first call deletes nothing: it says what would be deleted
    and gives a confirmation code for a second call.

    Args:
        reference: The ID of the backup, the unique beginning of one, its name, or "last".
        confirmation: The code that the first call gave. Empty in the first call.
    """
    backup = _manager().get(reference)
    return _delete("delete_backup", [backup], confirmation, f"%backup delete {backup.id}")


@_tool("SessionCleanup")
def session_cleanup(confirmation: str = "") -> dict[str, Any]:
    """Delete all backups of the present session, except pinned ones. Only when the user asked.

    Unless a person is asked at once, the first call deletes nothing: it says what would be deleted
    and gives a confirmation code for a second call.

    Args:
        confirmation: The code that the first call gave. Empty in the first call.
    """
    found = [backup for backup in _manager().list() if not backup.pinned]
    return _delete("session_cleanup", found, confirmation, "%backup cleanup")


@_tool("DeleteAllBackups")
def delete_all_backups(confirmation: str = "") -> dict[str, Any]:
    """Delete every backup of all sessions and notebooks. Only when the user asked for exactly that.

    Unless a person is asked at once, the first call deletes nothing: it says what would be deleted
    and gives a confirmation code for a second call.

    Args:
        confirmation: The code that the first call gave. Empty in the first call.
    """
    manager = _manager()
    found = manager.list(all=True) + manager.list(all=True, kind=Kind.AUTOSAVE)
    return _delete("delete_all_backups", found, confirmation, "%backup delete-all")


@_tool("DiffBackup", touches_frames=True)
def diff_backup(reference: str, other: str = "", frame: str = "") -> dict[str, Any]:
    """Tell how the DataFrames of a backup differ from the present ones, or from another backup.

    Use it to find out what a step has changed, and before restoring.

    Args:
        reference: The ID of the backup, the unique beginning of one, its name, or "last".
        other: The backup to compare it with. Empty for the present state.
        frame: Compare the DataFrame of this name alone. Empty for all.
    """
    return answers.diff(_manager().diff(reference, other or None, frame=frame or None))


@_tool("UndoLast", touches_frames=True)
def undo_last() -> dict[str, Any]:
    """Take back what the newest cell or restore did to DataFrames, also a cell that failed.

    Use it when the newest step went wrong. Each further call goes one step further back.
    """
    return answers.restored(_manager().undo())


def _manager() -> BackupManager:
    # A Jupyter server reads this module for the signatures alone: it should not load pandas.
    from dfbackup_jupyter.manager import BackupManager

    return BackupManager.current()


def _delete(tool: str, found: Sequence[Backup], confirmation: str, command: str) -> JSON:
    """Delete what was found, if that is confirmed.

    Parameters
    ----------
    command : str
        What a person would run to the same end.
    """
    if not found:
        return answers.done("There is nothing to delete.", deleted=[])
    manager, person = _manager(), whom()
    if person is not None:
        if not person(_question(found)):
            return answers.refused(
                "The user did not agree. Nothing was deleted.",
                "Accept this, and do not try again.",
            )
    elif manager.config.agent_confirmation:
        return answers.refused(
            "Agents must not delete backups here: a person has to do it. Nothing was deleted.",
            f"Tell the user to run this in a cell: {command}",
            would_delete=answers.entries(found),
        )
    elif not confirmation:
        return _needs_confirmation(tool, found)
    else:
        covered = _confirmations.take(confirmation, tool)
        found = [backup for backup in found if backup.id in covered]
        if not found:
            return answers.refused(
                "This confirmation code is wrong, used, expired, or for other backups. Nothing was "
                "deleted.",
                f"Call {tool} without a confirmation to see what would be deleted, and ask the "
                "user again.",
            )
    deleted = manager.delete(found, by=BY)
    return answers.done(f"Deleted: {len(deleted)}.", deleted=[backup.id for backup in deleted])


def _needs_confirmation(tool: str, found: Sequence[Backup]) -> JSON:
    code = _confirmations.issue(tool, [backup.id for backup in found])
    return answers.refused(
        f"Nothing was deleted yet. This would delete {len(found)} backups for good.",
        f"Show the user what would be deleted and ask. If they agree, call {tool} again with "
        f"confirmation={code!r} within {LIFETIME // 60} minutes. If not, leave it.",
        would_delete=answers.entries(found),
        count=len(found),
        confirmation=code,
    )


def _question(found: Sequence[Backup]) -> str:
    named = [backup.name or backup.id for backup in found[: answers.SHOWN]]
    more = f" and {len(found) - len(named)} more" if len(found) > len(named) else ""
    return f"An AI agent wants to delete {', '.join(named)}{more}. Delete?"
