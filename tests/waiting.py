"""Waiting for what happens in the background."""

from __future__ import annotations

import time
from collections.abc import Callable

from dfbackup_jupyter import BackupManager


def settled(manager: BackupManager) -> None:
    """Wait until everything that was asked for is written."""
    assert manager._worker.flush(60)


def eventually(condition: Callable[[], object], seconds: float = 20) -> bool:
    """Wait until something holds that another thread brings about; whether it came to hold."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())
