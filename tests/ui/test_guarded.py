"""``%%backup``: the cell is the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter.errors import BackupError
from dfbackup_jupyter.ui.progress import bar

Cell = Callable[[str], Any]


def test_the_cell_runs_after_its_backup(
    cell: Cell, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cell("%%backup before\ndf['n'] = 0\nprint('out')\nlen(df)") == 2
    assert "out" in capsys.readouterr().out
    [backup] = cell("%backup list --kind manual")
    assert backup.name == "before"
    assert cell("%backup diff before --frame df").frames[0].status == "changed"
    cell("%%backup\n%%capture got\nprint('caught')")
    assert shell.user_ns["got"].stdout == "caught\n"
    assert len(cell("%backup list --kind quick")) == 1


def test_what_the_cell_raises_is_its_own(
    cell: Cell, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyError):
        cell("%%backup before\ndf = df.drop(columns='n')\n{}['nothing']")
    shown = capsys.readouterr()
    assert shown.out.count("Traceback") == 1
    assert "dfbackup_jupyter" not in shown.out
    assert "%backup restore manual_" in shown.err
    assert list(shell.user_ns["df"]) == ["city"]
    with pytest.raises(BackupError):
        cell("%%backup last\ndf['city'] = 0")  # no name for a backup: the cell must not run
    assert "Rome" in shell.user_ns["df"]["city"].tolist()


def test_rollback(cell: Cell, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        cell("%%backup before --rollback\ndf['n'] = 0\ndel dfs\n1 / 0")
    assert shell.user_ns["df"]["n"].tolist() == [1, 2]
    assert list(shell.user_ns["dfs"]) == ["a b"]
    assert "Restored before" in capsys.readouterr().out
    cell("%%backup --rollback\ndf['n'] = 0")
    with pytest.raises(ZeroDivisionError):
        cell("1 / 0")
    assert shell.user_ns["df"]["n"].tolist() == [0, 0]


def test_without_frames_the_cell_runs(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell.run_cell("%%backup\nx = 5").success
    assert shell.user_ns["x"] == 5
    assert "no DataFrame" in capsys.readouterr().err


def test_a_bar_appears_after_a_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with bar("Backing up", 100) as tick:
        tick(10)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("dfbackup_jupyter.ui.progress.DELAY", 0.0)
    with bar("Backing up", 100) as tick:
        tick(10)
        tick(90)
    assert "Backing up" in capsys.readouterr().err
