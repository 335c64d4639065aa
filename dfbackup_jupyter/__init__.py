"""The safety net for DataFrames in notebooks.

Whatever a cell does, the frames it found can be brought back: at once, after a restart, and after
a crash. Importing this package costs next to nothing: pandas and the rest load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dfbackup_jupyter.backup import Backup
    from dfbackup_jupyter.extension import load_ipython_extension, unload_ipython_extension
    from dfbackup_jupyter.manager import BackupManager

__version__ = "0.1.0"

__all__ = [
    "Backup",
    "BackupManager",
    "__version__",
    "load_ipython_extension",
    "unload_ipython_extension",
]

_HOMES = {
    "Backup": "dfbackup_jupyter.backup",
    "BackupManager": "dfbackup_jupyter.manager",
    "load_ipython_extension": "dfbackup_jupyter.extension",
    "unload_ipython_extension": "dfbackup_jupyter.extension",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
