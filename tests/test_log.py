"""The execution log of real shells and kernels: what each cell did to which frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.session import FrameChange
from dfbackup_jupyter.ui.html import html
from dfbackup_jupyter.ui.text import text
from dfbackup_jupyter.ui.verbs import Log
from tests.kernels import Kernel

Run = Callable[[str], None]

LOAD = """import pandas as pd
df = pd.DataFrame({'a': [3, 1, 2], 'b': ['x', 'y', None], 'c': 0.5})
other = df.copy()"""


def last(manager: BackupManager) -> tuple[FrameChange, ...]:
    return manager.log()[-1].frames


@pytest.mark.parametrize(
    "source, added, dropped, modified, rows",
    [
        ("df['d'] = 1", ("d",), (), (), 3),
        ("df = df.drop(columns=['a', 'c'])", (), ("a", "c"), (), 3),
        ("df.loc[0, 'a'] = 9", (), (), ("a",), 3),
        ("df['b'] = df['b'].fillna('z')", (), (), ("b",), 3),
        ("df = df.astype({'a': float})", (), (), ("a",), 3),
        ("df = df.rename(columns={'a': 'A'})", ("A",), ("a",), (), 3),
        ("df = df.dropna()", (), (), (), 2),
        ("df = df[['c', 'a', 'b']]", (), (), (), 3),
        ("df = df.sort_values('a')", (), (), ("a", "b"), 3),
        ("df.index = [7, 8, 9]", (), (), (), 3),
        ("df.insert(0, 'a', 5, allow_duplicates=True)", ("a #2",), (), ("a",), 3),
    ],
)
def test_says_which_columns(
    manager: BackupManager,
    run: Run,
    source: str,
    added: tuple[str, ...],
    dropped: tuple[str, ...],
    modified: tuple[str, ...],
    rows: int,
) -> None:
    run(LOAD)
    run(source)
    (change,) = last(manager)
    assert change.name == "df"
    assert (change.rows_before, change.rows_after) == (3, rows)
    assert change.columns_added == added
    assert change.columns_dropped == dropped
    assert change.columns_modified == modified
    assert manager.log()[-1].backup


@pytest.mark.parametrize("source", ["df.head()", "df['a'].sum()", "df.copy()", "df.to_numpy()"])
def test_a_cell_that_only_reads_changed_nothing(
    manager: BackupManager, run: Run, source: str
) -> None:
    run(LOAD)
    run("df['d'] = 1.5; df['e'] = 2.5")
    run(source)
    assert last(manager) == ()


def test_a_series_has_no_columns(manager: BackupManager, run: Run) -> None:
    run("import pandas as pd; s = pd.Series([1, 2])")
    run("s[0] = 5")
    assert last(manager) == (FrameChange("s", "changed", 2, 2, 1, 1),)


def test_the_story_of_one_frame(manager: BackupManager, shell: InteractiveShell, run: Run) -> None:
    run(LOAD)
    run("other['z'] = 0")
    run("df = df.drop(columns='b')")
    run("1 + 1")
    run("del df")
    run("%backup undo")
    manager.undo()  # as from the panel: no cell
    story = manager.log(frame="df")
    assert [entry.source for entry in story] == [
        LOAD,
        "df = df.drop(columns='b')",
        "del df",
        "%backup undo",
        "undoing cell [3]: df = df.drop(columns='b')",
    ]
    assert [(f.what, f.columns_after) for e in story for f in e.frames if f.name == "df"] == [
        ("added", 3),
        ("changed", 2),
        ("removed", None),
        ("added", 2),
        ("changed", 3),
    ]
    assert story[-1].frames[0].columns_added == ("b",)
    assert manager.log(2, frame="df") == story[-2:]
    shown = shell.run_cell("%backup log --frame df").result
    assert isinstance(shown, Log)
    assert "3 × 3 → 3 × 2 (b dropped)" in html(shown)
    assert "5 changes of df" in text(shown)
    assert "other added" not in html(shown)
    assert "No cell has changed nope" in text(shell.run_cell("%backup log --frame nope").result)


def test_frames_in_containers_are_found_by_any_spelling(manager: BackupManager, run: Run) -> None:
    run("import pandas as pd; dfs = {'a': pd.DataFrame({'x': [1]})}")
    run("dfs['a']['y'] = 1")
    assert [e.source for e in manager.log(frame='dfs["a"]')][-1:] == ["dfs['a']['y'] = 1"]


def test_a_cell_that_fails_half_way(manager: BackupManager, shell: InteractiveShell) -> None:
    shell.run_cell(LOAD, store_history=True)
    shell.run_cell("df['d'] = 1\n1 / 0", store_history=True)
    entry = manager.log()[-1]
    assert entry.outcome == "error"
    assert entry.frames[0].columns_added == ("d",)


def test_what_an_earlier_session_ran_is_marked(
    manager: BackupManager, shell: InteractiveShell, run: Run, tmp_path: Path
) -> None:
    run(LOAD)
    run("df['d'] = 1")
    file = manager.export(manager.create("x").id, tmp_path / "x.zip")
    shell.run_line_magic("unload_ext", "dfbackup_jupyter")
    shell.run_line_magic("load_ext", "dfbackup_jupyter")
    again = BackupManager.current()
    again.restore(again.import_(file).id)
    shown = text(Log(again.log(), "", frame=None, session=again.session.id))
    assert "earlier session" in shown
    assert not any("earlier session" in line for line in shown.splitlines() if "restoring" in line)


FIRST = "import pandas as pd; df = pd.DataFrame({'a': [1, 2]})"
SHOW = """from dfbackup_jupyter import BackupManager
print([(e.execution_count, e.source, [(f.name, f.what) for f in e.frames])
       for e in BackupManager.current().log()])"""


ATTACH = "from dfbackup_jupyter import autoload; autoload.attach(get_ipython())"


@pytest.mark.parametrize("before, load", [(ATTACH, ""), ("1", "%load_ext dfbackup_jupyter\n")])
def test_the_cell_that_turns_backups_on_is_in_it(
    start_kernel: Callable[..., Kernel], before: str, load: str
) -> None:
    kernel = start_kernel(load=False, DFBACKUP_AUTOLOAD="0")
    kernel.run(before)
    kernel.run(load + FIRST)
    assert kernel.run(SHOW).stdout.strip() == repr([(2, load + FIRST, [("df", "added")])])
