"""What a restore and an undo must leave alone, and what they must not believe."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.errors import NothingToDo
from tests.waiting import settled

Run = Callable[[str], None]


@pytest.fixture(autouse=True)
def imports(run: Run) -> None:
    run("import pandas as pd, numpy as np")


@pytest.fixture
def variables(shell: InteractiveShell) -> dict[str, Any]:
    return shell.user_ns


class TestMemoryIsNotBelieved:
    """Some code writes to memory in ways that pandas cannot see."""

    def test_beside_a_column_of_objects(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run("n = 2000; df = pd.DataFrame({'o': [[1]] * n, 'x': np.arange(float(n))})")
        settled(manager)
        run("v = df['x'].to_numpy(); v.setflags(write=True); v[0] = 99.0; del v")
        settled(manager)
        manager.undo()
        assert variables["df"]["x"][0] == 0.0

    def test_after_the_column_was_replaced(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run("g = pd.DataFrame({'a': np.arange(3000.0)})")
        run("w = g['a'].to_numpy()")
        settled(manager)
        backup = manager.quick()
        run("g['a'] = g['a'] * 2")
        run("w.setflags(write=True); w[:] = -1")
        assert manager.show(backup.id).previews["g"]["a"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
        manager.undo()
        assert variables["g"]["a"].tolist()[:3] == [0.0, 1.0, 2.0]

    def test_when_the_store_lost_the_good_copy(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run("bad = pd.DataFrame({'a': np.arange(3000.0)}); good = bad + 1")
        settled(manager)
        for pack in (manager._store.root / "packs").rglob("*.pack"):
            pack.unlink()
        variables["bad"]["a"].to_numpy().base.setflags(write=True)
        memory = variables["bad"]._mgr.blocks[0].values
        memory.setflags(write=True)
        memory[:] = -1
        backup = manager.quick()
        stored = manager.get(backup.id)
        assert "good" in [frame.name for frame in stored.frames]
        assert manager.verify(backup.id).ok

    def test_the_user_is_told(
        self, run: Run, manager: BackupManager, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run("df = pd.DataFrame({'x': np.arange(2000.0)})")
        settled(manager)
        run("v = df['x'].to_numpy(); v.setflags(write=True); v[0] = 99.0; del v")
        assert "df: something wrote to the memory" in capsys.readouterr().err
        run("1 + 1")
        assert "something wrote" not in capsys.readouterr().err


class TestRestoreCanBeUndone:
    def test_variables(self, run: Run, manager: BackupManager, variables: dict[str, Any]) -> None:
        run("df = pd.DataFrame({'a': [1]}); x = 1")
        first = manager.create("A")
        run("x = 2")
        restored = manager.restore(first.id)
        assert variables["x"] == 1
        assert restored.safety != first.id
        manager.undo()
        assert variables["x"] == 2
        manager.redo()
        assert variables["x"] == 1
        manager.restore(restored.safety)
        assert variables["x"] == 2

    def test_a_frame_in_the_place_of_something_else(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run("df = pd.DataFrame({'a': [1]})")
        manager.create("A")
        run("df = 5; model = {'w': 1}; keep = pd.DataFrame({'k': [1]})")
        manager.restore("A")
        manager.undo()
        assert variables["df"] == 5
        manager.restore("A", only=["df"], as_name="model")
        assert list(variables["model"]) == ["a"]
        manager.undo()
        assert variables["model"] == {"w": 1}

    def test_a_variable_in_the_place_of_a_frame(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run("df = pd.DataFrame({'a': [1]}); y = 5")
        manager.create("B")
        run("y = pd.DataFrame({'b': [2]})")
        manager.restore("B")
        assert variables["y"] == 5
        manager.undo()
        assert list(variables["y"]) == ["b"]


class TestContainers:
    """Undo puts a container's frames back without harm to what else is in it."""

    @pytest.mark.parametrize(
        ("cell", "before"),
        [
            ("box.insert(0, 'x')", [5, "df"]),
            ("box.pop(0)", [5, "df"]),
            ("del box[1]", [5, "df"]),
            ("box.reverse()", [5, "df"]),
            ("df.drop(columns='a', inplace=True)", [5, "df"]),
        ],
    )
    def test_lists(
        self,
        run: Run,
        manager: BackupManager,
        variables: dict[str, Any],
        cell: str,
        before: list[Any],
    ) -> None:
        run("df = pd.DataFrame({'a': [1]}); box = [5, df]")
        run(cell)
        left = _picture(variables["box"])
        manager.undo()
        assert _picture(list(variables["box"])) == before
        manager.redo()
        assert _picture(variables["box"]) == left

    def test_an_emptied_list(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run("box = [5, pd.DataFrame({'a': [1]})]")
        run("box.clear()")
        manager.undo()
        assert _picture(variables["box"]) == [5, "df"]

    def test_tuples(self, run: Run, manager: BackupManager, variables: dict[str, Any]) -> None:
        run("box = (5, pd.DataFrame({'a': [1]}))")
        run("box = ('x', *box)")
        manager.undo()
        assert _picture(variables["box"]) == (5, "df")

    def test_a_dict_keeps_its_order(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run("box = {'a': pd.DataFrame({'a': [1]}), 'b': pd.DataFrame({'a': [2]}), 'n': 1}")
        run("del box['a']; box['n'] = 2")
        manager.undo()
        assert list(box := variables["box"]) == ["a", "b", "n"]
        assert box["n"] == 2

    def test_what_was_beside_a_frame(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run("box = {'part': {'df': pd.DataFrame({'a': [1]}), 'n': 5}, 'more': 1}")
        run("del box['part']")
        manager.undo()
        assert _picture(variables["box"]["part"]["df"]) == "df"
        assert variables["box"]["part"]["n"] == 5

    def test_names_however_they_are_typed(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run("box = {'a': pd.DataFrame({'a': [1]})}")
        backup = manager.create("A", only=['box["a"]'])
        run("box['a'] = None")
        manager.restore("A", only=['box["a"]'])
        assert _picture(variables["box"]["a"]) == "df"
        assert manager.list(frame='box["a"]')[-1] == backup


class TestAllOrNothing:
    def test_an_object_that_cannot_be_read_back(
        self, run: Run, manager: BackupManager, variables: dict[str, Any]
    ) -> None:
        run(
            "class Bad:\n"
            "    def __init__(self): self.x = [1]\n"
            "    def __setstate__(self, state): raise ValueError('no way back')\n"
            "a = pd.DataFrame({'x': [1, 2]}); b = pd.DataFrame({'o': [Bad(), Bad()], 'y': [1, 2]})"
        )
        run("a['x'] = 0; b['new'] = 1")
        settled(manager)
        restored = manager.undo()
        assert variables["a"]["x"].tolist() == [1, 2]
        assert list(variables["b"]) == ["y"] or list(variables["b"]) == ["o", "y"]
        assert any("b" in warning for warning in restored.warnings)

    def test_a_failure_half_way(
        self,
        run: Run,
        manager: BackupManager,
        variables: dict[str, Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        run("a = pd.DataFrame({'x': [1]}); b = pd.DataFrame({'x': [1]})")
        run("a['x'] = 0; b['x'] = 0")
        loads = iter([None, MemoryError("no room")])
        thaw = manager._loader._thaw

        def failing(snapshot: Any) -> Any:
            error = next(loads)
            if error:
                raise error
            return thaw(snapshot)

        monkeypatch.setattr(manager._loader, "_thaw", failing)
        with pytest.raises(MemoryError):
            manager.undo()
        assert (variables["a"]["x"][0], variables["b"]["x"][0]) == (0, 0)
        monkeypatch.undo()
        manager.undo()
        assert (variables["a"]["x"][0], variables["b"]["x"][0]) == (1, 1)


def test_only_leaves_other_names_alone(
    run: Run, manager: BackupManager, variables: dict[str, Any]
) -> None:
    run("p = q = pd.DataFrame({'a': [1]})")
    manager.create("C")
    run("p = p * 100; q = q * 7")
    manager.restore("C", only=["q"])
    assert (variables["p"]["a"][0], variables["q"]["a"][0]) == (100, 1)


def test_reading_a_frame_does_not_end_what_can_be_redone(
    run: Run, manager: BackupManager, variables: dict[str, Any]
) -> None:
    run("z = pd.DataFrame({'a': [1.0]}); z['b'] = 2.0; z['c'] = 3.0")
    run("z['a'] = 9.0")
    manager.undo()
    run("z._consolidate_inplace()")
    manager.redo()
    assert variables["z"]["a"][0] == 9.0


def test_last_is_the_newest_even_while_the_writer_is_busy(run: Run, manager: BackupManager) -> None:
    run("df = pd.DataFrame({'a': [1]})")
    manager.create("first")
    run("df['b'] = 2")
    manager._worker.submit(lambda: __import__("time").sleep(3))
    run("df.drop(columns='a', inplace=True)")
    assert manager.get("last").kind == "auto"


def test_memory_stays_within_its_limit_when_nothing_is_written(
    run: Run, manager: BackupManager
) -> None:
    manager.auto = False
    manager.configure("memory_limit", "1000000")
    for _ in range(6):
        run("df = pd.DataFrame({'a': np.random.rand(100_000)})")
    held = [step for step in manager._timeline.steps if step.before.moment is not None]
    assert len(held) <= 2
    with pytest.raises(NothingToDo, match="memory could not hold them"):
        for _ in range(6):
            manager.undo()


def test_a_cell_waits_for_the_writer_only_when_overwritten_memory_piles_up(
    run: Run, manager: BackupManager
) -> None:
    run("df = pd.DataFrame(np.zeros((100_000, 10))).add_prefix('x')")
    settled(manager)
    manager.configure("memory_limit", "10000000")  # the frame has 8 MB
    gate = threading.Event()
    released = threading.Timer(30, gate.set)
    released.start()
    manager._worker.submit(gate.wait)
    for i in range(1, 6):
        run(f"df['x{i}'] = 1.0")  # 0.8 MB each
        run(f"df = df.rename(columns={{'x{i}': 'y{i}'}})")
    assert not gate.is_set()
    released.cancel()
    released = threading.Timer(0.5, gate.set)
    released.start()
    for _ in range(3):
        run("df = df + 1")
    assert gate.is_set()


def test_an_undo_leaves_what_was_assigned_since_the_restore(
    run: Run, manager: BackupManager, variables: dict[str, Any]
) -> None:
    run("df = pd.DataFrame({'a': [1]}); x = y = 'then'")
    manager.create("then")
    run("df['b'] = 2; x = y = 'later'")
    manager.restore("then")
    assert (variables["x"], variables["y"]) == ("then", "then")
    run("x = 'mine'")
    undone = manager.undo()
    assert (variables["x"], variables["y"]) == ("mine", "later")
    assert any(w.startswith("x was assigned since") for w in undone.warnings)
    assert list(variables["df"]) == ["a", "b"]
    run("y = 'mine, too'")
    redone = manager.redo()
    assert (variables["x"], variables["y"]) == ("mine", "mine, too")
    assert any(w.startswith("y was assigned since") for w in redone.warnings)
    assert list(variables["df"]) == ["a"]
    assert manager.undo().warnings == ()


def test_an_interrupted_autosave_is_made_later(
    run: Run, manager: BackupManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("df = pd.DataFrame({'a': [1]})")
    settled(manager)

    def interrupted(*_: Any, **__: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(manager._worker, "submit", interrupted)
        run("df['b'] = 1")
    run("df['c'] = 1")
    settled(manager)
    newest = max(manager.list(kind="autosave"), key=lambda backup: backup.created)
    assert newest.frames[0].columns == 3


def _picture(value: Any) -> Any:
    """Frames as the word df, so that containers can be compared."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_picture, value))
    return "df" if hasattr(value, "columns") else value
