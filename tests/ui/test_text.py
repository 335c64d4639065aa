"""Plain text and HTML of whatever there is to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter.ui import human
from dfbackup_jupyter.ui.html import html
from dfbackup_jupyter.ui.text import text

Cell = Callable[[str], Any]


@pytest.mark.parametrize("line", ["list", "log", "config", "stats", "diff last", "show last"])
def test_text_fits_a_terminal(cell: Cell, line: str) -> None:
    cell("wide = pd.DataFrame([range(60)] * 3)")
    cell(f"%backup create a_name -d '{'word ' * 30}'")
    cell("wide[0] = 1  # " + "a long remark " * 20)
    shown = text(cell(f"%backup {line}"))
    tables = [
        row
        for row in shown.splitlines()
        if row.startswith("  ") and not row.startswith(("  description", "  store"))
    ]
    assert max(map(len, tables)) <= 100


def test_ids_are_never_cut(cell: Cell) -> None:
    backup = cell(f"%backup create {'long_' * 20}")
    assert backup.id in text(cell("%backup list"))


def test_columns_in_which_nothing_stands_are_left_out(cell: Cell) -> None:
    assert "also known as" not in text(cell("%backup create one"))
    cell("other = df")
    for shown in (text, html):
        assert "also known as" in shown(cell("%backup create two"))


def test_a_frame_that_cannot_be_printed(cell: Cell) -> None:
    cell(
        "class Bad:\n    def __repr__(self): raise RuntimeError('<b>no</b>')\n"
        "bad = pd.DataFrame({'x': [Bad()]})"
    )
    cell("%backup create one")
    details = cell("%backup show one")
    assert "cannot be shown: RuntimeError: <b>no</b>" in text(details)
    assert "cannot be shown: RuntimeError: &lt;b&gt;no&lt;/b&gt;" in html(details)


def test_dollar_signs_in_data_are_no_formulas(cell: Cell) -> None:
    assert "mathjax_ignore" in html(cell("%backup create '$a$'"))


def test_of_many_deleted_backups_some_are_shown(cell: Cell) -> None:
    for number in range(30):
        cell(f"df = df.assign(x={number})")
        cell("%backup quick")
    gone = cell("%backup delete-all --yes")
    assert len(gone) >= 30
    for shown in (text(gone), html(gone)):
        assert sum(backup.id in shown for backup in gone) == 20
        assert f"{len(gone) - 20} more are not shown" in shown


def test_a_slice_of_backups_reads_well(shell: InteractiveShell, cell: Cell) -> None:
    backup = cell("%backup create one")
    cell("found = %backup list")
    data, _ = shell.display_formatter.format(shell.user_ns["found"][:1])
    assert data["text/plain"] == f"[<Backup {backup.id}>]"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 KB"),
        (9_960, "10 KB"),
        (999_600, "1.0 MB"),
        (53_900_000, "54 MB"),
        (10**18, "1000 PB"),
    ],
)
def test_sizes(number: int, shown: str) -> None:
    assert human.size(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 ms"),
        (0.9994, "999 ms"),
        (0.9999, "1.0 s"),
        (59.96, "1 min 0 s"),
        (3_665, "61 min 5 s"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert human.duration(seconds) == shown


def test_the_first_line_of_code() -> None:
    assert human.first_line("# a remark\n\n  x = 1\ny = 2") == "x = 1"
    assert human.first_line("# only a remark") == "# only a remark"
    assert human.first_line("") == ""
    assert human.first_line("x" * 50, 10) == "x" * 9 + "…"
