from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dfbackup_jupyter.errors import BackupNotFound, DamagedData
from dfbackup_jupyter.store import Damage, Store

from .kit import Bytes, load, publish, random_bytes, save

CONTENT = {
    "auto_1": [random_bytes(3000, 1), b"lorem ipsum " * 400],
    "auto_2": [random_bytes(3000, 1), bytes(5000)],
    "auto_3": [np.arange(1000).tobytes()],
}


@pytest.fixture
def store(root: Path) -> Store:
    store = Store(root, chunk_bytes=1024)
    for id, blobs in CONTENT.items():
        save(store, id, *blobs)
    return store


def check(root: Path) -> tuple[list[Damage], int]:
    """Verify, and compare with what reading gives: wrong data never, known damage always."""
    store = Store(root)
    found = store.verify()
    lost = 0
    for id, blobs in CONTENT.items():
        mine = [damage for damage in found if damage.id == id]
        try:
            [(hash, packs)] = store.manifest(id)["objects"].items()
            stored = store.read(hash, packs)
        except (DamagedData, BackupNotFound):
            lost += 1
            assert any(damage.blob is None for damage in mine) or id not in store.ids()
            continue
        for i, blob in enumerate(blobs):
            try:
                assert bytes(stored.read(i)) == blob
            except DamagedData as damage:
                lost += 1
                assert f"blob {i}" in damage.message
                assert (hash, i) in {(d.object, d.blob) for d in mine}
            else:
                assert i not in {d.blob for d in mine}
    return found, lost


def test_a_sound_store_has_no_damage(store: Store) -> None:
    assert check(store.root) == ([], 0)


def test_every_flipped_bit_is_found_and_never_read(store: Store) -> None:
    rng = np.random.default_rng(5)
    for path in sorted((store.root / "packs").iterdir()):
        whole = path.read_bytes()
        for bit in rng.integers(0, len(whole) * 8, 40):
            data = bytearray(whole)
            data[bit // 8] ^= 1 << int(bit % 8)
            path.write_bytes(data)
            found, _ = check(store.root)
            assert found, (path.name, bit)
            assert all(damage.id for damage in found)
        path.write_bytes(whole)
    assert check(store.root) == ([], 0)


@pytest.mark.parametrize("how", ["delete", "empty", "zero", "cut", "half", "one more byte"])
@pytest.mark.parametrize("folder", ["packs", "manifests"])
def test_every_damaged_file_is_found(store: Store, folder: str, how: str) -> None:
    if (folder, how) == ("manifests", "delete"):
        return  # nothing is left that could miss it
    for path in sorted((store.root / folder).iterdir()):
        whole = path.read_bytes()
        if how == "delete":
            path.unlink()
        else:
            path.write_bytes(
                {
                    "empty": b"",
                    "zero": bytes(len(whole)),
                    "cut": whole[:-1],
                    "half": whole[: len(whole) // 2],
                    "one more byte": whole + b"x",
                }[how]
            )
        found, lost = check(store.root)
        assert found
        assert all(damage.id and damage.what for damage in found)
        assert lost or how in ("cut", "one more byte", "half")
        path.write_bytes(whole)


def test_only_the_blobs_concerned_are_lost(root: Path) -> None:
    store = Store(root, chunk_bytes=1024)
    with store.write() as writer:
        ref = writer.put(None, [Bytes(random_bytes(3000, i)) for i in range(5)])
    publish(store, "auto_1", ref)
    [path] = (root / "packs").iterdir()
    data = path.read_bytes()
    at = data.index(random_bytes(3000, 3)[1100:1200])
    path.write_bytes(data[:at] + b"\0" + data[at + 1 :])
    stored = Store(root).read(ref.hash, ref.packs)
    for i in (0, 1, 2, 4):
        assert bytes(stored.read(i)) == random_bytes(3000, i)
    with pytest.raises(DamagedData, match="blob 3"):
        stored.read(3)
    assert [(d.id, d.object, d.blob) for d in Store(root).verify()] == [("auto_1", ref.hash, 3)]


def test_some_backups_only(store: Store) -> None:
    [path] = Store(store.root).manifest("auto_3")["objects"].values()
    (store.root / "packs" / f"{path[0]}.pack").unlink()
    assert store.verify(["auto_1", "auto_2"]) == []
    assert {damage.id for damage in store.verify(["auto_3"])} == {"auto_3"}
    assert "no backup" in store.verify(["auto_9"])[0].what


def test_damage_to_what_nobody_needs_is_told_apart(store: Store) -> None:
    with store.write() as writer:
        ref = writer.put("unused", [Bytes(random_bytes(3000, 9))])
    [name] = ref.packs
    path = store.root / "packs" / f"{name}.pack"
    data = bytearray(path.read_bytes())
    data[1500] ^= 1
    path.write_bytes(data)
    assert [damage.id for damage in store.verify()] == [None]


def test_ticks_and_cancelling(store: Store) -> None:
    ticks: list[int] = []
    store.verify(tick=ticks.append)
    assert sum(ticks) > 10_000

    def cancel(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.verify(tick=cancel)
    assert load(store, "auto_1") == CONTENT["auto_1"]


def test_what_was_replaced_meanwhile_is_not_damaged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = store.catalog.ids()
    monkeypatch.setattr(store.catalog, "ids", lambda: [*ids, "autosave_gone"])
    assert store.verify() == []
    assert [damage.id for damage in store.verify(["autosave_gone"])] == ["autosave_gone"]
