"""Tab in a line of ``%backup``, as IPython's completer is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

Complete = Callable[[str], list[str]]


@pytest.fixture
def complete(shell: InteractiveShell, cell: Callable[[str], Any]) -> Complete:
    """The whole line, after each of the completions that is offered for its end."""
    cell("%backup create main")
    cell("%backup create 'my name' --only dfs['a b']")

    def lines(line: str) -> list[str]:
        with provisionalcompleter():
            found = list(shell.Completer.completions(line, len(line)))
        return [line[: c.start] + c.text + line[c.end :] for c in found]

    return lines


CASES: dict[str, list[str]] = {
    "%backup re": ["%backup restore", "%backup recover", "%backup redo"],
    "b = %backup sh": ["b = %backup show"],
    "%backup restore ma": ["%backup restore main"],
    "%backup restore my": ['%backup restore "my name"'],
    "%backup restore 'my": ["%backup restore 'my name'"],
    "%backup restore las": ["%backup restore last"],
    "%backup restore main --da": ["%backup restore main --data-only"],
    "%backup restore main --only d": ["df", "dfs['a b']"],
    "%backup restore 'my name' --only d": ["dfs['a b']"],
    "%backup restore main --only df,dfs": ["dfs['a b']"],
    "%backup diff main --frame d": ["df", "dfs['a b']"],
    "%backup diff main my": ['%backup diff main "my name"'],
    "%backup create x --only df": ["df", "dfs['a b']"],
    "%backup delete main my": ['%backup delete main "my name"'],
    "%backup list --kind man": ["%backup list --kind manual"],
    "%backup list --k": ["%backup list --kind"],
    "%backup export main x.zip --format pa": ["parquet"],
    "%backup auto o": ["%backup auto on", "%backup auto off"],
    "%backup config dur": ["durability", "durability=background", "durability=strict"],
    "%backup config durability=st": ["%backup config durability=strict"],
    "%%backup x --r": ["%%backup x --rollback"],
    "x = 1\n%backup sta": ["x = 1\n%backup stats"],
}


def test_completes(complete: Complete, cell: Callable[[str], Any]) -> None:
    found = {line: [f for f in complete(line) if "manual_" not in f] for line in CASES}
    assert found == {
        line: [e if "backup" in e else _replaced(line, e) for e in expected]
        for line, expected in CASES.items()
    }
    ids = {backup.id for backup in cell("%backup list")}
    assert {line.split()[-1] for line in complete("%backup show manual_")} == ids
    for line in ("impor", "%tim", "backup_x = pri", "backup x"):
        assert not any("restore" in found for found in complete(line))
        assert complete(line) or line == "backup x"


def test_files_complete(
    complete: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.zip").touch()
    (tmp_path / "other.txt").touch()
    (tmp_path / "old").mkdir()
    assert complete("%backup import o") == ["%backup import old/", "%backup import one.zip"]


def _replaced(line: str, word: str) -> str:
    start = max(line.rfind(" "), line.rfind(","))
    return line[: start + 1] + word
