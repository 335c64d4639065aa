"""Whatever a cell does, undo brings back every frame that was there, exactly."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.errors import NothingToDo
from tests.adversarial import CASES, FRAMES, Case
from tests.picture import album, picture


@pytest.fixture(scope="module", autouse=True)
def quick_shells() -> Iterator[None]:
    """A shell collects garbage when it ends; only that of the tests, to save a minute."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(shell: InteractiveShell, source: str, raises: str | None = None) -> None:
    result = shell.run_cell(source, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    assert (type(error).__name__ if error else None) == raises, error


def see(shell: InteractiveShell, case: Case) -> dict[str, str]:
    """Pictures of all frames, also of those that only the case knows how to reach."""
    seen = album(shell.user_ns)
    for place in case.lost:
        try:
            found: Any = eval(place, shell.user_ns)
        except Exception:
            continue
        if isinstance(found, (pd.DataFrame, pd.Series)):
            seen[place] = picture(found)
    return seen


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_undo(case: Case, shell: InteractiveShell) -> None:
    if "sklearn" in case.setup:
        pytest.importorskip("sklearn")
    run(shell, FRAMES + case.setup)
    if case.staged:
        BackupManager.current().create("pause", data_only=True)
    before = see(shell, case)
    assert len(before) >= 2

    run(shell, case.cell, case.raises)
    after = see(shell, case)
    damaged = {place for place, image in before.items() if after.get(place) != image}
    assert damaged - {"aliases"} == set(case.lost), "the case does not do what it says"

    if case.limit:
        assert lost_for_good(shell, case, before), "no limit any more: tell so in the docs"
        return
    BackupManager.current().undo()
    restored = see(shell, case)
    assert {place: restored.get(place) for place in before} == before

    BackupManager.current().redo()
    again = see(shell, case)
    assert {place: again.get(place) for place in after} == after


def lost_for_good(shell: InteractiveShell, case: Case, before: dict[str, str]) -> bool:
    """Whether a case's limit is one indeed."""
    try:
        BackupManager.current().undo()
    except NothingToDo:
        return True
    restored = see(shell, case)
    kept = before.keys() - set(case.lost) - {"aliases"}
    assert {place: restored.get(place) for place in kept} == {p: before[p] for p in kept}
    return any(restored.get(place) != before[place] for place in case.lost)


def test_cases_are_many_and_have_names_of_their_own() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)
