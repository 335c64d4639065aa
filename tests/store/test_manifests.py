from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dfbackup_jupyter.errors import BackupNotFound, DamagedData, InvalidRequest, StoreTooNew
from dfbackup_jupyter.store import Store, manifests

from .kit import load, publish, save


def test_manifests_come_back_as_they_were(store: Store) -> None:
    more = {"name": "é\ud800 \u2028", "list": [1, 2.5, None, True], "nested": {"b": 1, "a": 2}}
    store.publish({"id": "auto_1", "objects": {}, **more})
    assert store.manifest("auto_1") == {"id": "auto_1", "objects": {}, **more}
    assert Store(store.root).manifests() == [store.manifest("auto_1")]


def test_oldest_first_by_the_time_in_the_id(store: Store) -> None:
    ids = ["quick_20240101_000000_a", "auto_20240101_000001_b", "manual_20230101_000000_c"]
    for id in ids:
        publish(store, id)
    assert store.ids() == [ids[2], ids[0], ids[1]]
    assert [m["id"] for m in store.manifests()] == store.ids()


@pytest.mark.parametrize(
    "id",
    ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a.json", "a\n", "é", "a" * 201, "-x", "a b",
     "C:x", "a\0", None, 7],
)  # fmt: skip
def test_ids_are_file_names_and_nothing_else(store: Store, id: object) -> None:
    with pytest.raises(InvalidRequest):
        store.publish({"id": id, "objects": {}})
    if isinstance(id, str):
        for verb in (store.manifest, store.discard, lambda i: store.delete(i, by="test")):
            with pytest.raises(InvalidRequest):
                verb(id)
    assert store.ids() == []


def test_unknown_ids(store: Store) -> None:
    with pytest.raises(BackupNotFound):
        store.manifest("auto_1")
    with pytest.raises(BackupNotFound):
        store.delete("auto_1", by="test")
    store.discard("auto_1")


def test_objects_must_be_hashes_and_packs(store: Store) -> None:
    for objects in ({"x": []}, {"a" * 64: ["../../x"]}, {"a" * 64: "b"}, [], None):
        with pytest.raises(InvalidRequest):
            store.publish({"id": "auto_1", "objects": objects})
    assert store.ids() == []


def test_the_cache_sees_what_others_do(store: Store) -> None:
    other = Store(store.root)
    publish(store, "auto_1")
    assert [m["id"] for m in other.manifests()] == ["auto_1"]
    publish(store, "auto_2")
    store.delete("auto_1", by="test")
    assert [m["id"] for m in other.manifests()] == ["auto_2"]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_flipped_bit_in_a_manifest_never_changes_its_meaning(
    store: Store, data: st.DataObject
) -> None:
    path = store.root / "manifests" / "auto_1.json"
    if not path.exists():
        save(store, "auto_1", b"content")
    whole = path.read_bytes()
    right = manifests.unseal(whole, "it")
    changed = bytearray(whole)
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    changed[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(DamagedData):
        assert manifests.unseal(bytes(changed), "it") == right


def test_a_damaged_manifest_leaves_the_others_alone(store: Store) -> None:
    for i in range(4):
        save(store, f"auto_{i}", b"content %d" % i)
    folder = store.root / "manifests"
    (folder / "auto_0.json").write_bytes(b"")
    (folder / "auto_1.json").write_bytes((folder / "auto_2.json").read_bytes())
    (folder / "auto_3.json").write_bytes(b"[" * 100_000)
    (folder / "no id.json").write_bytes(b"{}")
    (folder / "README").write_bytes(b"hello")
    assert [m["id"] for m in Store(store.root).manifests()] == ["auto_2"]
    assert load(store, "auto_2") == [b"content 2"]
    for id in ("auto_0", "auto_1", "auto_3"):
        with pytest.raises(DamagedData):
            store.manifest(id)
        store.delete(id, by="test")
    assert "auto_0" not in store.ids()


def test_a_newer_manifest_is_refused_with_a_sentence(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "FORMAT", 2)
    publish(store, "auto_1")
    monkeypatch.undo()
    with pytest.raises(StoreTooNew, match=r"newer version.*pip install"):
        Store(store.root).manifest("auto_1")
    assert Store(store.root).manifests() == []


def test_deleting_leaves_a_record(store: Store) -> None:
    publish(store, "manual_1", backup={"name": "before merge", "kind": "manual"})
    publish(store, "auto_2", name="x", kind="auto")
    store.delete("manual_1", by="cleanup")
    store.delete("auto_2", by="user")
    first, second = Store(store.root).deletions()
    assert (first["id"], first["name"], first["kind"], first["by"]) == (
        "manual_1", "before merge", "manual", "cleanup"
    )  # fmt: skip
    assert "T" in first["when"]
    assert second["id"] == "auto_2"
    assert store.ids() == []


def test_a_record_without_the_deed_says_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, "auto_1")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store.fs, "move", crash)
    with pytest.raises(KeyboardInterrupt):
        store.delete("auto_1", by="test")
    assert store.deletions() == []
    monkeypatch.undo()
    store.delete("auto_1", by="test")
    assert len(store.deletions()) == 1


def test_discarding_leaves_nothing(store: Store) -> None:
    publish(store, "autosave_1")
    store.discard("autosave_1")
    assert (store.ids(), store.deletions(), os.listdir(store.root / "trash")) == ([], [], [])


def test_a_newer_or_damaged_store_is_refused(root: Path) -> None:
    Store(root).open()
    (root / "format").write_text(json.dumps({"format": 2}))
    with pytest.raises(StoreTooNew, match="newer version"):
        Store(root).open()
    (root / "format").write_text("")
    with pytest.raises(DamagedData):
        Store(root).open()
