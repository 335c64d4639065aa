"""Waiting for what happens in the background."""

from __future__ import annotations

from dfbackup_jupyter import BackupManager


def settled(manager: BackupManager) -> None:
    """Wait until everything that was asked for is written."""
    assert manager._worker.flush(60)
