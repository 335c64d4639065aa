"""Descriptions of backups that are newer, damaged or forged: they cost only themselves."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbackup_jupyter import Backup, BackupManager
from dfbackup_jupyter.backup import (
    FrameInfo,
    Kind,
    Lost,
    OperationInfo,
    Provenance,
    StateInfo,
)
from dfbackup_jupyter.catalog import Catalog
from dfbackup_jupyter.drafts import Session
from dfbackup_jupyter.errors import ArchiveError, BackupNotFound, DamagedData
from dfbackup_jupyter.staging import read_backup
from dfbackup_jupyter.store import Store, Usage, Version
from dfbackup_jupyter.store.manifests import seal, unseal
from dfbackup_jupyter.ui.html import html
from dfbackup_jupyter.ui.text import text

Run = Callable[[str], None]
Place = tuple[str | int, ...]

ID = "auto_20240117_141200_abcd1234"
FULL = Backup(
    id=ID,
    name="B",
    description="as it came",
    kind=Kind.AUTO,
    created=dt.datetime(2024, 1, 17, 14, 12, tzinfo=dt.UTC),
    session="s",
    notebook="n.ipynb",
    frames=(
        FrameInfo("df", "pandas.DataFrame", 4, 2, 80, ("x",), "ab" * 32, ("o",), (Lost("c", "?"),)),
    ),
    provenance=Provenance("df.dropna()", 3, (OperationInfo("dropna", ("df",), 1),), "risky"),
    state=(StateInfo("variables", "cd" * 32, 10, ("n",), (Lost("m", "a module"),)),),
    unwatched=("huge",),
    bytes_raw=90,
    bytes_stored=60,
    committed=True,
)


def places(data: Any, place: Place = ()) -> Iterator[Place]:
    """Where the values of some JSON are, itself included."""
    yield place
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from places(value, (*place, key))


def changed(data: Any, place: Place, value: Any) -> Any:
    """A copy of some JSON with another value in one place."""
    if not place:
        return value
    data = copy.copy(data)
    data[place[0]] = changed(data[place[0]], place[1:], value)
    return data


PLACES = list(places(FULL.to_dict()))
RECORDS: list[Place] = [
    (), ("frames", 0), ("frames", 0, "lost", 0), ("state", 0), ("state", 0, "skipped", 0),
    ("provenance",), ("provenance", "operations", 0),
]  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**62, 2**63, -1, 10**400])
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(list(Kind))
    | st.datetimes(timezones=st.none() | st.timezones()).map(dt.datetime.isoformat)
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def manifest(id: str, backup: Any) -> dict[str, Any]:
    """A manifest that names all data of `FULL`."""
    named = [part.object for part in FULL.frames] + [part.object for part in FULL.state]
    return {"id": id, "objects": dict.fromkeys(named, ["p"]), "backup": backup}


class Manifests:
    """Stands for a store that holds some manifests."""

    root = Path("store")

    def __init__(self, *backups: Any) -> None:
        self.backups = {f"auto_{i}": backup for i, backup in enumerate(backups)}

    def versions(self) -> dict[str, Version]:
        return dict.fromkeys(self.backups, Version(0, 0, 0))

    def manifest(self, id: str) -> dict[str, Any]:
        return manifest(id, self.backups[id])

    def remembered(self) -> None:
        return None

    def usage(self, _: object) -> Usage:
        return Usage(0, 0, 0, 0)


def descend(data: Any, place: Place) -> Any:
    for step in place:
        data = data[step]
    return data


def rewrite(store: Store, id: str, place: Place, value: Any) -> None:
    """Change what a manifest of a store says, as if it had been written so."""
    file = store.root / "manifests" / f"{id}.json"
    file.write_bytes(seal(changed(unseal(file.read_bytes(), "it"), place, value)))


def forge(file: Path, place: Place, value: Any) -> None:
    """Change what an archive says of its backup, and seal it again."""
    with zipfile.ZipFile(file) as archive:
        parts = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(file, "w") as archive:
        for info, data in parts.items():
            if info.filename == "manifest.json":
                data = seal(changed(unseal(data, "it"), place, value))
            archive.writestr(info, data)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    store = Store(tmp_path / "other store")
    bare = replace(FULL, frames=(), state=())  # the store has no data for it
    for id in ("manual_1", "manual_2"):
        store.publish({"id": id, "objects": {}, "backup": replace(bare, id=id).to_dict()})
    return Catalog(store, Session("s", "n.ipynb"))


def test_what_is_written_is_read() -> None:
    assert Backup.from_dict(json.loads(json.dumps(FULL.to_dict()))) == FULL


@pytest.mark.parametrize("place", RECORDS, ids=str)
def test_what_a_later_version_adds_is_left_out(place: Place) -> None:
    data = FULL.to_dict()
    later = changed(data, place, descend(data, place) | {"added later": [1]})
    assert Backup.from_dict(later) == FULL


def test_what_an_earlier_version_did_not_write_has_its_default() -> None:
    data = FULL.to_dict()
    del data["state"], data["provenance"]["reason"], data["frames"][0]["lost"]
    found = Backup.from_dict(data)
    assert (found.state, found.provenance.reason, found.frames[0].lost) == ((), "", ())


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        (("frames", 0, "rows"), "many", "frames: rows: not a possible number"),
        (("frames", 0, "rows"), True, "frames: rows: not a possible number"),
        (("bytes_raw",), -1, "bytes_raw: not a possible number"),
        (("bytes_raw",), 2**63, "bytes_raw: not a possible number"),
        (("committed",), 1, "committed: bool expected, not int"),
        (("state", 0, "recorder"), ["x"], "state: recorder: str expected, not list"),
        (("state", 0, "skipped", 0), {"name": "m"}, "state: skipped: reason: missing"),
        (("kind",), "new", "kind: 'new' is not"),
        (("kind",), [], "kind: str expected, not list"),
        (("created",), "2024-01-17T14:12:00", "created: a time without its zone"),
        (("created",), "9999-12-31T23:59:59-14:00", "created: a time that no clock shows"),
        (("provenance", "cell"), 1, "provenance: cell: str expected, not int"),
        (("unwatched",), "huge", "unwatched: list expected, not str"),
        ((), None, "dict expected, not NoneType"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(place: Place, value: Any, why: str) -> None:
    with pytest.raises(DamagedData, match=why) as caught:
        Backup.from_dict(changed(FULL.to_dict(), place, value))
    assert "pip install --upgrade" in caught.value.hint


@given(st.sampled_from(PLACES), VALUES)
def test_any_change_gives_a_backup_or_is_refused(place: Place, value: Any) -> None:
    data = changed(FULL.to_dict(), place, value)
    readable = [FULL]
    with contextlib.suppress(DamagedData):
        readable.append(read_backup(manifest("auto_1", data)))
    for backup in readable:
        assert Backup.from_dict(json.loads(json.dumps(backup.to_dict()))) == backup
        assert text(backup)
        assert html(backup)
    catalog = Catalog(Manifests(FULL.to_dict(), data), Session("s", "n"))  # type: ignore[arg-type]
    assert Counter(catalog.backups()) == Counter(readable)
    assert text(catalog.stats())


class TestListing:
    def test_one_unreadable_backup_leaves_the_others_alone(
        self, catalog: Catalog, caplog: pytest.LogCaptureFixture
    ) -> None:
        rewrite(catalog._store, "manual_1", ("backup", "kind"), "of a later version")
        for _ in range(3):
            assert [backup.id for backup in catalog.backups()] == ["manual_2"]
        assert catalog.find("B").id == "manual_2"
        assert catalog.stats().backups == {"auto": 1}
        (said,) = caplog.messages
        assert said.startswith("The backup manual_1 is left out.")

    def test_asking_for_it_says_why(self, catalog: Catalog) -> None:
        rewrite(catalog._store, "manual_1", ("backup",), None)
        with pytest.raises(DamagedData, match="cannot be understood"):
            catalog.find("manual_1")
        with pytest.raises(BackupNotFound):
            catalog.find("nope")

    def test_a_mended_one_is_back(self, catalog: Catalog) -> None:
        rewrite(catalog._store, "manual_1", ("backup", "committed"), None)
        assert len(catalog.backups()) == 1
        rewrite(catalog._store, "manual_1", ("backup", "committed"), True)
        assert len(catalog.backups()) == 2


def test_verify_names_it_and_delete_all_removes_it(run: Run, manager: BackupManager) -> None:
    run("import pandas as pd; df = pd.DataFrame({'a': [1]})")
    backup = manager.create("A")
    rewrite(manager._store, backup.id, ("backup", "kind"), "of a later version")
    assert backup.id in [damage.backup for damage in manager.verify().damage]
    manager.delete_all()
    assert backup.id not in manager._store.ids()


class TestImport:
    @pytest.fixture
    def file(self, run: Run, manager: BackupManager, tmp_path: Path) -> Path:
        run("import pandas as pd; df = pd.DataFrame({'a': range(4)}); n = 5")
        manager.create("x")
        return manager.export("x", tmp_path / "x.zip")

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (("backup", "bytes_raw"), "many"),
            (("backup", "state", 0, "recorder"), ["x"]),
            (("backup", "description"), {}),
            (("backup", "frames", 0, "object"), "ab" * 32),
            (("backup", "frames", 0, "name"), "import os"),
            (("backup", "name"), "x" * 1_000),
            (("backup",), []),
        ],
    )
    def test_a_forged_description_is_refused(
        self, manager: BackupManager, file: Path, place: Place, value: Any
    ) -> None:
        forge(file, place, value)
        with pytest.raises(ArchiveError, match="does not describe a backup"):
            manager.import_(file)
        assert manager.stats().backups.keys() <= {"manual", "autosave"}

    def test_what_a_later_version_adds_is_left_out(
        self, manager: BackupManager, file: Path
    ) -> None:
        forge(file, ("backup", "provenance"), {"reason": "", "added later": 1})
        found = manager.import_(file)
        assert manager.get(found.id) == found
        assert manager.verify().ok
        manager.restore(found.id)
