from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dfbackup_jupyter import BackupManager

FRAMES = """
import pandas as pd
df = pd.DataFrame({"city": ["Rome", "Oslo", "Bonn"], "price": [1.5, 2.5, 3.5]})
"""


def wait_for(gate: Path) -> str:
    """Code that runs until a file is there."""
    return f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\npass"


@pytest.fixture
def notebook(manager: BackupManager, run: Callable[[str], None]) -> BackupManager:
    """The manager of a shell in which a frame was made."""
    run(FRAMES)
    return manager
