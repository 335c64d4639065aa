"""The list of all backups is what the folder says, whatever was remembered of it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager, listing
from dfbackup_jupyter.backup import Backup, FrameInfo, Kind
from dfbackup_jupyter.listing import Listing
from dfbackup_jupyter.store import Store
from dfbackup_jupyter.ui.text import text
from tests.store.kit import put

NOON = dt.datetime(2024, 1, 17, 12, tzinfo=dt.UTC)
MANY = 120  # more than what is worth remembering


def backup(number: int, data: str, *, hour: int = 0) -> Backup:
    created = NOON + dt.timedelta(hours=hour)
    return Backup(
        id=f"auto_{number}",
        name=f"name {number % 3}",
        description="",
        kind=Kind.AUTO,
        created=created,
        session=f"session {number % 2}",
        notebook="n.ipynb",
        frames=(FrameInfo("df", "pandas.DataFrame", 1, 1, 8, (), data),),
        bytes_raw=8,
        bytes_stored=8,
        committed=True,
    )


def publish(store: Store, number: int, *, hour: int = 0) -> None:
    ref = put(store, {}, [b"the frame"])
    made = backup(number, ref.hash, hour=hour)
    objects = {ref.hash: sorted(ref.packs)}
    store.publish({"id": made.id, "objects": objects, "backup": made.to_dict()})


def truth(store: Store) -> list[tuple[str, str, tuple[str, ...]]]:
    """What all manifests say, read one by one without us."""
    found = [Backup.from_dict(store.manifest(id)["backup"]) for id in store.ids()]
    found.sort(key=lambda one: (one.created, one.id), reverse=True)
    return [(one.id, one.name, tuple(frame.name for frame in one.frames)) for one in found]


def told(listing: Listing) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.id, one.name, one.names) for one in listing.look()]


@pytest.fixture
def store(store_path: Path) -> Store:
    return Store(store_path).open()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that was seen is remembered, also what changed just now."""
    monkeypatch.setattr(listing, "_WORTHWHILE", 0)
    monkeypatch.setattr(listing, "_COARSE", -(10**12))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["publish", "amend", "delete", "restart"]),
            st.integers(0, 5),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=25,
    )
)
def test_it_is_what_the_folder_says(
    eager: None, tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    root = tmp_path_factory.mktemp("listing") / "store"
    stores = [Store(root).open(), Store(root).open()]
    listings = [Listing(store) for store in stores]
    for what, number, hour, second in steps:
        store, id = stores[second], f"auto_{number}"
        exists = id in store.ids()
        if what == "publish" and not exists:
            publish(store, number, hour=hour)
        elif what == "amend" and exists:
            found = store.manifest(id)
            changed = replace(Backup.from_dict(found["backup"]), name=f"changed {hour}")
            store.amend({**found, "backup": changed.to_dict()})
        elif what == "delete" and exists:
            store.delete(id, by="test")
        elif what == "restart":
            listings[second] = Listing(Store(root).open())
        assert told(listings[second]) == truth(store)
    for one in listings:
        assert told(one) == truth(stores[0])


def test_another_kernel_need_not_read_them_again(
    eager: None, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        publish(store, number)
    expected = told(Listing(store))
    publish(store, 5, hour=1)
    read: list[str] = []
    manifest = Store.manifest
    monkeypatch.setattr(Store, "manifest", lambda self, id: read.append(id) or manifest(self, id))
    assert told(Listing(Store(store.root).open()))[1:] == expected
    assert read == ["auto_5"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:-9]),
        lambda file: file.write_bytes(file.read_bytes().replace(b"name 1", b"name 9")),
        lambda file: file.write_bytes(b"[" * 100_000),
        lambda file: (file.unlink(), file.mkdir()),
        lambda file: (file.unlink(), os.symlink("format", file)),
    ],
    ids="missing empty cut changed deep folder link".split(),
)
def test_what_was_remembered_may_be_damaged(
    eager: None, store: Store, damage: Callable[[Path], object]
) -> None:
    for number in range(5):
        publish(store, number)
    assert told(Listing(store)) == truth(store)
    [file] = store.root.glob(".listing")
    damage(file)
    again = Store(store.root).open()
    assert told(Listing(again)) == truth(again)
    assert again.verify() == []


def test_what_changed_just_now_is_read_again(store: Store) -> None:
    """Some file systems tell time in steps of two seconds."""
    for number in range(MANY):
        publish(store, number)
    Listing(store).look()
    assert list(Listing(store)._remembered()) == []
    for id in store.ids()[:-1]:
        os.utime(store.root / "manifests" / f"{id}.json", (1e9, 1e9))
    Listing(store).look()
    assert len(list(Listing(store)._remembered())) == MANY - 1


def test_a_remembered_backup_that_is_damaged_since_is_told(eager: None, store: Store) -> None:
    for number in range(3):
        publish(store, number)
    known = Listing(store).look()
    file = store.root / "manifests" / "auto_1.json"
    status = file.stat()
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    with file.open("r+b") as opened:  # the same inode, size and time: a bit that rotted
        opened.write(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    again = Listing(Store(store.root).open())
    assert again.look() == known
    assert [one.id for one in again.read(known)] == ["auto_2", "auto_0"]
    assert store.verify()


def test_the_newest_are_shown_and_how_to_see_more(
    shell: InteractiveShell, manager: BackupManager
) -> None:
    def run(source: str) -> Any:
        return shell.run_cell(source).result

    run("import pandas as pd; df = pd.DataFrame({'x': [1]})")
    for number in range(52):
        manager.create(f"n{number}")
    shown = text(run("%backup list"))
    assert "The newest 50 backups" in shown and "-n N shows more" in shown
    assert "n51" in shown and "  n1 " not in shown
    assert len(run("%backup list --json")) >= 52
