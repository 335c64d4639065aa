"""Make a store and an exported file of the present format, to be read by every later version.

Run it once for each released format, from the project's root: python -m tests.data.make v1
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.config import DFBackup
from tests.data.frames import large, plain, selected


def main(version: str) -> None:
    """Write them beside this file."""
    folder = Path(__file__).parent / version
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.environ["DFBACKUP_STORE"] = str(folder / "store")
    namespace = {**plain(), "large": large(), "answer": 42}
    manager = BackupManager(
        namespace=namespace,
        hidden=tuple,
        transform=str,
        config=DFBackup(store=str(folder / "store")),
    )
    manager.create("first", "what every version must read")
    namespace["large"] = selected()
    manager.create("second")
    manager.export("second", folder / "second.zip")
    assert manager.close()
    shutil.rmtree(folder / "store" / "tmp")


if __name__ == "__main__":
    main(*sys.argv[1:])
