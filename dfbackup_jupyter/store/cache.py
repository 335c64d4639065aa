"""A file that saves reading many others, and that may be lost, damaged or outdated at any time."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from dfbackup_jupyter.errors import StoreError
from dfbackup_jupyter.store.codecs import digest
from dfbackup_jupyter.store.filesystem import Filesystem

_NAME = ".listing"  # hidden: a folder that holds it alone can still become a store
_HASH = 64


class Cache:
    """JSON under a hash. Several processes may write it; the last one wins, and all are right."""

    def __init__(self, fs: Filesystem) -> None:
        self._fs = fs

    def read(self) -> Any:
        """Return what was written last, or None when that cannot be had."""
        try:
            data = self._fs.read("", _NAME)
            check, content = data[:_HASH], memoryview(data)[_HASH:]
            return json.loads(bytes(content)) if digest(content).hex().encode() == check else None
        except (OSError, StoreError, ValueError, RecursionError):
            return None

    def write(self, value: Any) -> None:
        """Replace the file, if that is possible. It is not synced: a crash may cost it."""
        data = json.dumps(value, separators=(",", ":")).encode("ascii")
        # Where that is read-only or full, everybody reads the backups themselves.
        with contextlib.suppress(OSError, StoreError):
            self._fs.replace("", _NAME, digest(data).hex().encode() + data, durable=False)
