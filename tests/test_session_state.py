"""Chat, web searches and recorders of others, in backups of a real shell and a real kernel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.session import Context, Recalled, State, registry
from dfbackup_jupyter.ui.html import html
from dfbackup_jupyter.ui.text import text
from tests.conftest import ROOT
from tests.kernels import Kernel

Run = Callable[[str], None]


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_discovered", False)
    monkeypatch.setattr(registry, "_looked_up", None)
    yield


@pytest.fixture
def frames(run: Run) -> None:
    run("import pandas as pd; df = pd.DataFrame({'a': range(4)})")


class Failing:
    """A recorder that does at every call what it is told to."""

    name = "failing"

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer

    def snapshot(self, context: Context) -> State:
        state: State = self.answer()
        return state

    def restore(self, meta: Any, read: Any, context: Context, *, trust: bool) -> Recalled:
        raise RuntimeError("restoring is broken")


def fail() -> Any:
    raise RuntimeError("broken")


@pytest.mark.usefixtures("frames")
class TestChatAndSearches:
    def test_they_show_only_where_there_are_any(self, manager: BackupManager) -> None:
        empty = manager.create("empty")
        manager.chat.append("user", "clean it")
        manager.searches.append("pandas", [])
        full = manager.create("full")
        shown = [text(manager.show(one.id)) + html(manager.show(one.id)) for one in (empty, full)]
        for words in ("1 chat message", "1 web search"):
            assert words not in shown[0]
            assert shown[1].count(words) == 2
            assert words not in text(empty)
            assert words in text(full)
        assert manager.diff("empty", "full").session == (
            "1 chat message more", "1 web search more",
        )  # fmt: skip
        assert "1 chat message more" in text(manager.diff("empty"))
        assert manager.diff("full").session == ()
        assert manager.diff("empty", frame="df").session == ()
        assert not {"chat_memory", "web_searches"} & {state.recorder for state in empty.state}

    def test_a_restore_merges_them(self, manager: BackupManager, shell: InteractiveShell) -> None:
        manager.chat.append("user", "clean it")
        manager.searches.append("pandas", ["found"])
        manager.create("x")
        said = manager.chat.messages
        manager.chat.append("assistant", "done")
        manager.restore("x")
        assert [message["content"] for message in manager.chat.messages] == ["clean it", "done"]
        shell.extension_manager.reload_extension("dfbackup_jupyter")
        fresh = BackupManager.current()
        assert fresh.chat.messages == []
        fresh.restore("x", data_only=True)
        assert fresh.chat.messages == []
        done = fresh.restore("x")
        assert {"1 chat message", "1 web search"} <= set(done.state)
        assert fresh.chat.messages == said
        assert fresh.searches.entries[0]["results"] == ["found"]

    def test_data_only_leaves_them_out(self, manager: BackupManager) -> None:
        manager.chat.append("user", "clean it")
        assert manager.create("x", data_only=True).state == ()
        assert manager.diff("x").session == ()


@pytest.mark.usefixtures("frames")
class TestRecordersOfOthers:
    @pytest.mark.parametrize(
        "answer",
        [
            fail,
            lambda: None,
            lambda: State("failing", {"not json": {1, 2}}),
            lambda: State("failing", {"not json": float("nan")}),
            lambda: State("failing", {}, blobs=[b"no blob"]),  # type: ignore[list-item]
        ],
    )
    def test_one_that_fails_is_named_once_and_costs_nothing_else(
        self,
        manager: BackupManager,
        run: Run,
        capsys: pytest.CaptureFixture[str],
        answer: Callable[[], Any],
    ) -> None:
        manager.register(Failing(answer))
        run("n = 1")
        run("df['b'] = 2")
        backup = manager.create("x")
        run("df = None; n = 2")
        said = capsys.readouterr().err
        assert said.count("'failing'") == 1
        assert "Traceback" not in said
        assert {state.recorder for state in backup.state} == {"variables", "execution_log"}
        done = manager.restore("x")
        assert done.restored == ("df",)
        assert "n" in done.state
        assert manager.problem is None

    def test_one_that_cannot_restore_is_named(self, manager: BackupManager, run: Run) -> None:
        manager.register(Failing(lambda: State("failing", {"a": 1}, captured=("its part",))))
        backup = manager.create("x")
        assert "its part" in text(backup)
        run("df = None; n = 2")
        done = manager.restore("x")
        assert done.restored == ("df",)
        assert any("restoring is broken" in warning for warning in done.warnings)

    def test_one_that_takes_too_much_is_left_out(self, manager: BackupManager) -> None:
        manager.configure("variables_limit", "1000")
        from dfbackup_jupyter.session import BytesBlob

        manager.register(Failing(lambda: State("failing", {"a": 1}, [BytesBlob(b"x" * 2000)])))
        [state] = [s for s in manager.create("x").state if s.recorder == "failing"]
        assert state.captured == ()
        assert "larger" in state.skipped[0].reason

    def test_the_example_of_the_docs_works(
        self, manager: BackupManager, run: Run, shell: InteractiveShell
    ) -> None:
        page = (ROOT / "docs" / "session-state.md").read_text()
        for example in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
            run(example)
        notes = shell.user_ns["notes"]
        backup = manager.create("x")
        assert "1 notes" in text(backup)
        notes.lines.append("more")
        assert manager.diff("x").session[-1] == "note added: more"
        notes.lines.clear()
        assert "1 notes" in manager.restore("x").state
        assert notes.lines == ["prices are in euro"]


def test_a_package_that_cannot_be_loaded_is_named_in_one_warning(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    info = tmp_path / "site" / "notes_plugin-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: notes-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\nbroken = no_such_module:X\n")
    kernel = start_kernel(PYTHONPATH=f"{ROOT}:{tmp_path / 'site'}")
    first = kernel.run("import pandas as pd; df = pd.DataFrame({'a': [1]})")
    assert first.stderr.count("broken") == 1
    assert "no_such_module" in first.stderr
    assert "Traceback" not in first.stderr
    assert kernel.run("df['b'] = 2").stderr == ""
    undone = kernel.run("%backup undo")
    assert "df 1 × 2 → 1 × 1" in undone.text


def test_what_was_said_survives_a_crash(kernel: Kernel) -> None:
    kernel.run("import pandas as pd; df = pd.DataFrame({'a': [1]})")
    kernel.run(
        "from dfbackup_jupyter import BackupManager\n"
        "BackupManager.current().chat.append('user', 'xin chào')"
    )
    assert kernel.value("BackupManager.current()._worker.flush(60)")
    kernel.kill()
    kernel.start()
    kernel.run("from dfbackup_jupyter import BackupManager")
    kernel.run("[found] = %backup list --all --kind autosave")
    kernel.run("BackupManager.current().restore(found.id)")
    messages = kernel.value("BackupManager.current().chat.messages")
    assert [message["content"] for message in messages] == ["xin chào"]
