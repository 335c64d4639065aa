"""What a session that has ended leaves behind, and which one a new session brings back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager, processes
from dfbackup_jupyter.backup import Backup, FrameInfo, Kind, StateInfo
from dfbackup_jupyter.drafts import Session
from dfbackup_jupyter.errors import AmbiguousBackup, NothingToDo
from dfbackup_jupyter.previous import find
from dfbackup_jupyter.ui.panel import Panel, section
from dfbackup_jupyter.ui.results import Candidates
from dfbackup_jupyter.ui.text import text
from tests.kernels import Kernel
from tests.test_unreadable_backups import rewrite
from tests.waiting import eventually, settled

LOAD = "import pandas as pd; df = pd.DataFrame({'a': range(4), 'b': list('wxyz')})"
WORK = "df['c'] = 1.5; model = {'weights': [1, 2]}; import threading; lock = threading.Lock()"
WRITTEN = "__import__('dfbackup_jupyter').BackupManager.current()._worker.flush(60)"

StartKernel = Callable[..., Kernel]


def write_notebook(path: Path, *cells: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [{"cell_type": "code", "source": cell.splitlines(True)} for cell in cells]
    path.write_text(json.dumps({"cells": found, "nbformat": 4, "nbformat_minor": 5}))
    return path


class TestKernels:
    """In real kernels, which end in all the ways that kernels end."""

    @pytest.fixture
    def notebook(self, tmp_path: Path) -> Path:
        return write_notebook(tmp_path / "work" / "analysis.ipynb", LOAD, WORK)

    def test_killed_before_anything_was_backed_up_by_hand(
        self, start_kernel: StartKernel, notebook: Path
    ) -> None:
        kernel = start_kernel(JPY_SESSION_NAME=str(notebook))
        kernel.run(LOAD)
        kernel.run(WORK)
        assert kernel.value(WRITTEN)
        kernel.kill()
        kernel.start()
        assert "%backup recover" in kernel.run("%backup").text
        planned = kernel.run("%backup recover --dry-run").text
        assert "Would restore analysis.ipynb" in planned
        assert kernel.value("'df' in globals()") is False
        said = kernel.run("%backup recover").text
        assert "Restored analysis.ipynb as it was after cell [2]" in said
        assert "df 4 × 3" in said
        assert "just now" in said
        assert "lock (cannot be pickled" in said
        assert "import pandas as pd; import threading" in said
        assert kernel.value("df.to_dict('list')") == {
            "a": [0, 1, 2, 3], "b": list("wxyz"), "c": [1.5] * 4,
        }  # fmt: skip
        assert kernel.value("model") == {"weights": [1, 2]}
        assert "%backup recover" not in kernel.run("%backup").text
        kernel.run("df['c'] = 0")
        kernel.run("%backup undo")
        assert kernel.value("df['c'].tolist()") == [1.5] * 4
        assert "undid restoring analysis.ipynb" in kernel.run("%backup undo").text.lower()
        assert kernel.value("'df' in globals()") is False

    @pytest.mark.parametrize("end", ["restart", "kill", "exit"])
    def test_a_kernel_without_a_notebook_knows_itself(
        self, start_kernel: StartKernel, end: str
    ) -> None:
        kernel = start_kernel()
        kernel.run(LOAD)
        kernel.run("df = df.head(2)")
        assert kernel.value(WRITTEN)
        if end == "exit":
            kernel.submit("df = None; import os; os._exit(1)")
            assert eventually(lambda: not kernel.manager.is_alive())
        kernel.restart_in_place(now=end != "restart")
        assert "Restored the session that began" in kernel.run("%backup recover").text
        assert kernel.value("df['a'].tolist()") == [0, 1]

    def test_a_session_that_is_alive_is_not_previous(
        self, start_kernel: StartKernel, notebook: Path
    ) -> None:
        one, two = (start_kernel(JPY_SESSION_NAME=str(notebook)) for _ in range(2))
        for kernel, rows in (one, 1), (two, 2):
            kernel.run(LOAD)
            kernel.run(f"df = df.head({rows})")
            assert kernel.value(WRITTEN)
        assert "NothingToDo" in one.run("%backup recover").traceback
        one.kill()
        one.start()
        said = one.run("%backup recover").text
        assert "Another kernel of this notebook is running" in said
        assert len(one.value("df['a'].tolist()")) == 1


Run = Callable[[str], None]


@dataclass
class Desk:
    """Sessions one after another, each as if in a kernel of its own."""

    shell: InteractiveShell
    monkeypatch: pytest.MonkeyPatch

    def open(self, notebook: Path | None = None) -> BackupManager:
        """Begin a session with nothing in it."""
        if notebook is None:
            self.monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
        else:
            self.monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
        self.close()
        self.shell.reset()
        self.shell.extension_manager.load_extension("dfbackup_jupyter")
        return BackupManager.current()

    def run(self, *cells: str) -> None:
        for cell in cells:
            self.shell.run_cell(cell, store_history=True).raise_error()
        settled(BackupManager.current())

    def close(self) -> None:
        self.shell.extension_manager.unload_extension("dfbackup_jupyter")

    def session(self, notebook: Path | None, *cells: str) -> None:
        """Run cells in a session of their own, and end it."""
        self.open(notebook)
        self.run(LOAD, *cells)
        self.close()

    @property
    def rows(self) -> int | None:
        found = self.shell.user_ns.get("df")
        return None if found is None else len(found)


@pytest.fixture
def desk(bare_shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    yield Desk(bare_shell, monkeypatch)


def head(rows: int) -> str:
    return f"df = df.head({rows})"


class TestWhichSession:
    def test_the_newest_of_this_notebook(self, desk: Desk, tmp_path: Path) -> None:
        notebook = write_notebook(tmp_path / "a.ipynb", LOAD, head(2))
        desk.session(notebook, head(3))
        desk.session(notebook, "extra = df.copy()", head(2))
        desk.session(notebook, head(1))
        manager = desk.open(notebook)
        assert [len(b.frames[0].name) for b in manager.recoverable()] == [2]
        done = manager.recover()
        assert desk.rows == 1
        assert manager.recoverable() == []
        [older] = [line for line in done.warnings if "earlier session" in line]
        assert "extra" in older
        manager.recover(older.split()[-1])
        assert (desk.rows, len(desk.shell.user_ns["extra"])) == (2, 4)

    def test_one_name_in_two_folders(self, desk: Desk, tmp_path: Path) -> None:
        one = write_notebook(tmp_path / "one" / "a.ipynb", LOAD, head(1))
        two = write_notebook(tmp_path / "two" / "a.ipynb", LOAD, head(2))
        desk.session(one, head(1))
        desk.session(two, head(2))
        desk.open(one).recover()
        assert desk.rows == 1

    def test_one_that_was_renamed_or_moved(self, desk: Desk, tmp_path: Path) -> None:
        old = write_notebook(tmp_path / "Untitled.ipynb", LOAD, head(2))
        desk.session(old, head(2))
        desk.session(write_notebook(tmp_path / "other.ipynb", "x = 1"), head(3))
        new = old.rename(tmp_path / "prices.ipynb")
        manager = desk.open(new)
        assert "when it was Untitled.ipynb" in manager.previous().candidates[0].why
        manager.recover()
        assert desk.rows == 2

    def test_one_that_took_the_place_of_another(self, desk: Desk, tmp_path: Path) -> None:
        place = write_notebook(tmp_path / "Untitled.ipynb", LOAD, head(2))
        desk.session(place, head(2))
        write_notebook(place, "import pandas as pd", "mine = 1")
        manager = desk.open(place)
        with pytest.raises(AmbiguousBackup, match="none of the cells") as raised:
            manager.recover()
        assert desk.rows is None
        assert "recover ID" in raised.value.hint
        [found] = manager.recoverable()
        assert found.id in str(raised.value)
        manager.recover(found.id)
        assert desk.rows == 2

    def test_a_copy_is_asked_about(self, desk: Desk, tmp_path: Path) -> None:
        original = write_notebook(tmp_path / "a.ipynb", LOAD, head(2))
        desk.session(original, head(2))
        copy = write_notebook(tmp_path / "a-Copy1.ipynb", LOAD, head(2))
        found = desk.open(copy).previous()
        assert not found.certain
        assert "a.ipynb" in found.candidates[0].why
        desk.session(copy, head(1))
        desk.open(copy).recover()
        assert desk.rows == 1

    def test_another_notebook_is_none_of_its_business(self, desk: Desk, tmp_path: Path) -> None:
        desk.session(write_notebook(tmp_path / "a.ipynb", LOAD, head(2)), head(2))
        manager = desk.open(write_notebook(tmp_path / "b.ipynb", "import pandas as pd", "x = 2"))
        assert manager.recoverable() == []
        with pytest.raises(NothingToDo) as raised:
            manager.recover()
        assert "autosave" in raised.value.hint

    def test_without_a_notebook_it_asks(self, desk: Desk, tmp_path: Path) -> None:
        desk.session(write_notebook(tmp_path / "a.ipynb", LOAD), head(3))
        desk.session(None, head(1))
        desk.session(None, head(2))
        manager = desk.open(None)
        assert manager.recoverable() == []
        shown = desk.shell.run_cell("%backup recover").result
        assert isinstance(shown, Candidates)
        assert [one.backup.frames[0].rows for one in shown] == [2, 1]
        assert all(one.backup.id in text(shown) for one in shown)
        assert "df 2 × 2" in text(shown)
        assert desk.rows is None
        desk.run(f"%backup recover {shown[1].backup.id}")
        assert desk.rows == 1

    def test_one_whose_file_cannot_be_seen_is_asked_about(self, desk: Desk, tmp_path: Path) -> None:
        elsewhere = tmp_path / "not" / "here.ipynb"
        desk.session(elsewhere, head(2))
        with pytest.raises(AmbiguousBackup):
            desk.open(elsewhere).recover()

    def test_two_kernels_at_the_same_time_are_asked_about(self, desk: Desk, tmp_path: Path) -> None:
        notebook = write_notebook(tmp_path / "a.ipynb", LOAD, head(2))
        desk.session(notebook, head(2))
        desk.session(notebook, head(1))
        manager = desk.open(notebook)
        backups = manager.list(all=True, kind="autosave")
        first, second = (b for b in backups if b.session != manager.session.id)
        # The older session's last cell ended after the newer session had begun.
        for one, seconds, process in (first, 9, "another:1:1.0"), (second, 5, "another:2:1.0"):
            later = first.created + dt.timedelta(seconds=seconds)
            told = replace(one, created=later, process=process).to_dict()
            manager._store.amend({**manager._store.manifest(one.id), "backup": told})
        found = manager.previous()
        assert not found.certain
        assert len(found.candidates) == 2

    def test_one_on_another_computer_says_so(
        self, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notebook = write_notebook(tmp_path / "a.ipynb", LOAD, head(2))
        with monkeypatch.context() as there:
            there.setattr(processes, "own", lambda: "another:12:34.5")
            desk.session(notebook, head(2))
        manager = desk.open(notebook)
        assert "cannot be seen from here" in manager.previous().candidates[0].why
        manager.recover()
        assert desk.rows == 2


def test_the_panel_offers_it(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(section, "DOUBLE_CLICK", 0.0)
    notebook = write_notebook(tmp_path / "<b>.ipynb", LOAD, head(2))
    desk.session(notebook, head(2))
    panel = Panel(desk.open(notebook))
    restore = panel.restore
    panel.tab.selected_index = panel.tabs.index(restore)
    assert restore._earlier.layout.display == ""
    assert "df 2 × 2" in restore._offer.value
    assert "<b>" not in restore._offer.value
    restore.recover_button.click()
    assert eventually(lambda: desk.rows == 2)
    assert eventually(lambda: restore._earlier.layout.display == "none")
    panel.close()


class TestWhatIsLeft:
    @pytest.fixture
    def notebook(self, tmp_path: Path) -> Path:
        return write_notebook(tmp_path / "a.ipynb", LOAD, head(2), head(3))

    def test_a_session_that_did_nothing_is_passed_over(self, desk: Desk, notebook: Path) -> None:
        desk.session(notebook, head(2))
        desk.open(notebook)
        desk.run("import pandas as pd", "1 + 1")
        desk.open(notebook).recover()
        assert desk.rows == 2

    def test_frames_that_were_deleted_stay_deleted(self, desk: Desk, notebook: Path) -> None:
        desk.session(notebook, "n = 5", "del df", "n = 6")
        desk.open(notebook).recover()
        assert desk.rows is None
        assert desk.shell.user_ns["n"] == 6

    def test_a_manual_backup_within_the_last_cell_is_newer(
        self, desk: Desk, notebook: Path
    ) -> None:
        desk.open(notebook)
        desk.run(LOAD, head(3))
        manager = BackupManager.current()
        manager.watcher.before_cell("df = df.head(2); crash()", 9)
        desk.shell.user_ns["df"] = desk.shell.user_ns["df"].head(2)
        backup = manager.create("in time")
        desk.shell.user_ns["df"] = None
        manager.watcher._cell = None
        desk.close()
        done = desk.open(notebook).recover()
        assert done.backup == backup
        assert desk.rows == 2

    def test_a_damaged_autosave_makes_way_for_the_newest_that_is_sound(
        self, desk: Desk, notebook: Path
    ) -> None:
        desk.session(notebook, head(3), head(2))
        manager = desk.open(notebook)
        [autosave] = manager.list(all=True, kind="autosave")
        lost = "00" * 32
        objects = manager._store.manifest(autosave.id)["objects"]
        rewrite(manager._store, autosave.id, ("objects",), {**objects, lost: []})
        rewrite(manager._store, autosave.id, ("backup", "frames", 0, "object"), lost)
        done = manager.recover()
        assert desk.rows == 3
        assert done.backup is not None
        assert done.backup.kind is Kind.AUTO
        assert any(autosave.id in line for line in done.warnings)
        assert any("an earlier one" in line for line in done.warnings)

    def test_a_forgotten_autosave_makes_way_too(
        self, desk: Desk, notebook: Path, store_path: Path
    ) -> None:
        desk.session(notebook, head(3), head(2))
        [file] = (store_path / "manifests").glob("autosave_*")
        file.write_bytes(b"damaged")
        found = desk.open(notebook)
        candidates = found.previous().candidates
        found.recover(None if found.previous().certain else candidates[0].backup.id)
        assert desk.rows == 3

    def test_what_it_overwrites_can_be_had_back(self, desk: Desk, notebook: Path) -> None:
        desk.session(notebook, head(2), "n = 1")
        manager = desk.open(notebook)
        desk.run(LOAD, "n = 2; mine = df.copy()")
        done = manager.recover()
        assert (desk.rows, desk.shell.user_ns["n"]) == (2, 1)
        assert done.safety is not None
        assert "mine" in desk.shell.user_ns
        manager.undo()
        assert (desk.rows, desk.shell.user_ns["n"]) == (4, 2)


def test_this_process_runs_and_others_do_not() -> None:
    mine = processes.own()
    machine, number, when = mine.split(":")
    assert processes.is_running(mine) is True
    assert processes.is_running(f"{machine}:{number}:{float(when) - 1000}") is False
    assert processes.is_running(f"{machine}:999999999:1.0") is False
    for unknown in ("", "x", f"other:{number}:{when}", f"{machine}:x:1", f"{machine}:1:x"):
        assert processes.is_running(unknown) is None


NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
PLACES = ("a.ipynb", "b.ipynb", "gone.ipynb", None)


@dataclass(frozen=True)
class Lived:
    """A session of a store, as a test makes it up."""

    number: int
    place: str | None
    kernel: str
    running: bool
    cells: frozenset[int]
    damaged: bool

    def session(self, folder: Path) -> Session:
        id = f"20260101_10{self.number:02d}00_0000000{self.number % 10}"
        return Session(id, str(folder / self.place) if self.place else f"kernel_{id}", self.kernel)

    def backups(self, folder: Path) -> list[Backup]:
        session = self.session(folder)
        draft = Backup(
            id=f"autosave_{session.id}",
            name="",
            description="",
            kind=Kind.AUTOSAVE,
            created=NOON + dt.timedelta(minutes=self.number, seconds=30),
            session=session.id,
            notebook=session.notebook,
            kernel=self.kernel,
            process="running" if self.running else "ended",
            frames=(FrameInfo("df", "pandas.DataFrame", 1, 1, 8, (), "o"),),
            state=(StateInfo("variables", "s", 1, (), ()),),
        )
        auto = replace(draft, id=f"auto_{session.id}", kind=Kind.AUTO)
        return [auto] if self.damaged else [draft, auto]


histories = st.lists(
    st.builds(
        Lived,
        number=st.just(0),
        place=st.sampled_from(PLACES),
        kernel=st.sampled_from(["", "k1", "k2"]),
        running=st.booleans(),
        cells=st.frozensets(st.integers(0, 3)),
        damaged=st.booleans(),
    ),
    max_size=8,
).map(lambda all: [replace(one, number=number) for number, one in enumerate(all)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebook(folder / "a.ipynb", "import pandas", "x = 0", "x = 1")
    write_notebook(folder / "b.ipynb", "x = 2")
    return folder


@given(
    histories,
    st.sampled_from(PLACES),
    st.sampled_from(["", "k1", "k2"]),
)
@settings(max_examples=300, deadline=None)
def test_never_the_wrong_session_in_silence(
    folder: Path, history: list[Lived], place: str | None, kernel: str
) -> None:
    present = replace(Lived(50, place, kernel, True, frozenset(), False)).session(folder)
    lives = {one.session(folder).id: one for one in history}

    def sources(backup: Backup) -> list[str]:
        return ["import pandas", *(f"x = {n}" for n in sorted(lives[backup.session].cells))]

    def is_running(process: str) -> bool | None:
        return {"running": True, "ended": False}.get(process)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "is_running", is_running)
        found = find([b for one in history for b in one.backups(folder)], present, sources)
    cells: Any = {"a.ipynb": {0, 1}, "b.ipynb": {2}}.get(place or "", set())
    for candidate in found.candidates:
        life = lives[candidate.backup.session]
        assert not life.running
        assert candidate.backup.kind is (Kind.AUTO if life.damaged else Kind.AUTOSAVE)
        assert {state.session for state in candidate.states} == {candidate.backup.session}
    if found.certain:
        first = lives[found.candidates[0].backup.session]
        ended = [one for one in history if not one.running]
        if kernel and first.kernel == kernel and first.place == place:
            newer = [one for one in ended if (one.kernel, one.place) == (kernel, place)]
        else:
            assert first.cells & cells
            assert first.place == place or first.place == "gone.ipynb"
            newer = [one for one in ended if one.place == first.place and one.cells & cells]
        assert first == newer[-1]
    elif kernel:
        assert not any(
            (one.kernel, one.place) == (kernel, place) for one in history if not one.running
        )
