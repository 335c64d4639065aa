"""The process is killed at every call that can change the disk; nothing reported is lost."""

from __future__ import annotations

import contextlib
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.store import Store
from tests.store.kit import load, random_bytes, save
from tests.waiting import settled

from .conftest import LONG
from .faults import CHANGES, FaultyOS, Tell, in_child, kill, tear

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

FATES = [(kill, CHANGES - {"close"}), (tear, ["write"])]
each_fate = pytest.mark.parametrize(("fate", "calls"), FATES, ids=["killed", "torn"])


def survive(
    before: Path,
    act: Callable[[Path, Tell], None],
    check: Callable[[Path, list[str]], None],
    fate: Any,
    calls: Collection[str],
    figures: Counter[str],
    *,
    stride: int = 5,
) -> int:
    """Kill `act` at each call in turn, on a fresh copy of a store; return how many there were.

    All calls take a minute; of every `stride` of them the short version takes one.

    Parameters
    ----------
    before : Path
        The store as it is before.
    act, check : callable
        What is killed, and what looks at what it left and at what it had reported.
    """
    root = before.with_name("store")
    for nth in count(1, 1 if LONG else stride):
        shutil.copytree(before, root)
        told, killed = in_child(lambda tell: act(root, tell), FaultyOS(nth, fate, calls))
        check(root, told)
        shutil.rmtree(root)
        if not killed:
            return nth
        figures["crashes survived"] += 1
    raise AssertionError("not reached")


# the store by itself


def opened(root: Path) -> Store:
    return Store(root, chunk_bytes=1024, pack_bytes=8 * 1024, grace=0)


def content(id: str) -> list[bytes]:
    """What the backup of this ID holds: some of it is shared with all others."""
    return [random_bytes(2000, 1), random_bytes(9000, sum(id.encode()))]


def keep(store: Store, id: str) -> str:
    save(store, id, *content(id))
    return id


def saves(root: Path, tell: Tell) -> None:
    tell(keep(opened(root), "auto_new"))


def deletes(root: Path, tell: Tell) -> None:
    store = opened(root)
    store.delete("auto_b", by="test")
    tell("-auto_b")
    store.discard("auto_c")
    tell("-auto_c")


def amends(root: Path, tell: Tell) -> None:
    store = opened(root)
    store.amend(store.manifest("auto_a") | {"note": "new"})


def collects(root: Path, tell: Tell) -> None:
    store = opened(root)
    for _ in range(4):  # deleted, set aside, unlinked; and once more
        store.collect()
    tell(keep(store, "auto_new"))


def compacts(root: Path, tell: Tell) -> None:
    store = opened(root)
    store.delete("auto_b", by="test")
    store.delete("auto_a", by="test")
    for _ in range(4):
        store.collect()
    # What `auto_a` shared with the others is in a pack that took over from its own.
    assert any(pack.startswith("m") for pack in store.packs.present())
    tell("compacted")


def imports(root: Path, tell: Tell) -> None:
    def ours(manifest: dict[str, Any]) -> dict[str, Any]:
        return manifest | {"id": "import_1"}

    opened(root).import_(root.with_name("export.zip"), rewrite=ours)
    tell("import_1")


def exports(root: Path, tell: Tell) -> None:
    opened(root).export("auto_a", root.with_name("again.zip"))
    tell("exported")


ACTS = [saves, deletes, amends, collects, compacts, imports, exports]
MAY_GO = {deletes: {"auto_b", "auto_c"}, compacts: {"auto_a", "auto_b"}}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A store with backups and with something in its trash, next to an export of another one."""
    store = opened(tmp_path / "before")
    for id in ("auto_a", "auto_b", "auto_c", "auto_old", "import_1"):
        keep(store, id)
    store.export("import_1", tmp_path / "export.zip")
    store.discard("import_1")
    store.delete("auto_old", by="test")
    return store.root


def all_is_well(root: Path, told: list[str], may_go: Collection[str] = ()) -> None:
    """What was there, or was reported, restores; what was reported deleted is; life goes on."""
    store = opened(root)
    gone = {word[1:] for word in told if word.startswith("-")}
    sure = {"auto_a", "auto_b", "auto_c"}.difference(may_go)
    sure |= {word for word in told if word.startswith(("auto_", "import_"))}
    keep(store, "auto_next")
    for _ in range(3):
        there = set(store.ids())
        assert sure <= there
        assert gone.isdisjoint(there)
        for id in there:
            assert load(store, id) == content(id), id
        assert store.verify() == []
        store.collect()
    assert list((root / "tmp").iterdir()) == []


@each_fate
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_a_kill_at_each_call(
    before: Path, act: Any, fate: Any, calls: Collection[str], figures: Counter[str]
) -> None:
    def check(root: Path, told: list[str]) -> None:
        all_is_well(root, told, MAY_GO.get(act, ()))

    calls_made = survive(before, act, check, fate, calls, figures)
    assert calls_made > 1 or act is exports  # zipfile writes by itself


@each_fate
def test_a_kill_at_each_call_of_a_first_backup(
    tmp_path: Path, fate: Any, calls: Collection[str], figures: Counter[str]
) -> None:
    """The store's folder is being made."""

    def check(root: Path, told: list[str]) -> None:
        assert set(told) <= set(opened(root).ids()) <= {"auto_new"}
        all_is_well(root, told, ["auto_a", "auto_b", "auto_c"])

    (tmp_path / "before").mkdir()
    assert survive(tmp_path / "before", saves, check, fate, calls, figures) > 1


@each_fate
def test_a_kill_at_each_call_of_a_repair(
    before: Path, fate: Any, calls: Collection[str], figures: Counter[str]
) -> None:
    """One byte of `auto_b` is bad: that backup is lost before, and never more than that."""
    store = opened(before)
    mine = {pack for packs in store.manifest("auto_b")["objects"].values() for pack in packs}
    others = {
        pack
        for id in ("auto_a", "auto_c")
        for packs in store.manifest(id)["objects"].values()
        for pack in packs
    }
    file = before / "packs" / f"{sorted(mine - others)[0]}.pack"
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 1
    file.write_bytes(data)

    def repairs(root: Path, tell: Tell) -> None:
        store = opened(root)
        assert {damage.id for damage in store.verify()} == {"auto_b"}
        store.repair()
        tell("repaired")

    def check(root: Path, told: list[str]) -> None:
        store = opened(root)
        assert set(store.ids()) == {"auto_a", "auto_b", "auto_c"}
        keep(store, "auto_next")
        for id in ("auto_a", "auto_c", "auto_next"):
            assert load(store, id) == content(id)
        assert {damage.id for damage in store.verify()} == {"auto_b"}
        store.repair()
        assert {damage.id for damage in store.verify()} == {"auto_b"}
        store.delete("auto_b", by="test")
        for _ in range(3):
            store.collect()
        assert store.verify() == []

    assert survive(before, repairs, check, fate, calls, figures) > 1


# the whole of what a session does


def frames(seed: int) -> dict[str, Any]:
    rng = random.Random(seed)
    return {
        "df": pd.DataFrame({"n": [rng.random() for _ in range(50)], "s": [f"é{seed}"] * 50}),
        "other": pd.DataFrame({"x": range(10)}),
    }


@contextlib.contextmanager
def session(root: Path, namespace: dict[str, Any]) -> Iterator[BackupManager]:
    config = DFBackup(store=str(root))
    manager = BackupManager(namespace=namespace, hidden=tuple, transform=str, config=config)
    yield manager
    settled(manager)
    manager.close()


def restored(root: Path, id: str) -> dict[str, Any]:
    """What another session gets out of a backup."""
    space: dict[str, Any] = {}
    with session(root, space) as manager:
        manager.restore(id)
    return space


def creates(root: Path, tell: Tell) -> None:
    with session(root, frames(5)) as manager:
        tell(f"{manager.create('five').id}=5")
        tell(f"{manager.quick().id}=5")


def restores(root: Path, tell: Tell) -> None:
    """A restore makes a backup first of what it replaces."""
    with session(root, space := frames(6)) as manager:
        manager.start()
        manager.restore("one")
        settled(manager)
        pd.testing.assert_frame_equal(space["df"], frames(1)["df"])
        manager.undo()
        pd.testing.assert_frame_equal(space["df"], frames(6)["df"])
        tell(f"{manager.create('six').id}=6")


def deletes_and_collects(root: Path, tell: Tell) -> None:
    with session(root, frames(7)) as manager:
        two = manager.get("two").id
        manager.delete([two])
        settled(manager)
        tell(f"-{two}")
        tell(f"{manager.create('seven').id}=7")


def imports_a_file(root: Path, tell: Tell) -> None:
    with session(root, {}) as manager:
        tell(f"{manager.import_(root.with_name('one.zip')).id}=1")


def repairs(root: Path, tell: Tell) -> None:
    with session(root, frames(2)) as manager:  # what `two` holds is in memory
        manager.start()
        settled(manager)
        assert (found := manager.repair()).ok, found
        tell("repaired")


LIVES = [creates, restores, deletes_and_collects, imports_a_file, repairs]


@pytest.mark.parametrize("act", LIVES, ids=lambda act: act.__name__)
def test_a_kill_at_each_call_of_a_session(tmp_path: Path, act: Any, figures: Counter[str]) -> None:
    before = tmp_path / "before"
    with session(before, frames(1)) as manager:
        known = {manager.create("one").id: 1}
        manager.export("one", tmp_path / "one.zip")
    packs = set((before / "packs").iterdir())
    with session(before, frames(2)) as manager:
        known[two := manager.create("two", data_only=True).id] = 2
    if act is repairs:
        file = max(set((before / "packs").iterdir()) - packs, key=lambda file: file.stat().st_size)
        data = bytearray(file.read_bytes())
        data[len(data) // 3] ^= 1
        file.write_bytes(data)

    def check(root: Path, told: list[str]) -> None:
        reported = {id: int(seed) for id, _, seed in (word.partition("=") for word in told) if seed}
        with session(root, frames(9)) as manager:
            reported[manager.create("the next one").id] = 9
            there = {backup.id for backup in manager.list(all=True)}
            damaged = {damage.backup for damage in manager.verify().damage}
        sure = {**known, **reported}
        if act is deletes_and_collects and two not in there:
            del sure[two]
        assert f"-{two}" not in told or two not in there
        assert sure.keys() <= there
        if act is repairs and "repaired" not in told:
            # It and what the killed session made of the same bytes before it knew.
            there -= damaged - {None}
            assert known.keys() - there <= {two}
        else:
            assert not damaged
        for id in there:
            space = restored(root, id)
            for name, right in frames(sure[id]).items() if id in sure else ():
                pd.testing.assert_frame_equal(space[name], right)

    assert survive(before, act, check, kill, CHANGES - {"close"}, figures, stride=20) > 1
