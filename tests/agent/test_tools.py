"""The tools as functions, in a real shell."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any, get_type_hints

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter import BackupManager, agent
from dfbackup_jupyter.agent import tools
from dfbackup_jupyter.agent.confirmation import LIFETIME, Confirmations, asking
from dfbackup_jupyter.agent.tools import TOOLS
from dfbackup_jupyter.errors import StoreUnavailable
from tests.waiting import settled

Run = Callable[[str], None]
JSON = dict[str, Any]

TITLES = (
    "ManualBackup QuickBackup ListBackups RestoreBackup BackupStats DeleteBackup SessionCleanup "
    "DeleteAllBackups DiffBackup UndoLast"
)


def well(answer: JSON) -> JSON:
    """An answer that says that all went well, and can be sent as JSON."""
    assert answer["ok"], answer
    assert answer["message"]
    json.dumps(answer)
    return answer


def badly(answer: JSON) -> JSON:
    """An answer that says what to do instead."""
    assert not answer["ok"], answer
    assert answer["error"]
    assert answer["next_step"]
    json.dumps(answer)
    return answer


def frame(shell: InteractiveShell) -> pd.DataFrame:
    return shell.user_ns["df"]


def test_there_are_ten_and_a_model_is_told_how_to_call_each() -> None:
    assert " ".join(tool.title for tool in TOOLS.values()) == TITLES
    for name, tool in TOOLS.items():
        assert getattr(agent, name) is tool.function
        assert tool.title.lower() == name.replace("_", "")
        documented = tool.function.__doc__ or ""
        hints = get_type_hints(tool.function)
        for parameter in inspect.signature(tool.function).parameters:
            assert f"        {parameter}: " in documented
            assert hints[parameter] in (str, bool, int, list[str] | None)


def test_a_named_backup_brings_back_what_was_lost(
    notebook: BackupManager, run: Run, shell: InteractiveShell
) -> None:
    before = frame(shell).copy()
    made = well(agent.manual_backup("trước khi làm sạch", "mọi cột"))["backup"]
    assert (made["name"], made["description"]) == ("trước khi làm sạch", "mọi cột")
    assert made["frames"] == {"df": "3 rows x 2 columns"}
    run("df = df.drop(columns='price'); note = 1")
    restored = well(agent.restore_backup(made["id"]))
    assert restored["brought_back"] == ["df"]
    assert "3 × 1 → 3 × 2" in restored["message"]
    pd.testing.assert_frame_equal(frame(shell), before)
    assert well(agent.undo_last())["brought_back"] == ["df"]
    assert list(frame(shell)) == ["city"]


def test_one_frame_comes_back_beside_the_other(
    notebook: BackupManager, run: Run, shell: InteractiveShell
) -> None:
    made = well(agent.quick_backup())["backup"]
    run("df['price'] = 0; other = df.copy()")
    answer = well(agent.restore_backup(made["id"], frames=["df"], as_name="old", data_only=True))
    assert answer["brought_back"] == ["old"]
    assert shell.user_ns["old"]["price"].tolist() == [1.5, 2.5, 3.5]
    assert frame(shell)["price"].tolist() == [0, 0, 0]


def test_a_difference_names_columns_and_no_cell(notebook: BackupManager, run: Run) -> None:
    agent.manual_backup("raw")
    run("df = df.drop(columns='price'); df.loc[0, 'city'] = 'Secret'")
    answer = well(agent.diff_backup("raw", frame="df"))
    (found,) = answer["different"]
    assert (found["before"], found["after"]) == ("3 rows x 2 columns", "3 rows x 1 columns")
    assert any("price" in column for column in found["columns"])
    assert "Secret" not in json.dumps(answer)
    assert "Rome" not in json.dumps(answer)
    agent.quick_backup()
    assert well(agent.diff_backup("last"))["message"] == "Nothing differs."
    assert well(agent.diff_backup("raw", "last"))["different"]


def test_lists_are_short_and_say_how_to_see_more(notebook: BackupManager, run: Run) -> None:
    for number in range(25):
        agent.manual_backup(f"b{number}")
    run("df['x'] = 1")
    run("df = df.drop(columns='x')")
    settled(notebook)
    answer = well(agent.list_backups())
    assert len(answer["backups"]) == 20
    assert "20 of 26" in answer["message"]
    assert [b["name"] for b in well(agent.list_backups(limit=2))["backups"][1:]] == ["b24"]
    assert well(agent.list_backups(limit=0))["backups"]
    automatic = next(b for b in answer["backups"] if b["kind"] == "auto")
    assert automatic["before_cell"] == "df = df.drop(columns='x')"
    assert well(agent.list_backups(frame="nope"))["backups"] == []
    kinds = {b["kind"] for b in well(agent.list_backups(all_sessions=True, limit=99))["backups"]}
    assert kinds == {"manual", "auto", "autosave"}


def test_statistics(notebook: BackupManager) -> None:
    assert "no backup" in well(agent.list_backups())["message"]
    agent.quick_backup()
    settled(notebook)
    answer = well(agent.backup_stats())
    assert answer["backups_of_this_session"] == 1
    assert answer["backups_by_kind"] == {"quick": 1, "autosave": 1}
    assert answer["megabytes_on_disk"] > 0


@pytest.mark.parametrize(
    ("call", "says", "then"),
    [
        (lambda: agent.restore_backup("nope"), "no backup 'nope'", "list_backups"),
        (lambda: agent.delete_backup("nope"), "no backup 'nope'", "list_backups"),
        (lambda: agent.diff_backup("nope"), "no backup 'nope'", "list_backups"),
        (lambda: agent.restore_backup("manual_"), "means 2 backups", "Ask the user"),
        (lambda: agent.restore_backup("one", frames=["x"]), "has no frame 'x'", "df"),
        (lambda: agent.restore_backup("one", as_name="a b"), "a b", "plain one"),
        (lambda: agent.manual_backup(" "), "needs a name", "Give one"),
        (lambda: agent.manual_backup("last"), "cannot be a name", "another"),
        (lambda: agent.undo_last(), "undo", "Tell the user"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    notebook: BackupManager, call: Callable[[], JSON], says: str, then: str
) -> None:
    agent.manual_backup("one")
    agent.manual_backup("two")
    answer = badly(call())
    assert says in answer["error"]
    assert then in answer["next_step"]


def test_a_session_without_frames(manager: BackupManager) -> None:
    assert "no DataFrame" in badly(agent.quick_backup())["error"]


def test_a_kernel_without_backups() -> None:
    answer = badly(agent.list_backups())
    assert "not turned on" in answer["error"]
    assert "%load_ext" in answer["next_step"]


@pytest.mark.parametrize("error", [StoreUnavailable("The disk is full.", "Free some."), OSError()])
def test_what_fails_inside_is_told(
    notebook: BackupManager, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(notebook, "quick", fail)
    assert "Tell the user" in badly(agent.quick_backup())["next_step"]


def test_an_interrupt_is_not_swallowed(
    notebook: BackupManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(notebook, "quick", interrupt)
    with pytest.raises(KeyboardInterrupt):
        agent.quick_backup()


# Deleting


def names(manager: BackupManager) -> set[str]:
    return {backup.name for backup in manager.list(all=True)}


def made(manager: BackupManager, *wanted: str) -> dict[str, str]:
    """Make backups of these names; their IDs."""
    return {name: agent.manual_backup(name)["backup"]["id"] for name in wanted}


@pytest.mark.parametrize(
    ("tool", "goes"),
    [
        (lambda code="": agent.delete_backup("a", code), {"a"}),
        (agent.session_cleanup, {"a", "b"}),
        (agent.delete_all_backups, {"a", "b", "kept"}),
    ],
)
def test_the_second_call_deletes_what_the_first_one_listed(
    notebook: BackupManager, tool: Callable[..., JSON], goes: set[str]
) -> None:
    made(notebook, "a", "b", "kept")
    notebook.pin("kept")
    settled(notebook)
    first = badly(tool())
    assert {b.get("name") for b in first["would_delete"]} - {None} == goes
    assert first["confirmation"] in first["next_step"]
    assert names(notebook) == {"a", "b", "kept"}
    made(notebook, "newer")
    second = well(tool(first["confirmation"]))
    assert len(second["deleted"]) == first["count"]
    assert names(notebook) == {"a", "b", "kept", "newer"} - goes
    assert {gone.by for gone in notebook.deletions(1)} == {"an AI agent"}


def test_a_code_is_good_once_and_for_what_it_was_given_for(notebook: BackupManager) -> None:
    made(notebook, "a", "b")
    code = badly(agent.delete_backup("a"))["confirmation"]
    for call in (
        lambda: agent.delete_backup("b", code),  # uses it up
        lambda: agent.delete_backup("a", code),
        lambda: agent.delete_all_backups(badly(agent.delete_backup("a"))["confirmation"]),
        lambda: agent.session_cleanup("yes"),
    ):
        assert "confirmation code is wrong" in badly(call())["error"]
    assert names(notebook) == {"a", "b"}
    well(agent.delete_backup("a", f" {badly(agent.delete_backup('a'))['confirmation']}\n"))
    assert names(notebook) == {"b"}


def test_what_was_pinned_meanwhile_stays(notebook: BackupManager) -> None:
    made(notebook, "a", "b")
    code = badly(agent.session_cleanup())["confirmation"]
    notebook.pin("b")
    well(agent.session_cleanup(code))
    assert names(notebook) == {"b"}


def test_a_code_expires(notebook: BackupManager, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(tools, "_confirmations", Confirmations(lambda: now[0]))
    made(notebook, "a")
    late, in_time = (badly(agent.delete_backup("a"))["confirmation"] for _ in range(2))
    now[0] = LIFETIME - 1
    fresh = badly(agent.delete_backup("a"))["confirmation"]
    now[0] = LIFETIME
    badly(agent.delete_backup("a", late))
    badly(agent.delete_backup("a", in_time))
    well(agent.delete_backup("a", fresh))


def test_nothing_to_delete_needs_no_confirmation(notebook: BackupManager) -> None:
    assert well(agent.session_cleanup())["deleted"] == []


def test_the_setting_leaves_deleting_to_a_person(notebook: BackupManager) -> None:
    ids = made(notebook, "a")
    code = badly(agent.delete_backup("a"))["confirmation"]
    notebook.configure("agent_confirmation", "True")
    for answer in (agent.delete_backup("a"), agent.delete_backup("a", code)):
        assert f"%backup delete {ids['a']}" in badly(answer)["next_step"]
        assert "confirmation" not in answer
    assert "%backup cleanup" in badly(agent.session_cleanup())["next_step"]
    assert "%backup delete-all" in badly(agent.delete_all_backups())["next_step"]
    assert names(notebook) == {"a"}


@pytest.mark.parametrize("always", [True, False])
def test_a_person_who_is_there_is_asked(notebook: BackupManager, always: bool) -> None:
    notebook.config.agent_confirmation = always
    made(notebook, "a", "b")
    questions: list[str] = []
    replies = [False, True]

    def person(question: str) -> bool:
        questions.append(question)
        return replies.pop(0)

    with asking(person), asking(None):
        assert "did not agree" in badly(agent.delete_backup("a"))["error"]
        assert names(notebook) == {"a", "b"}
        well(agent.delete_backup("a"))
    assert names(notebook) == {"b"}
    assert all("delete a." in question for question in questions)
    badly(agent.delete_backup("b"))
