from __future__ import annotations

import os
from pathlib import Path

import pytest

from dfbackup_jupyter.errors import StoreError
from dfbackup_jupyter.store import PackVanished, Store, manifests

from .kit import Bytes, files, load, publish, put, random_bytes, save

GRACE = 1000.0


@pytest.fixture
def store(root: Path) -> Store:
    return Store(root, grace=GRACE, chunk_bytes=1024, pack_bytes=64 * 1024).open()


def age(store: Store, seconds: float = GRACE + 1) -> None:
    """Let time pass for every file of the store."""
    for path in store.root.rglob("*"):
        if path.is_file():
            past = path.stat().st_mtime - seconds
            os.utime(path, (past, past))


def pack_names(store: Store, folder: str = "packs") -> set[str]:
    return {path.name.split(".")[0] for path in (store.root / folder).iterdir()}


def test_what_is_live_stays(store: Store) -> None:
    save(store, "auto_1", random_bytes(5000))
    for _ in range(4):
        age(store)
        collected = store.collect()
    assert (collected.packs, collected.bytes_freed, collected.bytes_pending) == (0, 0, 0)
    assert load(store, "auto_1") == [random_bytes(5000)]


def test_what_is_deleted_goes_step_by_step(store: Store) -> None:
    save(store, "auto_1", random_bytes(5000))
    store.delete("auto_1", by="test")
    assert store.collect().bytes_pending == 0
    assert pack_names(store, "trash") == {"auto_1"}
    age(store)
    collected = store.collect()
    assert pack_names(store, "trash") == set()
    assert (len(pack_names(store)), len(pack_names(store, "aside"))) == (0, 1)
    assert collected.packs == 0
    assert collected.bytes_pending > 5000
    assert store.collect().packs == 0  # its time aside has only begun
    age(store)
    collected = store.collect()
    assert collected.packs == 1
    assert collected.bytes_freed > 5000
    assert pack_names(store, "aside") == set()
    assert len(store.deletions()) == 1


def test_a_deleted_backup_is_live_for_the_grace(store: Store) -> None:
    save(store, "auto_1", random_bytes(5000))
    age(store)
    store.delete("auto_1", by="test")
    store.collect()
    assert len(pack_names(store)) == 1


def test_what_was_just_staged_stays(store: Store) -> None:
    ref = put(store, None, [random_bytes(5000)])
    assert store.collect().bytes_pending == 0
    publish(store, "auto_1", ref)
    assert load(store, "auto_1") == [random_bytes(5000)]


def test_publishing_what_was_set_aside_is_withdrawn(store: Store) -> None:
    ref = put(store, None, [random_bytes(5000)])
    age(store)
    store.collect()
    with pytest.raises(PackVanished):
        publish(store, "auto_1", ref)
    assert store.ids() == []
    again = put(store, None, [random_bytes(5000)])
    publish(store, "auto_1", again)
    assert load(store, "auto_1") == [random_bytes(5000)]


def test_a_pack_set_aside_wrongly_is_read_and_put_back(store: Store) -> None:
    save(store, "auto_1", random_bytes(5000))
    [name] = pack_names(store)
    os.rename(store.root / "packs" / f"{name}.pack", store.root / "aside" / f"{name}.01.pack")
    age(store)
    assert load(Store(store.root), "auto_1") == [random_bytes(5000)]
    assert store.collect().packs == 0
    assert pack_names(store) == {name}
    assert load(store, "auto_1") == [random_bytes(5000)]


def test_temporary_files_of_the_dead_are_removed(store: Store) -> None:
    (store.root / "tmp" / "dead.tmp").write_bytes(bytes(100))
    store.collect()
    assert len(os.listdir(store.root / "tmp")) == 1
    age(store)
    assert store.collect().bytes_freed == 100
    assert os.listdir(store.root / "tmp") == []


def mostly_dead(store: Store) -> dict[str, list[bytes]]:
    """Backups most of whose packs only deleted ones need."""
    content = {}
    for i in range(4):
        small = random_bytes(2000, i)
        with store.write() as writer:
            keep = writer.put(f"keep {i}", [Bytes(small)])
            drop = writer.put(f"drop {i}", [Bytes(random_bytes(20_000, 100 + i))])
        publish(store, f"auto_{i}", keep)
        publish(store, f"quick_{i}", drop)
        content[f"auto_{i}"] = [small]
    for i in range(4):
        store.discard(f"quick_{i}")
    return content


def test_mostly_dead_packs_are_merged(store: Store) -> None:
    content = mostly_dead(store)
    age(store)
    before = store.usage()
    old = pack_names(store)
    stored = {id: store.read(*next(iter(store.manifest(id)["objects"].items()))) for id in content}
    store.collect()
    assert len(pack_names(store)) == 1
    assert pack_names(store).isdisjoint(old)
    for _ in range(3):
        for id, blobs in content.items():
            assert load(store, id) == load(Store(store.root), id) == blobs
        age(store)
        store.collect()
    assert len(pack_names(store)) == 1
    assert store.usage().bytes_used < before.bytes_used / 4
    assert store.verify() == []
    for id, blobs in content.items():
        assert [bytes(stored[id].read(0))] == blobs  # opened before it was merged


def test_merged_packs_are_merged_again(store: Store) -> None:
    content = mostly_dead(store)
    age(store)
    store.collect()
    for id in list(content)[:3]:
        store.discard(id)
        del content[id]
    for _ in range(4):
        age(store)
        store.collect()
    assert len(pack_names(store)) == 1
    assert store.usage().bytes_used < 6000
    for id, blobs in content.items():
        assert load(Store(store.root), id) == blobs


def test_merged_packs_are_relied_on_for_deduplication(store: Store) -> None:
    content = mostly_dead(store)
    for _ in range(3):
        age(store)
        store.collect()
    for other in (store, Store(store.root, chunk_bytes=1024)):
        assert put(other, "keep 1", content["auto_1"]).bytes_new == 0
        assert put(other, "drop 1", [random_bytes(20_000, 101)]).bytes_new > 20_000


def test_a_dead_chunk_that_came_alive_again_is_rescued(store: Store) -> None:
    content = mostly_dead(store)
    other = Store(store.root, grace=GRACE, chunk_bytes=1024)
    dead = put(other, "again", [random_bytes(20_000, 101)])  # relies on a pack's dead chunks
    assert dead.bytes_new < 1000
    age(store)
    publish(other, "manual_1", dead)
    store.collect()
    for _ in range(3):
        age(store)
        store.collect()
    assert load(Store(store.root), "manual_1") == [random_bytes(20_000, 101)]
    for id, blobs in content.items():
        assert load(Store(store.root), id) == blobs


def test_relying_on_a_dead_chunk_of_a_merged_pack_is_noticed(store: Store) -> None:
    mostly_dead(store)
    other = Store(store.root, grace=GRACE, chunk_bytes=1024)
    dead = put(other, "again", [random_bytes(20_000, 101)])
    age(store)
    store.collect()
    with pytest.raises(PackVanished):
        publish(other, "manual_1", dead)
    again = put(other, "again", [random_bytes(20_000, 101)])
    publish(other, "manual_1", again)
    for _ in range(3):
        age(store)
        store.collect()
    assert load(Store(store.root), "manual_1") == [random_bytes(20_000, 101)]


def test_a_merge_that_stopped_half_way_is_finished(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = mostly_dead(store)
    age(store)
    with monkeypatch.context() as patch:

        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(store.fs, "move", crash)
        with pytest.raises(KeyboardInterrupt):
            store.collect()
    assert len(pack_names(store)) == 5
    for _ in range(3):
        age(store)
        store.collect()
    assert len(pack_names(store)) == 1
    for id, blobs in content.items():
        assert load(Store(store.root), id) == blobs


@pytest.mark.parametrize("newer", [False, True], ids=["damaged", "newer"])
def test_nothing_is_removed_while_a_manifest_cannot_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch, newer: bool
) -> None:
    save(store, "auto_1", random_bytes(5000))
    put(store, None, [random_bytes(5000, 2)])
    path = store.root / "manifests" / "auto_1.json"
    if newer:
        path.unlink()
        with monkeypatch.context() as patch:
            patch.setattr(manifests, "FORMAT", 2)
            publish(store, "auto_1")
    else:
        path.write_bytes(path.read_bytes()[:-10])
    age(store)
    before = files(store.root)
    assert store.collect().blocked == ("auto_1",)
    assert files(store.root) == before


def test_packs_of_a_damaged_backup_stay(store: Store) -> None:
    ref = save(store, "auto_1", random_bytes(5000))
    [name] = pack_names(store)
    path = store.root / "packs" / f"{name}.pack"
    data = bytearray(path.read_bytes())
    at = data.find(b'"meta"')
    at = at if at >= 0 else len(data) // 2
    data[at] ^= 1
    path.write_bytes(data)
    for _ in range(3):
        age(store)
        store.collect()
    assert pack_names(store) == {name}
    assert ref.packs == {name}


@pytest.mark.parametrize("jump", [-90_000.0, 90_000.0])
def test_a_jumping_clock_harms_nothing(store: Store, jump: float) -> None:
    save(store, "auto_1", random_bytes(5000))
    save(store, "auto_2", random_bytes(5000, 2))
    store.delete("auto_2", by="test")
    ref = put(store, None, [random_bytes(5000, 3)])
    age(store, jump)
    store.collect()
    assert load(store, "auto_1") == [random_bytes(5000)]
    try:
        publish(store, "auto_3", ref)
    except StoreError:
        publish(store, "auto_3", put(store, None, [random_bytes(5000, 3)]))
    for _ in range(3):
        age(store, jump)
        store.collect()
    assert load(store, "auto_3") == [random_bytes(5000, 3)]
    assert load(store, "auto_1") == [random_bytes(5000)]
