"""Many backups, many frames, wide ones, a long one, and a long day: memory stays bounded."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.store import Store
from tests.store.kit import load, save
from tests.waiting import settled

from .conftest import LONG

pytestmark = [
    pytest.mark.skipif(not LONG, reason="takes minutes: make torture"),
    pytest.mark.timeout(900),
]

MIB = 1 << 20
Note = Callable[[str], None]


def memory() -> int:
    return int(psutil.Process().memory_info().rss)


def descriptors() -> int:
    return psutil.Process().num_fds() if hasattr(os, "fork") else 0


def session(root: Path, space: dict[str, Any]) -> BackupManager:
    config = DFBackup(store=str(root))
    return BackupManager(namespace=space, hidden=tuple, transform=str, config=config)


def test_ten_thousand_backups(tmp_path: Path, note: Note) -> None:
    root = tmp_path / "store"
    began, files, before = time.monotonic(), descriptors(), memory()
    space = {"df": pd.DataFrame({"x": range(100)})}
    manager = session(root, space)
    first = manager.create("first")
    made = time.monotonic()
    store = Store(root)
    manifest = store.manifest(first.id)
    for i in range(9_997):
        id = f"auto_2020{i:08d}"
        store.publish(manifest | {"id": id, "backup": {**manifest["backup"], "id": id}})
    save(store, "auto_other", b"other")
    space["df"] = pd.DataFrame({"x": range(7)})
    last = manager.create("last")
    filled = time.monotonic()
    assert len(manager.list(all=True)) >= 9_998
    listed = time.monotonic()
    store.collect()
    collected = time.monotonic()
    assert load(store, "auto_other") == [b"other"]
    manager.restore(last.id)
    assert len(space["df"]) == 7
    manager.close()
    assert descriptors() == files
    assert memory() - before < 600 * MIB
    note(
        f"10,000 backups: filled in {filled - made:.0f} s, listed in {listed - filled:.1f} s, "
        f"collected in {collected - listed:.1f} s, first backup after {made - began:.2f} s, "
        f"{(memory() - before) / MIB:.0f} MB more"
    )


def test_a_thousand_frames(tmp_path: Path, note: Note) -> None:
    before = memory()
    space: dict[str, Any] = {f"f{i}": pd.DataFrame({"x": range(i, i + 50)}) for i in range(1_000)}
    manager = session(tmp_path / "store", space)
    began = time.monotonic()
    backup = manager.create("all")
    made = time.monotonic()
    assert len(backup.frames) == 1_000
    for name in list(space):
        space[name] = None
    manager.restore("all")
    assert all(space[f"f{i}"]["x"].iloc[0] == i for i in range(1_000))
    manager.close()
    note(
        f"1,000 frames: backed up in {made - began:.1f} s, restored in "
        f"{time.monotonic() - made:.1f} s, {(memory() - before) / MIB:.0f} MB more"
    )
    assert memory() - before < 500 * MIB


@pytest.mark.parametrize(
    ("what", "make"),
    [
        (
            "3,000 columns",
            lambda: pd.DataFrame({f"c{i}": np.arange(100) * i for i in range(3_000)}),
        ),
        ("100 million rows", lambda: pd.Series(np.arange(100_000_000, dtype="int8"), name="x")),
    ],
)
def test_a_large_frame(
    tmp_path: Path, note: Note, what: str, make: Callable[[], pd.DataFrame | pd.Series]
) -> None:
    space: dict[str, Any] = {"big": make()}
    before = memory()
    manager = session(tmp_path / "store", space)
    began = time.monotonic()
    manager.create("big")
    made = time.monotonic()
    used = memory() - before
    space["big"] = None
    manager.restore("big")
    read = time.monotonic()
    expected = make()
    assert space["big"].equals(expected)
    manager.close()
    assert used < 300 * MIB
    note(
        f"{what}: backed up in {made - began:.1f} s with {used / MIB:.0f} MB more, "
        f"restored in {read - made:.1f} s"
    )


def test_a_long_day(shell: InteractiveShell, manager: BackupManager, note: Note) -> None:
    """Three thousand cells, as many as eight hours have at ten seconds each."""
    shell.run_cell("import pandas as pd, numpy as np; df = pd.DataFrame({'n': np.arange(20_000)})")

    def cells(first: int, last: int) -> None:
        for i in range(first, last):
            source = [
                f"df['n'] = df['n'] + {i}",
                f"df['c{i % 7}'] = {i}",
                "df = df.drop(columns=df.columns[1:])",
                f"x = {i}",
                "%backup undo" if i % 50 == 4 else "df.describe()",
            ][i % 5]
            assert shell.run_cell(source, store_history=True).success, source
        settled(manager)

    manager.configure("memory_limit", str(20 * MIB))
    began = time.monotonic()
    cells(0, 500)
    files, threads, before = descriptors(), threading.active_count(), memory()
    cells(500, 3_000)
    grown = memory() - before
    assert manager.problem is None
    assert descriptors() <= files
    assert threading.active_count() <= threads
    assert grown < 300 * MIB
    seconds = time.monotonic() - began
    note(
        f"3,000 cells in {seconds:.0f} s: {len(manager.list())} backups, "
        f"{grown / MIB:.0f} MB more than after 500, {files} files open, {threads} threads"
    )
