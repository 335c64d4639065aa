"""Several processes on one store; and processes that are killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from dfbackup_jupyter.errors import BackupError, StoreUnavailable
from dfbackup_jupyter.store import PackVanished, Store

from .kit import load, publish, put, random_bytes, save

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

SPAWN = multiprocessing.get_context("spawn")
GRACE = 0.4


def open_store(root: Path) -> Store:
    return Store(root, grace=GRACE, chunk_bytes=1024, pack_bytes=16 * 1024)


def content(rng: random.Random) -> list[bytes]:
    """Few different blobs, so that processes keep sharing chunks."""
    return [random_bytes(rng.choice([500, 3000, 9000]), rng.randrange(12)) for _ in range(3)]


def write_and_delete(root: Path, number: int, stop: Event, results: object) -> None:
    store = open_store(root)
    rng = random.Random(number)
    mine: dict[str, list[bytes]] = {}
    counts = {"saved": 0, "again": 0, "deleted": 0, "read": 0}
    bad: list[str] = []
    while not stop.is_set() or counts["saved"] < 3:
        blobs = content(rng)
        id = f"auto_{number}_{counts['saved']}_{counts['again']}"
        for _ in range(20):
            try:
                ref = put(store, {"of": id}, blobs)
                if rng.random() < 0.05:
                    time.sleep(2 * GRACE)  # suspended for longer than the grace
                publish(store, id, ref)
                break
            except PackVanished:
                counts["again"] += 1
        else:
            continue  # nobody was told that it exists
        mine[id] = blobs
        counts["saved"] += 1
        for id in rng.sample(sorted(mine), min(2, len(mine))):
            try:
                if load(store, id) != mine[id]:
                    bad.append(f"{id}: wrong")
            except BackupError as error:
                bad.append(f"{id}: {error}")
            counts["read"] += 1
        if len(mine) > 5:
            store.delete(id := rng.choice(sorted(mine)), by="test")
            del mine[id]
            counts["deleted"] += 1
    results.put((counts, bad, mine))  # type: ignore[attr-defined]


WRITE = """
import sys, itertools
from pathlib import Path
from tests.store.kit import random_bytes, save
from dfbackup_jupyter.store import Store
store = Store(Path(sys.argv[1]), chunk_bytes=1024, pack_bytes=16384)
for i in itertools.count(int(sys.argv[2])):
    save(store, f"auto_{i}", random_bytes(40_000, i))
    print(i, flush=True)
"""


@pytest.mark.slow
def test_a_killed_writer_harms_nothing(root: Path) -> None:
    told: list[int] = []
    rng = random.Random(3)
    for _ in range(6):
        first = told[-1] + 2 if told else 0
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(root), str(first)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        told.append(int(process.stdout.readline()))
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().splitlines()]
        process.wait()
        process.stdout.close()
    store = Store(root, grace=0)
    for i in told:
        assert load(store, f"auto_{i}") == [random_bytes(40_000, i)]
    assert store.verify() == []
    store.collect()
    assert os.listdir(root / "tmp") == []
    save(store, "manual_1", b"the next one succeeds")
    for i in told:
        assert load(store, f"auto_{i}") == [random_bytes(40_000, i)]


KILLED = """
import os, sys
from pathlib import Path
from tests.store.kit import random_bytes, save
from dfbackup_jupyter.store import Store, filesystem

class Killing:
    def __init__(self):
        self.left = int(sys.argv[2])
    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in ("open", "write", "fsync", "link", "rename", "mkdir", "unlink", "utime"):
            return real
        def call(*args, **options):
            self.left -= 1
            if self.left < 0:
                os._exit(9)
            return real(*args, **options)
        return call

store = Store(Path(sys.argv[1]), chunk_bytes=1024, grace=0)
filesystem.os = Killing()
save(store, "auto_new", random_bytes(3000, 1))
print("saved", flush=True)
store.delete("auto_old", by="test")
print("deleted", flush=True)
store.collect()
store.collect()
print("collected", flush=True)
"""


@pytest.mark.slow
def test_dying_at_each_call_of_a_save_a_delete_and_a_collection(tmp_path: Path) -> None:
    """One child forks one process per call, because starting Python takes long."""
    runner = f"""
import os, sys
source = {KILLED!r}
from dfbackup_jupyter.store import Store
from tests.store.kit import load, random_bytes, save
from pathlib import Path
for n in range(200):
    root = Path(sys.argv[1]) / str(n)
    store = Store(root, chunk_bytes=1024)
    keep = random_bytes(3000, 7)
    save(store, "auto_keep", keep)
    save(store, "auto_old", random_bytes(3000, 8))
    out, into = os.pipe()
    if not os.fork():
        os.dup2(into, 1)
        sys.argv = ["x", str(root), str(n)]
        exec(source, {{"__name__": "killed"}})
        os._exit(0)
    os.close(into)
    with open(out) as file:
        said = file.read().split()
    os.wait()
    store = Store(root, chunk_bytes=1024, grace=0)
    assert load(store, "auto_keep") == [keep], n
    if "saved" in said or "auto_new" in store.ids():
        assert load(store, "auto_new") == [random_bytes(3000, 1)], n
    if "deleted" in said:
        assert "auto_old" not in store.ids() and store.deletions(), n
    elif "auto_old" in store.ids():
        assert load(store, "auto_old") == [random_bytes(3000, 8)], n
        assert not store.deletions(), n
    assert not store.verify(), n
    save(store, "auto_next", b"next")
    store.collect()
    assert load(store, "auto_next") == [b"next"], n
    if "collected" in said:
        print(n)
        break
"""
    done = subprocess.run(
        [sys.executable, "-c", runner, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


def test_a_forked_child_reads_and_does_not_write(store: Store) -> None:
    save(store, "auto_1", random_bytes(5000))

    def child(answers: multiprocessing.SimpleQueue[object]) -> None:
        found = [load(store, "auto_1") == [random_bytes(5000)]]
        for verb in (
            lambda: save(store, "auto_2", b"x"),
            lambda: store.delete("auto_1", by="child"),
            lambda: store.discard("auto_1"),
            store.collect,
        ):
            try:
                verb()
                found.append(False)
            except StoreUnavailable:
                found.append(True)
        answers.put(found)

    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[object] = context.SimpleQueue()
    with store._lock:  # the worst moment to fork
        process = context.Process(target=child, args=(answers,))
        process.start()
    process.join(10)
    assert process.exitcode == 0
    assert answers.get() == [True] * 5
    assert store.ids() == ["auto_1"]
