"""The facade's verbs, in a real IPython shell and a real store."""

from __future__ import annotations

import errno
import json
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import Backup, BackupManager, staging
from dfbackup_jupyter.errors import (
    AmbiguousBackup,
    ArchiveError,
    BackupError,
    BackupNotFound,
    InvalidRequest,
    NothingToDo,
    RestoreError,
    StoreUnavailable,
)
from dfbackup_jupyter.row_deltas import digest
from dfbackup_jupyter.store import Blob, StoredObject
from dfbackup_jupyter.store.filesystem import Filesystem
from tests.waiting import settled

Run = Callable[[str], None]


@pytest.fixture
def frames(run: Run, manager: BackupManager) -> None:
    run("import pandas as pd, numpy as np")
    run("df = pd.DataFrame({'a': range(4), 'b': list('wxyz')}); other = df.copy(); n = 5")


def frame(shell: InteractiveShell, name: str = "df") -> pd.DataFrame:
    found: pd.DataFrame = shell.user_ns[name]
    return found


@pytest.mark.usefixtures("frames")
class TestCreate:
    def test_says_what_it_holds(self, manager: BackupManager) -> None:
        backup = manager.create("before cleaning", "as it came")
        assert backup.id.startswith("manual_")
        assert backup.id.endswith("_before_cleaning")
        assert backup.committed
        assert backup.description == "as it came"
        assert [(f.name, f.rows, f.columns) for f in backup.frames] == [
            ("df", 4, 2),
            ("other", 4, 2),
        ]
        assert manager.get(backup.id) == backup

    def test_json_is_plain_and_complete(self, manager: BackupManager) -> None:
        data = json.loads(json.dumps(manager.create("x").to_dict()))
        assert Backup.from_dict(data) == manager.get("x")
        assert {
            "id", "name", "description", "kind", "created", "session", "notebook", "frames",
            "provenance", "bytes_raw", "bytes_stored", "committed", "trusted",
        } <= set(data)  # fmt: skip
        assert {"name", "type", "rows", "columns", "bytes", "aliases"} <= set(data["frames"][0])
        assert {"cell", "execution_count", "operations", "reason"} == set(data["provenance"])

    def test_only(self, manager: BackupManager) -> None:
        assert [f.name for f in manager.create("x", only=["other"]).frames] == ["other"]
        with pytest.raises(InvalidRequest, match="no frame 'nope'.*df, other"):
            manager.create("y", only=["nope"])

    def test_only_what_is_new_counts_as_new(self, run: Run, manager: BackupManager) -> None:
        run("import numpy; df = pd.DataFrame(numpy.random.default_rng(0).random((20_000, 4)))")
        first, second = manager.create("x"), manager.create("y")
        run("df[0] = numpy.random.default_rng(1).random(20_000)")
        third = manager.create("z")
        assert first.bytes_new > 500_000
        assert second.bytes_new < 2_000  # what the log and the description say
        assert 100_000 < third.bytes_new < 300_000

    def test_one_name_twice_gives_two_backups(self, manager: BackupManager) -> None:
        one, two = manager.create("x"), manager.create("x")
        assert one.id != two.id
        with pytest.raises(AmbiguousBackup) as caught:
            manager.get("x")
        assert one.id in str(caught.value)
        assert two.id in str(caught.value)
        assert caught.value.hint.endswith(f"The newest is {two.id}.")

    @pytest.mark.parametrize("name", ["a/b\\c", "naïve 🐼", "two\nlines", "x" * 200, "..", "-x"])
    def test_strange_names(self, manager: BackupManager, name: str) -> None:
        backup = manager.create(name)
        assert manager.get(" ".join(name.split())).id == backup.id
        assert backup.id.isascii()
        assert "/" not in backup.id

    @pytest.mark.parametrize("name", ["", "  ", "x" * 300, "last", "auto_20240117_141200_abcd1234"])
    def test_names_that_cannot_be(self, manager: BackupManager, name: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            manager.create(name)
        assert caught.value.hint

    def test_unchanged_data_is_not_stored_twice(self, manager: BackupManager, run: Run) -> None:
        run("big = pd.DataFrame(np.random.default_rng(0).random((100_000, 5)))")
        manager.create("one")
        before = manager.stats().bytes_on_disk
        manager.create("two")
        run("big['new'] = 1.0")
        manager.create("three")
        assert manager.stats().bytes_on_disk - before < 200_000

    def test_aliases_are_one_frame(self, manager: BackupManager, run: Run) -> None:
        run("same = df")
        assert manager.create("x").frames[0].aliases == ("same",)

    def test_what_cannot_be_pickled_is_named(self, manager: BackupManager, run: Run) -> None:
        run("import threading; df['lock'] = [threading.Lock() for _ in range(4)]; f = df")
        backup = manager.create("x")
        assert [lost.name for lost in backup.frames[0].lost] == ["lock"]
        run("del df, f")
        manager.restore("x")


class TestNothing:
    def test_to_back_up(self, manager: BackupManager) -> None:
        with pytest.raises(NothingToDo):
            manager.quick()

    def test_to_undo(self, manager: BackupManager) -> None:
        with pytest.raises(NothingToDo):
            manager.undo()
        with pytest.raises(NothingToDo):
            manager.redo()

    def test_to_find(self, manager: BackupManager) -> None:
        for reference in ("last", "", "nope", "auto_"):
            with pytest.raises(BackupNotFound) as caught:
                manager.get(reference)
            assert caught.value.hint


@pytest.mark.usefixtures("frames")
class TestFind:
    def test_by_prefix_name_and_last(self, manager: BackupManager) -> None:
        backup = manager.create("mine")
        for reference in (backup.id, backup.id[:-2], "mine", "last"):
            assert manager.get(reference).id == backup.id

    def test_list_filters(self, manager: BackupManager, run: Run) -> None:
        manager.create("one", only=["other"])
        run("df = df.drop(columns='b')")
        manager.quick()
        assert [b.kind for b in manager.list()] == ["quick", "auto", "manual"]
        assert [b.kind for b in manager.list(kind="auto")] == ["auto"]
        assert len(manager.list(frame="df")) == 2
        assert len(manager.list(limit=1)) == 1
        with pytest.raises(InvalidRequest, match="no kind"):
            manager.list(kind="nope")


@pytest.mark.usefixtures("frames")
class TestRead:
    def test_changes_nothing(
        self, manager: BackupManager, run: Run, shell: InteractiveShell
    ) -> None:
        expected = frame(shell).copy()
        manager.create("x")
        run("df = df.head(1); df['a'] = 9; s = df['a']")
        kept = frame(shell)
        pd.testing.assert_frame_equal(manager.read("x", "df"), expected)
        assert frame(shell) is kept
        manager.create("y")
        pd.testing.assert_series_equal(manager.read("y", "s", columns=["a"]), kept["a"])

    def test_one_column_without_the_others(
        self, manager: BackupManager, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("big = pd.DataFrame(np.random.default_rng(0).random((50_000, 8))).add_prefix('x')")
        run("picked = big.sort_values('x1')")  # its data is stored as rows of the other
        manager.create("x")
        expected = {name: manager.read("x", name)[["x3"]] for name in ("big", "picked")}
        bytes_read = 0
        real = StoredObject.read

        def counted(self: StoredObject, i: int, *args: Any, **more: Any) -> memoryview:
            nonlocal bytes_read
            data = real(self, i, *args, **more)
            bytes_read += data.nbytes
            return data

        monkeypatch.setattr(StoredObject, "read", counted)
        for name, column in expected.items():
            found = manager.read("x", name, columns=["x3"])
            pd.testing.assert_frame_equal(found, column)
        assert 0 < bytes_read < 2 * 400_000 + 3 * 400_000  # indexers and labels of rows

    def test_says_what_there_is(self, manager: BackupManager) -> None:
        manager.create("x")
        with pytest.raises(InvalidRequest, match="no frame 'none'") as caught:
            manager.read("x", "none")
        assert "df" in caught.value.hint
        with pytest.raises(InvalidRequest, match="no column 'none'"):
            manager.read("x", "df", columns=["a", "none"])


@pytest.mark.usefixtures("frames")
class TestRestore:
    def test_brings_back_what_differs_alone(
        self, manager: BackupManager, run: Run, shell: InteractiveShell
    ) -> None:
        manager.create("x")
        other = frame(shell, "other")
        run("df = df.head(1)")
        done = manager.restore("x")
        assert done.restored == ("df",)
        assert done.untouched == ("other",)
        assert frame(shell, "other") is other
        assert len(frame(shell)) == 4
        assert done.safety is not None
        assert manager.get(done.safety).kind == "safety"

    def test_from_disk_alone(
        self, manager: BackupManager, run: Run, shell: InteractiveShell
    ) -> None:
        expected = frame(shell).copy()
        manager.create("x")
        shell.extension_manager.unload_extension("dfbackup_jupyter")
        run("del df, other")
        shell.extension_manager.load_extension("dfbackup_jupyter")
        BackupManager.current().restore("x")
        pd.testing.assert_frame_equal(frame(shell), expected)

    def test_variables_come_back_unless_data_only(
        self, manager: BackupManager, run: Run, shell: InteractiveShell
    ) -> None:
        manager.create("x")
        run("n = 6; df = None")
        manager.restore("x", data_only=True)
        assert shell.user_ns["n"] == 6
        assert "n" in manager.restore("x").state
        assert shell.user_ns["n"] == 5

    def test_only_as_exact_dry_run(
        self, manager: BackupManager, run: Run, shell: InteractiveShell
    ) -> None:
        manager.create("x")
        run("df = df.head(1); other = other.head(2); new = df.copy()")
        plan = manager.restore("x", exact=True, dry_run=True)
        assert set(plan.restored) == {"df", "other"}
        assert plan.removed == ("new",)
        assert len(frame(shell)) == 1
        manager.restore("x", only=["df"], as_name="old")
        assert (len(frame(shell)), len(frame(shell, "old"))) == (1, 4)
        manager.restore("x", only=["other"])
        assert (len(frame(shell)), len(frame(shell, "other"))) == (1, 4)
        manager.restore("x", exact=True)
        assert "new" not in shell.user_ns
        assert "old" not in shell.user_ns
        manager.undo()
        assert "new" in shell.user_ns
        assert "old" in shell.user_ns

    def test_requests_that_cannot_be(self, manager: BackupManager) -> None:
        manager.create("x")
        with pytest.raises(InvalidRequest, match="2 frames"):
            manager.restore("x", as_name="old")
        with pytest.raises(RestoreError, match="not a name"):
            manager.restore("x", only=["df"], as_name="no name")

    def test_a_name_that_means_something_else_is_said(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        manager.create("x")
        module = shell.user_ns["pd"]
        (warning,) = manager.restore("x", only=["df"], as_name="pd").warnings
        assert "the module pandas" in warning
        manager.undo()
        assert shell.user_ns["pd"] is module
        assert "Python's own" in manager.restore("x", only=["df"], as_name="print").warnings[0]
        manager.undo()
        run("print()")
        with pytest.raises(InvalidRequest, match="no frame 'nope'"):
            manager.restore("x", only=["nope"])

    def test_aliases_stay_one_object(
        self, manager: BackupManager, run: Run, shell: InteractiveShell
    ) -> None:
        run("same = df")
        manager.create("x")
        run("df = df.head(1); del same")
        manager.restore("x")
        assert frame(shell) is frame(shell, "same")

    def test_the_object_itself_comes_back_for_all_who_hold_it(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        run("def size(held=df): return held.shape")
        run("df.drop(columns='b', inplace=True)")
        manager.undo()
        run("found = size()")
        assert shell.user_ns["found"] == (4, 2)

    def test_a_class_that_is_gone(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        run("class Mine(pd.DataFrame):\n    @property\n    def _constructor(self): return Mine")
        run("special = Mine({'a': [1]})")
        manager.create("x")
        shell.extension_manager.unload_extension("dfbackup_jupyter")
        run("del Mine, special")
        shell.extension_manager.load_extension("dfbackup_jupyter")
        done = BackupManager.current().restore("x")
        assert type(frame(shell, "special")) is pd.DataFrame
        assert any("Mine" in warning for warning in done.warnings)

    def test_a_container_that_is_gone(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        run("dfs = {'a': df.copy(), 'b': [df.copy()]}")
        manager.create("x")
        shell.extension_manager.unload_extension("dfbackup_jupyter")
        run("del dfs")
        shell.extension_manager.load_extension("dfbackup_jupyter")
        BackupManager.current().restore("x")
        assert shell.user_ns["dfs"]["a"].shape == (4, 2)

    def test_damage_costs_only_what_it_hit(
        self, run: Run, shell: InteractiveShell, manager: BackupManager, store_path: Path
    ) -> None:
        run("df = pd.DataFrame({'a': np.frombuffer(np.random.default_rng(0).bytes(5000), 'u1')})")
        run("df['b'] = 1")
        marker = frame(shell)["a"].to_numpy()[1000:1020].tobytes()
        backup = manager.create("x")
        shell.extension_manager.unload_extension("dfbackup_jupyter")
        for pack in (store_path / "packs").rglob("*"):
            if pack.is_file():
                data = bytearray(pack.read_bytes())
                at = data.find(marker)
                if at >= 0:
                    data[at] ^= 1
                    pack.chmod(0o600)
                    pack.write_bytes(data)
        run("del df, other")
        shell.extension_manager.load_extension("dfbackup_jupyter")
        manager = BackupManager.current()
        found = manager.verify()
        assert not found.ok
        assert {d.backup for d in found.damage} >= {backup.id}
        done = manager.restore("x")
        assert any("column a" in warning for warning in done.warnings)
        assert list(frame(shell).columns) == ["b"]


@pytest.mark.usefixtures("frames")
class TestUndo:
    def test_any_number_of_cells_and_back(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        states = [frame(shell).copy()]
        for cell in (
            "df = df.drop(columns='b')",
            "df.loc[0, 'a'] = 99",
            "df['c'] = df.a * 2",
            "df = df.merge(df, how='cross')",
            "df.columns = list('pqrs')",
        ):
            run(cell)
            states.append(frame(shell).copy())
        for expected in reversed(states[:-1]):
            manager.undo()
            pd.testing.assert_frame_equal(frame(shell), expected)
        with pytest.raises(NothingToDo):
            manager.undo()
        for expected in states[1:]:
            manager.redo()
            pd.testing.assert_frame_equal(frame(shell), expected)
        with pytest.raises(NothingToDo):
            manager.redo()

    def test_says_what_it_did(self, run: Run, manager: BackupManager) -> None:
        run("df = df.drop(columns='b')")
        action = manager.undo().action
        assert "df = df.drop(columns='b')" in action
        assert "4 × 1 → 4 × 2" in action

    def test_within_a_cell(self, run: Run, shell: InteractiveShell, manager: BackupManager) -> None:
        shell.user_ns["manager"] = manager
        run("df.pop('a'); manager.undo()")
        assert list(frame(shell).columns) == ["a", "b"]
        run("df.pop('b')")
        run("manager.undo(); df.pop('a')")
        assert list(frame(shell).columns) == ["b"]
        manager.undo()
        assert list(frame(shell).columns) == ["a", "b"]

    def test_a_new_cell_ends_what_could_be_redone_but_loses_nothing(
        self, run: Run, manager: BackupManager
    ) -> None:
        run("df = df.drop(columns='b')")
        manager.undo()
        run("df = df.head(2)")
        with pytest.raises(NothingToDo):
            manager.redo()
        manager.get("last")
        shapes = {(b.frame("df").rows, b.frame("df").columns) for b in manager.list()}  # type: ignore[union-attr]
        assert (4, 1) in shapes

    def test_memory_that_states_share_is_read_once(
        self,
        run: Run,
        shell: InteractiveShell,
        manager: BackupManager,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        run("df = pd.DataFrame({'x': range(9), 'y': 1.0, 'z': 2.0}); same = df.copy(deep=False)")
        run("df = df.drop(columns='z')")
        settled(manager)
        here = threading.get_ident()
        looks: Counter[Hashable] = Counter()

        def counted(blob: Blob) -> int:
            if threading.get_ident() == here:  # the writer looks as well
                looks[blob.key] += 1
            return digest(blob)

        monkeypatch.setattr(staging, "digest", counted)
        for back in (manager.undo, manager.redo, lambda: manager.restore(manager.list()[-1].id)):
            looks.clear()
            back()
            assert len(looks) >= 3
            assert set(looks.values()) == {1}

    def test_from_disk_when_memory_is_short(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        manager.configure("memory_limit", "0")
        expected = frame(shell).copy()
        for n in range(3):
            run(f"df = df.assign(x{n}={n})")
        for _ in range(3):
            manager.undo()
        pd.testing.assert_frame_equal(frame(shell), expected)

    def test_when_its_backup_was_deleted_it_says_so_and_changes_nothing(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        manager.configure("memory_limit", "0")
        for n in range(3):
            run(f"df = df.assign(x{n}={n})")
        settled(manager)
        manager.delete([one for one in manager.list() if one.frame("df")])
        now = frame(shell)
        with pytest.raises(BackupNotFound, match="its backup was deleted") as caught:
            for _ in range(3):
                manager.undo()
                now = frame(shell)
        assert "%backup restore ID" in str(caught.value)
        assert frame(shell) is now

    def test_steps_are_undone_together_when_the_backup_between_them_was_deleted(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        manager.configure("memory_limit", "0")
        first = frame(shell).copy()
        run("df = df.assign(x=1)")
        run("df = df.assign(y=2); born = df.copy(); other = df.copy()")
        run("df = df.assign(z=3); born = born.drop(columns='x')")
        run("df = df.assign(last=4)")
        last = frame(shell).copy()
        settled(manager)
        middle = [one for one in manager.list() if "z=3" in (one.provenance.cell or "")]
        manager.delete(middle)
        manager.undo()
        assert "last" not in frame(shell)
        both = manager.undo()
        assert "y=2" in both.action and "z=3" in both.action
        assert both.warnings == ("born stays as it is: the backup that held it was deleted.",)
        assert list(frame(shell)) == [*first, "x"]
        born = shell.user_ns["born"]
        assert list(born) == [*first, "y"], "nobody knows what it was before the second cell"
        manager.undo()
        pd.testing.assert_frame_equal(frame(shell), first)
        for _ in range(3):
            manager.redo()
        pd.testing.assert_frame_equal(frame(shell), last)

    def test_a_step_is_undone_alone_when_those_before_it_changed_other_frames(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        manager.configure("memory_limit", "0")
        first = frame(shell).copy()
        run("other = other.assign(y=2)")
        run("df = df.drop(columns='a')")
        settled(manager)
        run("pass")
        manager.delete([one for one in manager.list() if "drop" in (one.provenance.cell or "")])
        undone = manager.undo()
        assert "drop" in undone.action and "y=2" not in undone.action
        assert not undone.warnings
        pd.testing.assert_frame_equal(frame(shell), first)
        assert "y" in frame(shell, "other")
        manager.undo()
        pd.testing.assert_frame_equal(frame(shell, "other"), first)
        for _ in range(2):
            manager.redo()
        assert list(frame(shell)) == ["b"]
        assert "y" in frame(shell, "other")

    def test_steps_before_the_first_that_changed_the_frame_are_not_undone_with_it(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        manager.configure("memory_limit", "0")
        first = frame(shell).copy()
        run("other = other.assign(y=2)")
        run("df = df.assign(x=1)")
        run("df = df.assign(z=1)")
        settled(manager)
        run("pass")
        sources = {one.id: one.provenance.cell or "" for one in manager.list()}
        manager.delete([id for id, cell in sources.items() if "x=1" in cell or "z=1" in cell])
        undone = manager.undo()
        assert "x=1" in undone.action and "z=1" in undone.action
        pd.testing.assert_frame_equal(frame(shell), first)
        assert "y" in frame(shell, "other")

    @pytest.mark.parametrize("change", ["b = {'my': 'result'}", "b = b.assign(z=1)"])
    def test_what_another_name_of_the_frame_was_given_since_is_left_alone(
        self, run: Run, shell: InteractiveShell, manager: BackupManager, change: str
    ) -> None:
        manager.configure("memory_limit", "0")
        run("a = df.copy(); b = a")
        run(change)
        run("a = a.drop(columns='a')")
        mine = shell.user_ns["b"]
        settled(manager)
        run("pass")
        manager.delete([one for one in manager.list() if "drop" in (one.provenance.cell or "")])
        undone = manager.undo()
        assert undone.restored == ("a",)
        assert list(frame(shell, "a")) == ["a", "b"]
        assert shell.user_ns["b"] is mine
        manager.redo()
        assert list(frame(shell, "a")) == ["b"]
        assert shell.user_ns["b"] is mine

    def test_another_name_that_still_has_the_frame_shares_it_again(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        manager.configure("memory_limit", "0")
        run("a = df.copy(); b = a")
        run("other = other.assign(z=1)")
        run("a = a.drop(columns='a')")
        settled(manager)
        run("pass")
        manager.delete([one for one in manager.list() if "drop" in (one.provenance.cell or "")])
        manager.undo()
        assert shell.user_ns["a"] is shell.user_ns["b"]

    def test_a_step_of_which_nothing_is_left_is_passed_over(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        manager.configure("memory_limit", "0")
        first = frame(shell).copy()
        run("df = df.assign(x=1)")
        run("born = df.copy()")
        run("born = born.drop(columns='a')")
        settled(manager)
        run("pass")
        manager.delete([one for one in manager.list() if "drop" in (one.provenance.cell or "")])
        undone = manager.undo()
        assert undone.action.startswith("passed over cell")
        assert undone.warnings == ("born stays as it is: the backup that held it was deleted.",)
        assert list(frame(shell, "born")) == ["b", "x"]
        manager.undo()
        pd.testing.assert_frame_equal(frame(shell), first)

    def test_a_restore_is_undone_with_the_step_before_it(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        manager.configure("memory_limit", "0")
        run("threshold = 1; added = df.copy()")
        full = manager.create("full")
        run("del added; threshold = 2")
        first = frame(shell).copy()
        run("df = df.assign(x=1)")
        run("df = df.assign(y=2)")
        settled(manager)
        known = {one.id for one in manager.list(limit=None)}
        manager.restore("full")
        settled(manager)
        run("pass")  # now memory is made free
        assert shell.user_ns["threshold"] == 1
        between = [one for one in manager.list(limit=None) if one.id not in known]
        assert between
        manager.delete([one for one in between if one.id != full.id])
        undone = manager.undo()
        assert "restoring full" in undone.action
        assert list(frame(shell)) == [*first, "x"]
        assert shell.user_ns["threshold"] == 2
        assert "added" not in shell.user_ns
        assert not undone.warnings
        manager.redo()
        assert shell.user_ns["threshold"] == 1
        pd.testing.assert_frame_equal(shell.user_ns["added"], first)

    def test_an_undo_that_fails_leaves_the_steps_as_they_are(
        self, run: Run, shell: InteractiveShell, manager: BackupManager, store_path: Path
    ) -> None:
        manager.configure("memory_limit", "0")
        first = frame(shell).copy()
        for n in range(3):
            run(f"df = df.assign(x{n}={n})")
        settled(manager)
        run("pass")
        now = frame(shell)
        manifests = store_path / "manifests"
        manifests.rename(manifests.with_name("elsewhere"))
        for _ in range(2):
            with pytest.raises(BackupError):
                manager.undo()
        assert frame(shell) is now
        manifests.with_name("elsewhere").rename(manifests)
        for n in (2, 1, 0):
            assert f"x{n}={n}" in manager.undo().action
        pd.testing.assert_frame_equal(frame(shell), first)

    def test_reading_a_frame_is_no_step(
        self, run: Run, shell: InteractiveShell, manager: BackupManager
    ) -> None:
        run("df['x'] = 1; df['y'] = 2")
        run("df._consolidate_inplace()")
        run("df = df.copy()")
        assert "df['x'] = 1" in manager.undo().action


@pytest.mark.usefixtures("frames")
class TestFiles:
    def test_export_and_import(
        self, run: Run, shell: InteractiveShell, manager: BackupManager, tmp_path: Path
    ) -> None:
        manager.create("x", "about it")
        file = manager.export("x", tmp_path / "x.zip")
        found = manager.import_(file)
        assert found.id.startswith("import_")
        assert found.kind == "import"
        assert (found.name, found.description, found.trusted) == ("x", "about it", False)
        expected = frame(shell).copy()
        run("df = None; other = None")
        manager.restore(found.id, data_only=True)
        pd.testing.assert_frame_equal(frame(shell), expected)

    def test_an_import_unpickles_nothing_unless_trusted(
        self, run: Run, shell: InteractiveShell, manager: BackupManager, tmp_path: Path
    ) -> None:
        run(
            "class Bomb:\n"
            "    def __reduce__(self):\n"
            "        return exec, ('import builtins; builtins.bombed = True',)\n"
            "df['bomb'] = pd.Series([Bomb()] * 4, dtype=object); bomb = Bomb()"
        )
        manager.create("x")
        file = manager.export("x", tmp_path / "x.zip")
        found = manager.import_(file)
        run("import builtins; builtins.bombed = False; del df, bomb")
        done = manager.restore(found.id)
        run("fine = not builtins.bombed")
        assert shell.user_ns["fine"]
        assert list(frame(shell).columns) == ["a", "b"]
        assert any("--trust" in warning for warning in done.warnings)

    def test_parquet(self, shell: InteractiveShell, manager: BackupManager, tmp_path: Path) -> None:
        manager.create("x")
        file = manager.export("x", tmp_path / "x.zip", format="parquet")
        with zipfile.ZipFile(file) as archive:
            assert sorted(archive.namelist()) == ["backup.json", "df.parquet", "other.parquet"]
            archive.extract("df.parquet", tmp_path)
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "df.parquet"), frame(shell))
        with pytest.raises(ArchiveError, match="Parquet files for other software"):
            manager.import_(file)

    def test_what_parquet_cannot_hold(
        self, run: Run, manager: BackupManager, tmp_path: Path
    ) -> None:
        run("df.columns = ['a', 'a']")
        manager.create("x")
        with pytest.raises(InvalidRequest, match="df cannot be written as Parquet"):
            manager.export("x", tmp_path / "x.zip", format="parquet")
        assert list(tmp_path.glob("*.zip*")) == []

    def test_a_file_is_never_overwritten(self, manager: BackupManager, tmp_path: Path) -> None:
        manager.create("x")
        (tmp_path / "x.zip").write_text("mine")
        with pytest.raises(InvalidRequest, match="exists already"):
            manager.export("x", tmp_path / "x.zip")
        assert (tmp_path / "x.zip").read_text() == "mine"

    def test_files_that_are_no_backups(self, manager: BackupManager, tmp_path: Path) -> None:
        with pytest.raises(InvalidRequest, match="no file"):
            manager.import_(tmp_path / "nope.zip")
        (tmp_path / "x.zip").write_text("no zip")
        with pytest.raises(ArchiveError):
            manager.import_(tmp_path / "x.zip")


@pytest.mark.usefixtures("frames")
class TestDelete:
    def test_delete_and_its_log(self, manager: BackupManager) -> None:
        backup = manager.create("x")
        with pytest.raises(BackupNotFound):
            manager.delete(["x", "nope"])
        assert manager.get("x")
        assert [b.id for b in manager.delete(["x", backup.id])] == [backup.id]
        with pytest.raises(BackupNotFound):
            manager.get("x")
        assert manager.deletions()[0].id == backup.id

    def test_cleanup_and_delete_all(self, manager: BackupManager, run: Run) -> None:
        manager.create("x")
        run("df.pop('a')")
        manager.quick()
        assert len(manager.cleanup()) == 2  # the automatic one is the same as x
        assert manager.list() == []
        manager.undo()
        run("df.pop('b')")
        manager.delete_all()
        assert manager.list(all=True) == []
        run("df['c'] = 1; df.pop('c')")
        assert manager.problem is None

    def test_undo_outlives_deletion(
        self, manager: BackupManager, run: Run, shell: InteractiveShell
    ) -> None:
        run("df.pop('a')")
        manager.delete_all()
        manager.undo()
        assert list(frame(shell).columns) == ["a", "b"]


@pytest.mark.usefixtures("frames")
class TestTrouble:
    def test_a_full_disk_stops_nobody(
        self,
        manager: BackupManager,
        run: Run,
        shell: InteractiveShell,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        manager.create("safe")
        full = OSError(errno.ENOSPC, "No space left on device")

        def fail(*_: object, **__: object) -> None:
            raise full

        with monkeypatch.context() as patch:
            patch.setattr(Filesystem, "create", fail)
            patch.setattr(Filesystem, "temporary", fail, raising=False)
            patch.setattr("os.fsync", fail)
            run("df.pop('a')")
            with pytest.raises((StoreUnavailable, OSError)) as caught:
                manager.create("no room")
            assert isinstance(caught.value, BackupError)
            run("x = 1")
            manager.list()  # waits for what is being written
            run("x = 2")
            assert manager.status().problem
            assert capsys.readouterr().err.count("not being backed up") == 1
            manager.undo()
            assert list(frame(shell).columns) == ["a", "b"]
        assert manager.get("safe")
        run("df['z'] = 1")
        manager.create("room again")
        manager.list()
        assert manager.status().problem is None

    def test_an_error_of_ours_never_reaches_the_cell(
        self,
        shell: InteractiveShell,
        run: Run,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("ours")

        monkeypatch.setattr("dfbackup_jupyter.watcher.take", fail)
        run("y = 7")
        assert shell.user_ns["y"] == 7
        assert "ours" in capsys.readouterr().err


@pytest.mark.usefixtures("frames")
class TestSettings:
    def test_auto_off_and_on(self, manager: BackupManager, run: Run) -> None:
        manager.auto = False
        run("df.pop('a')")
        assert manager.list() == []
        manager.auto = True
        run("df['a'] = 1")
        assert len(manager.list(limit=5)) == 1

    def test_configure(self, manager: BackupManager) -> None:
        assert manager.configure("durability", "strict") == "strict"
        for key, value in (("durability", "no"), ("nope", "1"), ("memory_limit", "-1")):
            with pytest.raises(InvalidRequest) as caught:
                manager.configure(key, value)
            assert caught.value.hint

    def test_nobody_waits_for_a_writer_that_steps_aside(
        self,
        manager: BackupManager,
        run: Run,
        shell: InteractiveShell,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("dfbackup_jupyter.store.worker._SHORT_CELL", 60)
        monkeypatch.setattr("dfbackup_jupyter.store.worker._ANSWER", 60)
        began = time.monotonic()
        manager.configure("memory_limit", "0")
        run("df = df.assign(x=1)")
        shell.user_ns["manager"] = manager
        run("df = df.assign(x=2); manager.create('mine'); manager.undo(); manager.undo()")
        assert list(frame(shell)) == ["a", "b"]
        manager.configure("durability", "strict")
        run("df = df.drop(columns='b')")
        assert manager.list()
        assert time.monotonic() - began < 30

    def test_strict_waits(self, manager: BackupManager, run: Run, shell: InteractiveShell) -> None:
        manager.configure("durability", "strict")
        shell.user_ns["folder"] = Path(manager.stats().store, "manifests")
        run("df = df.drop(columns='b'); found = [f.name for f in folder.iterdir()]")
        assert any(name.startswith("auto_") for name in shell.user_ns["found"])


@pytest.mark.usefixtures("frames")
class TestLog:
    def test_every_cell(self, manager: BackupManager, run: Run, shell: InteractiveShell) -> None:
        shell.run_cell("df = df.drop(columns='b')\n1 / 0", store_history=True)
        manager.get("last")
        entry = manager.log(1)[0]
        assert (entry.outcome, entry.error) == ("error", "ZeroDivisionError: division by zero")
        change = entry.frames[0]
        assert (change.name, change.what) == ("df", "changed")
        assert (change.columns_before, change.columns_after) == (2, 1)
        assert entry.backup == manager.get("last").id


def test_the_profile_sets_settings(bare_shell: InteractiveShell) -> None:
    bare_shell.config.DFBackup.auto = False
    bare_shell.extension_manager.load_extension("dfbackup_jupyter")
    assert BackupManager.current().auto is False


def test_a_store_that_cannot_be_opened_leaves_undo(
    bare_shell: InteractiveShell,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DFBACKUP_STORE", str(tmp_path / "file" / "store"))
    bare_shell.extension_manager.load_extension("dfbackup_jupyter")
    manager = BackupManager.current()
    for cell in ("import pandas as pd; df = pd.DataFrame({'a': [1]})", "df['a'] = 2"):
        bare_shell.run_cell(cell).raise_error()
    assert "your data is not being backed up" in capsys.readouterr().err
    assert manager.status().problem
    with pytest.raises(StoreUnavailable):
        manager.list()
    manager.undo()
    assert bare_shell.user_ns["df"]["a"][0] == 1
    (tmp_path / "file").unlink()
    bare_shell.run_cell("df['a'] = 3").raise_error()
    settled(manager)
    assert manager.status().problem is None
    assert manager.list(all=True)


@pytest.mark.usefixtures("frames")
class TestLabels:
    def test_a_new_name(self, manager: BackupManager) -> None:
        old = manager.create("befor cleaning")
        new = manager.rename("befor cleaning", "before cleaning")
        assert (new.id, new.name) == (old.id, "before cleaning")
        assert manager.get("before cleaning") == new
        with pytest.raises(BackupNotFound):
            manager.get("befor cleaning")
        assert manager.verify().ok

    @pytest.mark.parametrize("name", ["", "  ", "last", "x" * 300])
    def test_a_name_that_cannot_be(self, manager: BackupManager, name: str) -> None:
        backup = manager.create("x")
        with pytest.raises(InvalidRequest):
            manager.rename("x", name)
        assert manager.get(backup.id) == backup

    def test_pinned_ones_survive_a_cleanup(self, manager: BackupManager) -> None:
        kept = manager.pin(manager.create("kept").id)
        assert kept.pinned
        manager.create("loose")
        assert "kept" not in [backup.name for backup in manager.cleanup()]
        assert [backup.name for backup in manager.list()] == ["kept"]
        manager.pin("kept", False)
        manager.cleanup()
        assert manager.list() == []


@pytest.mark.usefixtures("frames")
class TestListening:
    def test_changes_are_announced(self, run: Run, manager: BackupManager) -> None:
        settled(manager)
        heard: list[str] = []
        end = manager.subscribe(lambda: heard.append(threading.current_thread().name))
        manager.quick()
        assert heard
        heard.clear()
        run("df.drop(columns='a', inplace=True)")
        settled(manager)
        assert {"MainThread", "dfbackup-writer"} <= set(heard)
        heard.clear()
        end()
        manager.undo()
        assert heard == []

    def test_a_listener_that_fails_is_no_harm(self, manager: BackupManager) -> None:
        def fail() -> None:
            raise ValueError

        manager.subscribe(fail)
        assert manager.quick().committed

    def test_status_from_another_thread(self, manager: BackupManager) -> None:
        with ThreadPoolExecutor(1) as pool:
            elsewhere = pool.submit(manager.status).result()
        assert elsewhere.frames == manager.status().frames
