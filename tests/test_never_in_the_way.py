"""Whatever fails inside of us: the user's cells do not notice, and protection comes back."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager, logfile
from tests.kernels import Kernel
from tests.waiting import settled

LOAD = "import pandas as pd; df = pd.DataFrame({'a': [3, 1, 2], 'b': list('xyz')})"

PLACES = [
    "watcher.take",
    "watcher.analyse",
    "watcher.compare",
    "watcher.holders_of",
    "watcher.Watcher.before_cell",
    "watcher.Watcher.after_cell",
    "watcher.Watcher.stage",
    "staging.Stager.stage",
    "staging.Stager.commit",
    "staging.Stager._stage",
    "staging.Stager.find_disturbed",
    "row_deltas.select",
    "store.writer.PackWriter.put",
    "store.store.Store.publish",
    "store.store.Store.discard",
    "drafts.Drafts.draft",
    "session_state.SessionState.snapshot_quickly",
    "session_state.SessionState.log",
    "session.variables.Variables.snapshot",
    "session.execution_log.ExecutionLog.snapshot",
    "session.execution_log.ExecutionLog.append",
    "session.execution_log.ExecutionLog.amend",
    "frame_changes.find",
    "frame_changes.explained",
    "timeline.Timeline.push",
    "timeline.Timeline.trim",
    "listeners.Listeners.call",
    "extension.Extension._count",
]


class Broken(Exception):
    pass


@pytest.fixture
def log(home: Path) -> Path:
    return logfile.path()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Have one of our functions raise, wherever it is called."""

    def fail(*_: Any, **__: Any) -> Any:
        raise Broken("on purpose")

    def break_(place: str) -> None:
        monkeypatch.setattr(f"dfbackup_jupyter.{place}", fail)

    yield break_


@pytest.mark.parametrize("place", PLACES)
def test_an_error_in_each_of_our_parts(
    shell: InteractiveShell,
    manager: BackupManager,
    broken: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    log: Path,
    place: str,
) -> None:
    def cell(source: str) -> Any:
        return shell.run_cell(source, store_history=True)

    cell(LOAD)
    settled(manager)
    capsys.readouterr()
    broken(place)
    with monkeypatch.context():
        assert cell("df = df.sort_values('a'); len(df)").result == 3
        assert cell("df['c'] = 1; df.shape").result == (3, 3)
        failed = cell("df = df.drop(columns='b'); 1 / 0")
        assert isinstance(failed.error_in_exec, ZeroDivisionError)
        cell("print('mine')")
        manager._worker.flush(30)
        cell("pass")  # what a background write met is told after the next cell
    out, err = capsys.readouterr()
    assert "mine\n" in out
    assert "Broken" not in out
    assert "Traceback" not in err
    told = [line for line in err.splitlines() if line.startswith("dfbackup:")]
    assert len(told) == len(set(told)) <= 2, err
    if "not being backed up" in err:
        assert str(log) in err
        assert log.read_text().count("Traceback") >= 1
        assert log.stat().st_mode & 0o077 == 0

    monkeypatch.undo()
    before = pd.DataFrame(shell.user_ns["df"])
    cell("df = df.iloc[:1]")
    settled(manager)
    manager.undo()
    pd.testing.assert_frame_equal(shell.user_ns["df"], before)
    assert manager.create("after").committed


def test_the_same_error_is_logged_once(
    shell: InteractiveShell, broken: Callable[[str], None], log: Path
) -> None:
    shell.run_cell(LOAD)
    broken("watcher.compare")
    for _ in range(5):
        shell.run_cell("df = df.copy()")
    assert log.read_text().count("Traceback (most recent call last)") == 1


def test_without_a_log_it_works_the_same(
    shell: InteractiveShell,
    broken: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(logfile, "path", lambda: tmp_path / "file" / "no" / "log")
    shell.run_cell(LOAD)
    broken("watcher.compare")
    assert shell.run_cell("df = df.copy(); 7").result == 7
    assert "Traceback" not in capsys.readouterr().err


def test_an_interrupt_in_our_hook_is_the_cells(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run_cell(LOAD)

    def interrupted(*_: Any, **__: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            threading.Event().wait(0.01)

    monkeypatch.setattr("dfbackup_jupyter.watcher.take", interrupted)
    result = shell.run_cell("while True: pass")
    assert isinstance(result.error_in_exec, KeyboardInterrupt)


LEFT = """
import ipywidgets, logging as _l, sys as _s, threading as _t
def _left():
    shell = get_ipython()
    return {
        "events": str(shell.events.callbacks),
        "transformers": str([shell.input_transformers_cleanup, shell.input_transformers_post]),
        "magics": str(sorted(m for kind in shell.magics_manager.magics.values() for m in kind)),
        "lazy": str(shell.magics_manager.lazy_magics),
        "matchers": str(shell.Completer.custom_matchers),
        "comms": str(sorted(shell.kernel.comm_manager.targets)),
        "threads": str(sorted(x.name for x in _t.enumerate())),
        "hooks": str([_s.excepthook, _t.excepthook, _s.displayhook]),
        "names": str(sorted(n for n in shell.user_ns if "backup" in n)),
        "logging": str([_l.getLogger("dfbackup_jupyter").handlers, _l.root.handlers]),
    }
"""


def test_unloading_leaves_no_trace(start_kernel: Callable[..., Kernel]) -> None:
    kernel = start_kernel(load=False, DFBACKUP_AUTOLOAD="0")
    kernel.run("import pandas as pd, numpy as np; df = pd.DataFrame({'a': [1]})")
    kernel.run(LEFT)
    before = kernel.value("_left()")
    kernel.run("%load_ext dfbackup_jupyter")
    kernel.run("df['b'] = 1")
    kernel.run("%backup panel")
    during = kernel.value("_left()")
    assert {key for key in before if before[key] != during[key]} >= {
        "events", "magics", "comms", "threads", "logging",
    }  # fmt: skip
    kernel.run("%unload_ext dfbackup_jupyter")
    gc.collect()
    after = kernel.value("_left()")
    different = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    assert different == {}
