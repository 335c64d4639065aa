from __future__ import annotations

from collections.abc import Callable

import pytest

from dfbackup_jupyter import BackupManager

FRAMES = """
import pandas as pd
df = pd.DataFrame({"city": ["Rome", "Oslo", "Bonn"], "price": [1.5, 2.5, 3.5]})
"""


@pytest.fixture
def notebook(manager: BackupManager, run: Callable[[str], None]) -> BackupManager:
    """The manager of a shell in which a frame was made."""
    run(FRAMES)
    return manager
