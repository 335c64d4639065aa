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


class Peak:
    """How long something takes, and how much memory it takes at most beyond what there was."""

    def __enter__(self) -> Peak:
        self._before = self._most = memory()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._seconds = time.monotonic() - self._began
        self._done.set()
        self._thread.join()

    def __str__(self) -> str:
        return f"{self._seconds:.1f} s with {self.more / MIB:.0f} MB more at most"

    @property
    def more(self) -> int:
        return self._most - self._before

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self._most = max(self._most, memory())


def test_ten_thousand_backups(tmp_path: Path, note: Note) -> None:
    root = tmp_path / "store"
    began, files, before = time.monotonic(), descriptors(), memory()
    space = {"df": pd.DataFrame({"x": range(100)})}
    manager = session(root, space)
    first = manager.create("the first one")
    made = time.monotonic()
    store = Store(root)
    manifest = store.manifest(first.id)
    for i in range(9_997):
        id = f"auto_2020{i:08d}"
        store.publish(manifest | {"id": id, "backup": {**manifest["backup"], "id": id}})
    save(store, "auto_other", b"other")
    space["df"] = pd.DataFrame({"x": range(7)})
    last = manager.create("the last one")
    filled = time.monotonic()
    assert len(manager.list(all=True)) >= 9_998
    listed = time.monotonic()
    store.collect()
    collected = time.monotonic()
    assert load(store, "auto_other") == [b"other"]
    manager.restore(last.id)
    assert len(space["df"]) == 7
    manager.close()
    assert descriptors() <= files
    assert memory() - before < 600 * MIB
    note(
        f"10,000 backups: filled in {filled - made:.0f} s, listed in {listed - filled:.1f} s, "
        f"collected in {collected - listed:.1f} s, first backup after {made - began:.2f} s, "
        f"{(memory() - before) / MIB:.0f} MB more"
    )


def made_and_restored(root: Path, space: dict[str, Any], what: str, note: Note) -> None:
    """Back frames up, restore them in another session, and tell what that took."""
    with Peak() as making:
        manager = session(root, space)
        manager.create("all")
        manager.close()
    found: dict[str, Any] = {}
    with Peak() as restoring:
        manager = session(root, found)
        manager.restore("all")
        manager.close()
    assert found.keys() == space.keys()
    assert all(found[name].equals(space[name]) for name in space)
    held = sum(frame.memory_usage(index=False) for frame in space.values() if frame.ndim == 1)
    assert making.more < 300 * MIB
    assert restoring.more < 400 * MIB + held
    note(f"{what}: backed up in {making}, restored in {restoring}")


def test_a_thousand_frames(tmp_path: Path, note: Note) -> None:
    space = {f"f{i}": pd.DataFrame({"x": range(i, i + 50)}) for i in range(1_000)}
    made_and_restored(tmp_path / "store", space, "1,000 frames", note)


def test_a_wide_frame(tmp_path: Path, note: Note) -> None:
    space = {"wide": pd.DataFrame({f"c{i}": np.arange(100) * i for i in range(3_000)})}
    made_and_restored(tmp_path / "store", space, "3,000 columns", note)


def test_a_long_series(tmp_path: Path, note: Note) -> None:
    numbers = np.random.default_rng(0).integers(-128, 128, 100_000_000, dtype="int8")
    space = {"long": pd.Series(numbers, name="x")}
    made_and_restored(tmp_path / "store", space, "100 million rows", note)


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
