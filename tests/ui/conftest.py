from __future__ import annotations

from collections.abc import Callable

import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter.errors import BackupError

FRAMES = """
import pandas as pd
df = pd.DataFrame({"city": ["Rome", "Oslo"], "n": [1, 2]})
dfs = {"a b": pd.DataFrame({"x": [1.5]})}
"""


@pytest.fixture
def cell(shell: InteractiveShell) -> Callable[[str], object]:
    """Runs a cell in a shell that has frames; gives its result, or raises what it raised."""

    def run(source: str) -> object:
        result = shell.run_cell(source, store_history=True)
        result.raise_error()
        return result.result

    run(FRAMES)
    return run


@pytest.fixture
def mistake(cell: Callable[[str], object]) -> Callable[[str], BackupError]:
    """Runs a cell that cannot work, and gives what it says."""

    def run(source: str) -> BackupError:
        with pytest.raises(BackupError) as raised:
            cell(source)
        return raised.value

    return run


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user will answer; each question takes the next one."""
    given: list[str] = []
    monkeypatch.setattr("builtins.input", lambda _question: given.pop(0))
    return given
