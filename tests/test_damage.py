"""A store whose bytes went bad: what is made afterwards is sound, and what can be mended is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.errors import BackupError, InvalidRequest
from dfbackup_jupyter.ui.text import text
from tests.waiting import settled

Run = Callable[[str], None]

LOAD = """
import numpy as np, pandas as pd
df = pd.DataFrame(np.random.default_rng(0).random((20_000, 4)), columns=list("abcd"))
other = pd.DataFrame({"x": range(10)})
"""


def frame(seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).random((20_000, 4)), columns=list("abcd"))


@pytest.fixture
def backed_up(run: Run, manager: BackupManager) -> BackupManager:
    """Somebody with a backup `one` of two frames."""
    run(LOAD)
    manager.create("one", data_only=True)
    settled(manager)
    return manager


def spoil(store: Path) -> None:
    """Flip a byte in the middle of the largest pack: in the values of a column of `df`."""
    pack = max((store / "packs").iterdir(), key=lambda file: file.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)


def reread(backup: str) -> dict[str, pd.DataFrame]:
    """What another session reads of a backup."""
    space: dict[str, Any] = {}
    reader = BackupManager(namespace=space, hidden=tuple, transform=str, config=DFBackup())
    try:
        reader.restore(backup)
        return space
    finally:
        reader.close()


def test_what_is_made_after_damage_is_sound(backed_up: BackupManager, store_path: Path) -> None:
    spoil(store_path)
    assert not backed_up.verify("one").ok
    two = backed_up.create("two", data_only=True)
    assert two.id != backed_up.get("one").id
    pd.testing.assert_frame_equal(reread("two")["df"], frame())


def test_an_automatic_backup_is_not_an_earlier_damaged_one(
    backed_up: BackupManager, store_path: Path, run: Run
) -> None:
    spoil(store_path)
    backed_up.verify()
    run("df = df.drop(columns='a')")
    newest = backed_up.list(kind="auto")[0]
    pd.testing.assert_frame_equal(reread(newest.id)["df"], frame())


def test_verify_names_the_columns(backed_up: BackupManager, store_path: Path) -> None:
    spoil(store_path)
    [found] = backed_up.verify("one").damage
    assert found.frames == ("df",)
    assert len(found.columns) == 1
    assert found.columns[0] in frame().columns
    assert f"df: {found.columns[0]}" in text(backed_up.verify("one"))


def test_repair_writes_again_what_memory_still_has(
    backed_up: BackupManager, store_path: Path
) -> None:
    spoil(store_path)
    found = backed_up.repair()
    assert found.ok
    assert found.mended >= 1
    assert backed_up.verify().ok
    pd.testing.assert_frame_equal(reread("one")["df"], frame())
    assert len(list((store_path / "damaged").iterdir())) == 1


def test_repair_says_what_is_lost_and_keeps_the_rest(
    backed_up: BackupManager, store_path: Path, run: Run
) -> None:
    run("del df")
    backed_up.delete([b.id for b in backed_up.list() if b.name != "one"])
    settled(backed_up)
    backed_up._timeline.trim(0)
    spoil(store_path)
    found = backed_up.repair()
    assert [(d.backup, d.frames) for d in found.damage] == [(backed_up.get("one").id, ("df",))]
    restored = reread("one")
    assert restored["other"]["x"].tolist() == list(range(10))
    left = [name for name in "abcd" if name in restored["df"]]
    assert len(left) == 3
    pd.testing.assert_frame_equal(restored["df"], frame()[left])


def test_everything_names_the_column_that_is_lost(store_path: Path, run: Run) -> None:
    run(LOAD)
    BackupManager.current().create("one", data_only=True)
    settled(BackupManager.current())
    run("del df")  # from memory, it would be written again
    spoil(store_path)
    shell = get_ipython()
    shell.extension_manager.unload_extension("dfbackup_jupyter")
    shell.extension_manager.load_extension("dfbackup_jupyter")
    manager = BackupManager.current()

    details = manager.show("one")
    (lost,) = re.findall("The column (.) cannot be read", details.unreadable["df"])
    assert "other" not in details.unreadable
    assert f"The column {lost} cannot be read" in text(details)
    assert f"The column {lost} cannot be read" in text(manager.diff("one"))

    restored = manager.restore("one")
    assert restored.partial == ("df",)
    assert "not all of     df" in text(restored)
    assert not text(restored).startswith("✓")


def test_repair_takes_an_unreadable_description_away(
    backed_up: BackupManager, store_path: Path
) -> None:
    two = backed_up.create("two")
    (store_path / "manifests" / f"{two.id}.json").write_text("{")
    assert not backed_up.verify().ok
    assert backed_up.repair().ok
    assert [b.name for b in backed_up.list(kind="manual")] == ["one"]


def test_a_sound_store_is_left_alone(backed_up: BackupManager, store_path: Path) -> None:
    before = sorted(path.name for path in store_path.rglob("*"))
    assert backed_up.repair().ok
    assert sorted(path.name for path in store_path.rglob("*")) == before


def test_the_magic_says_what_was_done(
    backed_up: BackupManager, store_path: Path, shell: InteractiveShell
) -> None:
    spoil(store_path)
    assert "--repair" in text(shell.run_line_magic("backup", "verify"))
    assert "mended" in text(shell.run_line_magic("backup", "verify --repair"))
    with pytest.raises(InvalidRequest):
        shell.run_line_magic("backup", "verify one --repair")


KINDS = ("flipped", "cut", "emptied", "zeroed", "deleted")


def damage(file: Path, kind: str) -> None:
    data = bytearray(file.read_bytes())
    file.chmod(0o600)
    if kind == "flipped":
        data[len(data) // 2] ^= 16
    elif kind == "cut":
        data = data[: len(data) // 2]
    elif kind == "emptied":
        data = bytearray()
    elif kind == "zeroed":
        data = bytearray(len(data))
    if kind == "deleted":
        file.unlink()
    else:
        file.write_bytes(data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("folder", ["manifests", "packs"])
def test_no_damaged_file_gives_a_wrong_value(
    backed_up: BackupManager, store_path: Path, run: Run, folder: str, kind: str
) -> None:
    run("df['a'] = 0.0")
    backed_up.create("two", data_only=True)
    settled(backed_up)
    whole = {file: file.read_bytes() for file in sorted((store_path / folder).iterdir())}
    true = {"one": frame(), "two": frame().assign(a=0.0)}
    for file, content in whole.items():
        damage(file, kind)
        for name, right in true.items():
            try:
                found = reread(name).get("df")
            except BackupError as error:
                assert re.search("lost|damage|no backup|cannot", str(error))
                continue
            if found is not None:
                # Where the names are lost, the numbers of the columns stand for them.
                names = [n if isinstance(n, str) else right.columns[n] for n in found.columns]
                pd.testing.assert_frame_equal(found.set_axis(names, axis=1), right[names])
        file.write_bytes(content)
    assert backed_up.verify().ok
