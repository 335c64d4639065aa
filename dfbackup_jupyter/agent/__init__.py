"""Backups for AI agents: the tools as plain functions, and thin adapters to frameworks.

Only the adapters need packages beyond the product's own: those of the extra ``agents``.
"""

from dfbackup_jupyter.agent.tools import (
    TOOLS,
    Tool,
    backup_stats,
    delete_all_backups,
    delete_backup,
    diff_backup,
    list_backups,
    manual_backup,
    quick_backup,
    restore_backup,
    session_cleanup,
    undo_last,
)

__all__ = [
    "TOOLS",
    "Tool",
    "backup_stats",
    "delete_all_backups",
    "delete_backup",
    "diff_backup",
    "list_backups",
    "manual_backup",
    "quick_backup",
    "restore_backup",
    "session_cleanup",
    "undo_last",
]
