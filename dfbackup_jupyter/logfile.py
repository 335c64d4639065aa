"""Where errors of our own go, so that they stay out of the user's cells."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

_BYTES = 1 << 20

_package = logging.getLogger("dfbackup_jupyter")


def path() -> Path:
    """Return the file; each user has one, whatever the store."""
    return Path(jupyter_runtime_dir()) / "dfbackup.log"


def describe(error: BaseException) -> str:
    """Return a sentence on an error of our own, with a pointer to its traceback."""
    return f"An error inside dfbackup ({type(error).__name__}: {error}). Details: {path()}"


class LogFile(RotatingFileHandler):
    """Keeps what the package logs, each thing once, in a file that only the user can read."""

    def __init__(self) -> None:
        super().__init__(path(), maxBytes=_BYTES, backupCount=1, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(process)d %(name)s: %(message)s"))
        self._seen: set[tuple[str, int, str]] = set()

    def attach(self) -> None:
        """Take what the package logs, and let nobody else print it into a cell."""
        _package.addHandler(self)
        _package.propagate = False

    def detach(self) -> None:
        """Take no more."""
        _package.removeHandler(self)
        _package.propagate = True
        self.close()

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        key = record.pathname, record.lineno, f"{record.getMessage()} {error!r}"
        if key not in self._seen:
            self._seen.add(key)
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Do nothing: a log that cannot be written is no reason to disturb anybody."""

    def _open(self) -> TextIOWrapper:
        path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        stream = super()._open()
        os.chmod(self.baseFilename, 0o600)
        return stream
