"""``%backup`` in real shells and kernels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import TraitError
from traitlets.config import Config

from dfbackup_jupyter import autoload
from dfbackup_jupyter.backup import Backup, Details, Restored, Stats, Status, Verification
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.diff import Diff
from dfbackup_jupyter.errors import BackupError, InvalidRequest
from dfbackup_jupyter.ui.commands import COMMANDS
from dfbackup_jupyter.ui.results import Backups, Deletions, Log, Settings
from tests.kernels import Kernel
from tests.ui.conftest import FRAMES

Cell = Callable[[str], Any]
Mistake = Callable[[str], BackupError]


def test_every_command_gives_its_record(cell: Cell, tmp_path: Path) -> None:
    assert isinstance(cell("%backup"), Status)
    backup = cell("%backup create 'my name' -d \"it's a text\"")
    assert isinstance(backup, Backup)
    assert (backup.name, backup.description) == ("my name", "it's a text")
    file = tmp_path / "with space.zip"
    for line, kind in {
        "quick": Backup,
        "list": Backups,
        "list --all --kind manual --frame df -n 1": Backups,
        "show 'my name'": Details,
        "diff 'my name'": Diff,
        "diff 'my name' last --frame df": Diff,
        "restore last --dry-run": Restored,
        "restore 'my name' --only df,dfs['a b'] --data-only --exact": Restored,
        "stats": Stats,
        f'export last "{file}"': Path,
        f'import "{file}" --trust': Backup,
        "verify": Verification,
        "verify last": Verification,
        "log -n 2": Log,
        "log --deleted": Deletions,
        "auto off": Status,
        "auto on": Status,
        "config": Settings,
        "config durability": Settings,
        "config durability=strict": Settings,
        "delete last --yes": Backups,
        "cleanup --yes": Backups,
        "delete-all --yes": Backups,
    }.items():
        assert isinstance(cell(f"%backup {line}"), kind), line


def test_frames_go_back_and_forth(cell: Cell, shell: InteractiveShell) -> None:
    cell("b = %backup create first --only dfs['a b']")
    assert [frame.name for frame in shell.user_ns["b"].frames] == ["dfs['a b']"]
    assert len(cell("%backup list --frame dfs['a b']")) == 1
    assert len(cell("%backup list --frame df --kind manual")) == 0
    cell("number = 3")
    assert cell("%backup create run_{number}").name == "run_3"
    cell("df['n'] = 0")
    assert cell("%backup undo").restored == ("df",)
    assert shell.user_ns["df"]["n"].tolist() == [1, 2]
    assert cell("%backup redo").restored == ("df",)
    assert shell.user_ns["df"]["n"].tolist() == [0, 0]
    cell("%backup restore run_3 --only df --as old")
    assert shell.user_ns["old"]["n"].tolist() == [1, 2]
    assert cell("%backup quick;") is None
    assert len(cell("%backup list --kind quick")) == 1


def test_json_is_plain(cell: Cell) -> None:
    cell("%backup create one")
    cell("%backup create two")
    cell("%backup delete two --yes")
    for line in ("list", "show one", "diff one", "stats", "verify", "log", "log --deleted"):
        result = cell(f"%backup {line} --json")
        assert type(result) in (dict, list), line
        assert json.loads(json.dumps(result)) == result
    [backup] = cell("%backup list --json")
    assert set(backup) >= set(
        "id name description kind created session notebook frames provenance "
        "bytes_raw bytes_stored committed trusted".split()
    )
    assert set(backup["frames"][0]) >= set("name type rows columns bytes aliases".split())


def test_deleting_asks(cell: Cell, answers: list[str]) -> None:
    cell("%backup create one")
    answers += ["", "n", "y"]
    for refused in ("delete one", "cleanup", "delete-all"):
        assert cell(f"%backup {refused}") == []
    assert answers == []
    assert len(cell("%backup list")) == 1
    answers += ["y", "yes", "delete-all"]
    assert [b.name for b in cell("%backup delete one")] == ["one"]
    assert [d.name for d in cell("%backup log --deleted")] == ["one"]
    cell("%backup create two")
    assert [b.name for b in cell("%backup cleanup")] == ["two"]
    cell("%backup create three")
    assert "three" in [b.name for b in cell("%backup delete-all")]
    assert answers == []


def test_where_nobody_can_answer_nothing_is_deleted(
    cell: Cell, mistake: Mistake, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell("%backup create one")
    for error in (StdinNotImplementedError(), EOFError()):
        monkeypatch.setattr("builtins.input", Mock(side_effect=error))
        for line in ("delete one", "cleanup", "delete-all"):
            wrong = mistake(f"%backup {line}")
            assert isinstance(wrong, InvalidRequest)
            assert "--yes" in wrong.hint
    assert len(cell("%backup list")) == 1


def test_a_profile_may_give_a_size_a_unit() -> None:
    def limit(value: object) -> int:
        return DFBackup(config=Config(DFBackup=Config(memory_limit=value))).memory_limit

    assert limit("2 GiB") == 2 << 30
    assert limit(1000) == 1000
    for nonsense in ("much", "-1", "9" * 400):
        with pytest.raises(TraitError):
            limit(nonsense)


def test_settings(cell: Cell, mistake: Mistake) -> None:
    assert cell("%backup config auto") == {"auto": True}
    assert cell("%backup config auto=False") == {"auto": False}
    assert cell("%backup").auto is False
    assert "auto" in mistake("%backup config nothing").hint
    mistake("%backup config nothing=1")
    for nonsense in ("-1", "9" * 400):
        mistake(f"%backup config memory_limit={nonsense}")
    assert "500 MB or 2 GiB" in mistake("%backup config memory_limit=much").message
    for text, size in {
        "500MB": 500 * 10**6,
        "1.5 GiB": 3 << 29,
        "'2 gib'": 2 << 30,
        "7": 7,
        "1_000_000": 10**6,
    }.items():
        assert cell(f"%backup config memory_limit={text}") == {"memory_limit": size}
    assert "True or False" in mistake("%backup config auto=maybe").message
    assert "'background' or 'strict'" in mistake("%backup config durability=lax").message
    assert "config durability=strict" in mistake("%backup config durability strict").hint
    assert "neither on nor off" in mistake("%backup auto maybe").message
    cell("%backup auto on")
    assert cell("%backup config auto") == {"auto": True}


def test_help(cell: Cell, capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert cell(f"%backup {name} --help") is None
        assert f"%backup {name}" in capsys.readouterr().out
    cell("%backup --help")
    shown = capsys.readouterr().out
    assert all(f"%backup {name}" in shown for name in COMMANDS)
    assert "%%backup [NAME] [--rollback]" in shown


def test_unregistering_leaves_no_trace(bare_shell: InteractiveShell) -> None:
    def state() -> list[Any]:
        formatters = bare_shell.display_formatter.formatters
        return [
            set(bare_shell.magics_manager.magics["line"]),
            set(bare_shell.magics_manager.magics["cell"]),
            set(bare_shell.magics_manager.registry),
            list(bare_shell.input_transformers_cleanup),
            list(bare_shell.Completer.custom_matchers),
            [list(f.type_printers) for f in formatters.values()],
        ]

    before = state()
    bare_shell.extension_manager.load_extension("dfbackup_jupyter")
    assert state() != before
    bare_shell.extension_manager.unload_extension("dfbackup_jupyter")
    assert state() == before


def test_the_real_magic_takes_the_place_of_the_lazy_one(bare_shell: InteractiveShell) -> None:
    autoload.attach(bare_shell)
    result = bare_shell.run_cell("%backup")
    assert isinstance(result.result, Status)
    bare_shell.run_cell("%unload_ext dfbackup_jupyter")
    assert not bare_shell.run_cell("%backup").success
    assert bare_shell.run_cell("%load_ext dfbackup_jupyter").success
    assert isinstance(bare_shell.run_cell("%backup").result, Status)


def test_in_a_kernel(kernel: Kernel) -> None:
    kernel.run(FRAMES)
    wrong = kernel.run("%backup show nope\nprint('went on')")
    assert wrong.status == "error"
    assert wrong.error.startswith("BackupNotFound: There is no backup 'nope'.")
    first, second = wrong.traceback.splitlines()
    assert "BackupNotFound" in first
    assert "There is no backup 'nope'." in first
    assert second.startswith("%backup list --all")
    assert wrong.stdout == wrong.stderr == ""

    made = kernel.run("%backup create <b>one")
    assert "&lt;b&gt;one" in made.result["text/html"]
    assert "<b>one" in made.text
    assert "--yes" in kernel.run("%backup delete-all").error
    assert len(kernel.value("[b.id for b in get_ipython().run_line_magic('backup', 'list')]")) == 1

    rolled = kernel.run("%%backup --rollback\ndf['n'] = 0\n1 / 0")
    assert rolled.error.startswith("ZeroDivisionError")
    assert "dfbackup_jupyter" not in rolled.traceback
    assert kernel.value("df['n'].tolist()") == [1, 2]
    waited = kernel.run("%%backup\nimport asyncio\nawait asyncio.sleep(0)\n'done'")
    assert waited.text == "'done'"
    completed = kernel.client.complete("b = %backup sho", reply=True, timeout=20)["content"]
    assert completed["matches"] == ["show"]
    assert completed["cursor_start"] == len("b = %backup ")
