"""Several processes on one store: with a careless collector, wrong clocks, pauses and forks."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.store import Store
from tests.store.kit import load, publish, put, random_bytes, save
from tests.store.test_processes import GRACE, SPAWN, open_store, write_and_delete

from .conftest import LONG

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and signals")

SECONDS = 120 if LONG else 6
DAY = 86_400


def with_wrong_clock(root: Path, number: int, stop: Event, results: Any) -> None:
    """The same, while its clock jumps a day to either side."""
    right, rng = time.time, random.Random(number)
    time.time = lambda: right() + rng.choice([-DAY, 0, DAY])  # type: ignore[assignment]
    write_and_delete(root, number, stop, results)


def with_frames(root: Path, number: int, stop: Event, results: Any) -> None:
    """What a kernel does: create, restore, delete; each backup with the frame it must give."""
    assert Store.__init__.__kwdefaults__ is not None
    Store.__init__.__kwdefaults__.update(grace=GRACE, chunk_bytes=1024, pack_bytes=16 * 1024)
    space: dict[str, Any] = {}
    manager = session(root, space)
    rng = random.Random(number)
    mine: dict[str, pd.DataFrame] = {}
    counts: Counter[str] = Counter()
    bad: list[str] = []
    while not stop.is_set() or len(mine) < 2:
        # Few different columns, so that kernels keep sharing chunks.
        columns = {f"x{i}": range(seed := rng.randrange(12), seed + 900) for i in range(3)}
        space["df"] = pd.DataFrame(columns).sample(frac=1, random_state=rng.randrange(4))
        try:
            backup = manager.create(f"{number} {counts['saved']}")
        except BackupError:
            counts["again"] += 1
            continue  # nobody was told that it exists
        mine[backup.id] = space["df"].copy()
        counts["saved"] += 1
        id = rng.choice(sorted(mine))
        try:
            manager.restore(id)
            if not space["df"].equals(mine[id]):
                bad.append(f"{id}: wrong")
        except BackupError as error:
            bad.append(f"{id}: {error}")
        counts["read"] += 1
        if len(mine) > 5:
            manager.delete([id := rng.choice(sorted(mine))])
            del mine[id]
            counts["deleted"] += 1
    manager.close()
    results.put((counts, bad, mine))


def session(root: Path, space: dict[str, Any]) -> BackupManager:
    config = DFBackup(store=str(root))
    return BackupManager(namespace=space, hidden=tuple, transform=str, config=config)


def careful(root: Path, stop: Event) -> None:
    store = open_store(root)
    while not stop.is_set():
        store.collect()
        time.sleep(0.02)


def careless(root: Path, stop: Event) -> None:
    """Delete every pack that no manifest refers to, at once: what must not be done."""
    store = open_store(root)
    while not stop.is_set():
        manifests = store.manifests()
        named = {pack for m in manifests for packs in m["objects"].values() for pack in packs}
        for pack in store.packs.present() - named:
            (root / "packs" / f"{pack}.pack").unlink(missing_ok=True)


def run_together(root: Path, live: Any, collector: Any, seconds: float) -> list[Any]:
    open_store(root).open()
    stop, results = SPAWN.Event(), SPAWN.Queue()
    writers = [SPAWN.Process(target=live[i], args=(root, i, stop, results)) for i in range(4)]
    others = [SPAWN.Process(target=collector, args=(root, stop))]
    for process in writers + others:
        process.start()
    # One of them is suspended for longer than the grace, more than once.
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(min(1.0, seconds / 4))
        os.kill(writers[3].pid or 0, signal.SIGSTOP)
        time.sleep(3 * GRACE)
        os.kill(writers[3].pid or 0, signal.SIGCONT)
    stop.set()
    told = [results.get(timeout=120) for _ in writers]
    for process in writers + others:
        process.join(60)
        assert process.exitcode == 0
    return told


def unreadable(root: Path, told: list[Any]) -> list[str]:
    """What is wrong with the backups that a process was told exist."""
    store = open_store(root)
    found: list[str] = []
    for _, bad, mine in told:
        found += bad
        for id, blobs in mine.items():
            try:
                if load(store, id) != blobs:
                    found.append(f"{id}: wrong")
            except BackupError as error:
                found.append(f"{id}: {error}")
    return found


def test_four_processes_lose_nothing(tmp_path: Path, figures: Counter[str]) -> None:
    """Two with clocks that jump, one that is suspended; a collector beside them."""
    root = tmp_path / "store"
    live = [write_and_delete, with_wrong_clock, with_wrong_clock, write_and_delete]
    told = run_together(root, live, careful, SECONDS)
    for _ in range(3):
        time.sleep(GRACE)
        open_store(root).collect()
    assert unreadable(root, told) == []
    assert open_store(root).verify() == []
    for counts, _, _ in told:
        figures["backups made by four processes on one store"] += counts["saved"]
        figures["of those backups deleted again"] += counts["deleted"]
        figures["reads of those backups meanwhile"] += counts["read"]
        figures["of those backups staged again, after a pause longer than the grace"] += counts[
            "again"
        ]


def test_four_kernels_lose_no_frame(tmp_path: Path, figures: Counter[str]) -> None:
    root = tmp_path / "store"
    told = run_together(root, [with_frames] * 4, careful, SECONDS)
    space: dict[str, Any] = {}
    manager = session(root, space)
    for counts, bad, mine in told:
        assert bad == []
        for id, frame in mine.items():
            manager.restore(id)
            assert space["df"].equals(frame), id
        figures["backups of frames made by four kernels on one store"] += counts["saved"]
        figures["restores of those backups meanwhile"] += counts["read"]
    assert manager.verify().ok
    manager.close()


def test_a_careless_collector_loses_data(tmp_path: Path) -> None:
    """The control: the test above can fail."""
    for round in range(5):  # a race is lost sooner or later
        root = tmp_path / str(round)
        if unreadable(root, run_together(root, [write_and_delete] * 4, careless, 3)):
            return
    raise AssertionError("nothing was lost")


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_is_a_day_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """With the real grace: what was staged a moment ago is not taken for old."""
    right = time.time
    store = Store(tmp_path / "store")
    ref = put(store, {}, [random_bytes(3000, 1)])
    save(store, "auto_1", random_bytes(3000, 2))
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: right() + days * DAY)
        other = Store(tmp_path / "store")
        for _ in range(3):
            other.collect()
        save(other, "auto_2", random_bytes(3000, 3))
    publish(store, "auto_3", ref)
    for id, seed in ("auto_1", 2), ("auto_2", 3), ("auto_3", 1):
        assert load(store, id) == [random_bytes(3000, seed)]


def try_to_write(_: int) -> tuple[list[str], bool]:
    """What a forked child of a session can do: look, not write."""
    manager = BackupManager.current()
    found = [backup.name for backup in manager.list()]
    try:
        manager.create("from a child")
        return found, True
    except BackupError:
        return found, False


def test_forked_children_of_a_session_do_not_write(tmp_path: Path) -> None:
    manager = session(tmp_path / "store", {"df": pd.DataFrame({"x": range(10)})})
    manager.make_current()
    manager.create("from the parent")
    # joblib's multiprocessing backend forks, as `multiprocessing.Pool` does on Linux.
    parallel = joblib.Parallel(n_jobs=2, backend="multiprocessing")
    with multiprocessing.get_context("fork").Pool(2) as pool:
        answers = [*pool.map(try_to_write, range(4)), *parallel([joblib.delayed(try_to_write)(0)])]
    assert answers == [(["from the parent"], False)] * 5
    assert manager.create("after").id in {backup.id for backup in manager.list()}
    assert manager.verify().ok
    manager.close()
