"""``%backup ask`` with scripted models, in a real shell."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("langchain")

from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage  # noqa: E402

from dfbackup_jupyter import BackupManager, agent  # noqa: E402
from dfbackup_jupyter.agent.assistant import MOST_CALLS  # noqa: E402
from dfbackup_jupyter.agent.tools import TOOLS  # noqa: E402
from dfbackup_jupyter.errors import AgentError, InvalidRequest  # noqa: E402
from dfbackup_jupyter.ui.results import Answer  # noqa: E402
from tests.agent.scripted import ScriptedModel, answers, calling  # noqa: E402

Run = Callable[[str], None]
Script = Callable[..., ScriptedModel]


@pytest.fixture
def script(notebook: BackupManager) -> Iterator[Script]:
    """Has the agent say what is written down."""

    def write(*replies: Any) -> ScriptedModel:
        model = ScriptedModel(replies=list(replies))
        agent.use_model(model)
        return model

    yield write
    agent.use_model(None)


@pytest.fixture
def asked(shell: InteractiveShell, script: Script) -> Callable[[str], Answer]:
    """Asks the agent in a cell, and gives its answer."""

    def ask(request: str) -> Answer:
        result = shell.run_cell(f"%backup ask {request}", store_history=True)
        result.raise_error()
        return result.result

    return ask


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user answers; the questions are checked to name what goes."""
    given: list[str] = []

    def answer(question: str) -> str:
        assert "An AI agent wants to delete" in question
        return given.pop(0)

    monkeypatch.setattr("builtins.input", answer)
    return given


REQUESTS = [
    (
        calling("ManualBackup", name="before_cleaning"),
        "Tạo backup với tên 'before_cleaning' trước khi tôi làm sạch dữ liệu",
        "Back up as 'before_cleaning' before I clean the data",
    ),
    (
        calling("QuickBackup"),
        "Tạo backup nhanh trước khi tôi thực hiện thao tác này",
        "Make a quick backup before I do this",
    ),
    (
        calling("ListBackups"),
        "Hiển thị danh sách các backup hiện có",
        "Show me the backups there are",
    ),
    (
        calling("RestoreBackup", reference="old"),
        "Khôi phục backup có ID 'old'",
        "Restore the backup with the ID 'old'",
    ),
    (calling("BackupStats"), "Hiển thị thống kê backup", "Show the statistics of my backups"),
    (calling("DeleteBackup", reference="old"), "Xóa backup có ID 'old'", "Delete the backup 'old'"),
    (
        calling("SessionCleanup"),
        "Dọn dẹp tất cả backup trong session hiện tại",
        "Clean up all backups of this session",
    ),
    (
        calling("DeleteAllBackups"),
        "Xóa tất cả backup trong hệ thống",
        "Delete all backups in the system",
    ),
    (
        calling("DiffBackup", reference="old"),
        "So sánh backup 'old' với dữ liệu hiện tại",
        "What has changed since the backup 'old'?",
    ),
    (calling("UndoLast"), "Hoàn tác thao tác vừa rồi", "Undo what I just did"),
]
ALL = [(call, request) for call, *both in REQUESTS for request in both]


def test_every_tool_has_its_request() -> None:
    assert {call.tool_calls[0]["name"] for call, *_ in REQUESTS} == {
        t.title for t in TOOLS.values()
    }


@pytest.mark.parametrize(("call", "request_"), ALL, ids=[request for _, request in ALL])
def test_what_is_asked_for_is_done(
    notebook: BackupManager,
    run: Run,
    script: Script,
    asked: Callable[[str], Answer],
    replies: list[str],
    capsys: pytest.CaptureFixture[str],
    call: AIMessage,
    request_: str,
) -> None:
    notebook.create("old")
    run("df['price'] = 0")
    replies.append("y")
    final = "Đã xong." if request_.isascii() is False else "Done."
    model = script(call, final)
    answer = asked(request_)
    assert (answer, answer._repr_markdown_()) == (final, final)

    system, user = model.heard[0]
    assert isinstance(system, SystemMessage)
    assert "df (3 rows x 2 columns)" in str(system.content)
    assert "language of the user" in str(system.content)
    assert (user.type, user.content) == ("human", request_)
    assert sorted(model.tools) == sorted(tool.title for tool in TOOLS.values())
    given = json.loads(answers(model.heard[1])[0])
    assert given["ok"], given

    name = call.tool_calls[0]["name"]
    shown = capsys.readouterr().out
    assert f"→ {name}(" in shown
    assert given["message"] in shown
    deleting = name.startswith(("Delete", "SessionCleanup"))
    assert replies == ([] if deleting else ["y"])
    said = notebook.chat.messages
    assert [m["role"] for m in said] == ["user", "assistant", "tool", "assistant"]
    assert (said[0]["content"], said[-1]["content"]) == (request_, final)


def test_the_frame_comes_back(
    script: Script, asked: Callable[[str], Answer], run: Run, shell: InteractiveShell
) -> None:
    run("df = df.drop(columns='price')")
    script(calling("UndoLast"), "Đã hoàn tác.")
    asked("Hoàn tác")
    assert list(shell.user_ns["df"]) == ["city", "price"]


DELETING = [
    (call, request)
    for call, request in ALL
    if call.tool_calls[0]["name"] in ("DeleteBackup", "SessionCleanup", "DeleteAllBackups")
]


@pytest.mark.parametrize(("call", "request_"), DELETING, ids=[request for _, request in DELETING])
def test_a_refusal_is_told_to_the_model(
    notebook: BackupManager,
    script: Script,
    asked: Callable[[str], Answer],
    replies: list[str],
    call: AIMessage,
    request_: str,
) -> None:
    kept = notebook.create("old")
    model = script(call, "Tôi giữ lại.")
    replies.append("n")
    assert asked(request_) == "Tôi giữ lại."
    assert "did not agree" in answers(model.heard[1])[0]
    assert notebook.list() == [kept]


def test_where_nobody_can_be_asked_nothing_is_deleted(
    notebook: BackupManager,
    script: Script,
    asked: Callable[[str], Answer],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def closed(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", closed)
    kept = notebook.create("kept")
    script(calling("DeleteAllBackups"), "ok")
    asked("delete all")
    assert "questions cannot be asked here" in capsys.readouterr().out
    assert notebook.list() == [kept]


def test_a_wrong_id_is_told_to_the_model(
    notebook: BackupManager, script: Script, asked: Callable[[str], Answer]
) -> None:
    notebook.create("right")
    model = script(
        calling("RestoreBackup", reference="manual_20000101_000000_wrong"),
        calling("ListBackups"),
        lambda m: calling(
            "RestoreBackup", reference=json.loads(answers(m)[-1])["backups"][0]["id"]
        ),
        "Restored.",
    )
    assert asked("restore the wrong one") == "Restored."
    first, _, last = map(json.loads, answers(model.heard[-1]))
    assert "Call ListBackups" in first["next_step"]
    assert last["ok"]


def test_a_call_that_makes_no_sense_is_told_to_the_model(
    script: Script, asked: Callable[[str], Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    model = script(calling("RestoreBackup", id=1), calling("Explode"), "Sorry.")
    assert asked("hm") == "Sorry."
    wrong, unknown = answers(model.heard[-1])
    assert "reference" in wrong
    assert "Explode" in unknown
    assert "reference" in capsys.readouterr().out


def test_a_model_that_loops_is_stopped(
    notebook: BackupManager, script: Script, asked: Callable[[str], Answer]
) -> None:
    model = script(lambda _: calling("ListBackups"))
    with pytest.raises(AgentError, match="without an end") as stopped:
        asked("list")
    assert stopped.value.hint
    assert len(model.heard) <= MOST_CALLS + 1


def test_the_conversation_goes_on(
    notebook: BackupManager, script: Script, asked: Callable[[str], Answer]
) -> None:
    model = script(calling("ManualBackup", name="A"), "Made A.", "You asked for A.")
    asked("back up as A")
    asked("what did I ask for?")
    roles = [message.type for message in model.heard[-1]]
    assert roles == ["system", "human", "ai", "tool", "ai", "human"]
    # Another session continues it, once the backup is restored.
    backup = notebook.quick()
    remembered = notebook.chat.messages
    notebook._state.chat.__init__()
    notebook.restore(backup.id)
    assert notebook.chat.messages == remembered
    asked("and now?")
    assert [m.content for m in model.heard[-1] if isinstance(m, HumanMessage)][:2] == [
        "back up as A",
        "what did I ask for?",
    ]


def test_what_was_cut_short_is_not_put_before_the_model_again(
    script: Script, asked: Callable[[str], Answer]
) -> None:
    with pytest.raises(AgentError):
        script(lambda _: calling("BackupStats"))
        asked("loop")
    model = script("Hello.")
    asked("hello")
    assert [m.content for m in model.heard[-1][1:]] == ["hello"]


def test_other_agents_conversations_are_theirs(
    notebook: BackupManager, script: Script, asked: Callable[[str], Answer]
) -> None:
    notebook.chat.append("user", "for somebody else", conversation="x")
    model = script("Hello.")
    asked("hello")
    assert len(model.heard[-1]) == 2


def test_a_failed_cell_and_its_backup_are_facts(
    script: Script, asked: Callable[[str], Answer], shell: InteractiveShell
) -> None:
    shell.run_cell("df = df.drop(columns='price'); df['no_such']", store_history=True)
    model = script("UndoLast would bring price back.")
    asked("what now?")
    facts = str(model.heard[-1][0].content)
    assert "FAILED with KeyError: 'no_such', backup before it: auto_" in facts
    assert "UndoLast would take back: cell" in facts


def test_a_request_of_several_lines(script: Script, shell: InteractiveShell) -> None:
    model = script("Được.")
    result = shell.run_cell("%%backup_ask\nTạo backup,\nrồi 'dừng' lại.\n")
    assert result.result == "Được."
    assert model.heard[-1][-1].content == "Tạo backup,\nrồi 'dừng' lại."


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("'quoted'", "quoted"),
        ("it's \"open", "it's \"open"),
        ("-n 5 --all", "-n 5 --all"),
        ("xóa  'a' và 'b'", "xóa  'a' và 'b'"),
        ("what's df?", "what's df?"),
        ("'df?'", "df?"),
    ],
)
def test_a_request_is_taken_as_it_stands(
    script: Script, asked: Callable[[str], Answer], line: str, request_: str
) -> None:
    model = script("ok")
    asked(line)
    assert model.heard[-1][-1].content == request_


def test_questions_in_strings_are_left_alone(script: Script, shell: InteractiveShell) -> None:
    script("ok")
    text = "1\n%backup ask who?\n2"
    shell.run_cell(f"text = '''{text}'''\n%backup ask and you?").raise_error()
    assert shell.user_ns["text"] == text
    assert shell.user_ns["_"] == "ok"


def test_help_and_nothing(
    asked: Callable[[str], Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    asked("--help")
    assert "%backup ask REQUEST" in capsys.readouterr().out
    with pytest.raises(InvalidRequest, match="REQUEST is missing"):
        asked("")


# What is not set up


def test_without_a_model(notebook: BackupManager, asked: Callable[[str], Answer]) -> None:
    with pytest.raises(AgentError, match="No chat model is set") as missing:
        asked("hello")
    assert "%backup config agent_model=" in missing.value.hint
    assert len(missing.value._render_traceback_()) == 2


@pytest.mark.parametrize("name", ["nobody:nothing", "anthropic:claude", "gibberish"])
def test_a_model_that_is_not_there(
    notebook: BackupManager, asked: Callable[[str], Answer], name: str
) -> None:
    notebook.configure("agent_model", name)
    with pytest.raises(AgentError, match=f"The chat model '{name}' cannot be used"):
        asked("hello")


def test_without_the_extra(
    notebook: BackupManager, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("dfbackup_jupyter.agent.")]:
        if name.rpartition(".")[2] in ("assistant", "langchain", "memory", "middleware"):
            monkeypatch.delitem(sys.modules, name)
    for name in ("langchain", "langchain.agents", "langchain_core.messages"):
        monkeypatch.setitem(sys.modules, name, None)
    result = shell.run_cell("%backup ask hello")
    with pytest.raises(AgentError, match="is not installed here") as missing:
        result.raise_error()
    assert "dfbackup-jupyter[agents]" in missing.value.hint
    with pytest.raises(AgentError):
        agent.BackupMiddleware  # noqa: B018


def test_a_model_that_fails(script: Script, asked: Callable[[str], Answer]) -> None:
    def fail(_: Any) -> str:
        raise ConnectionError("no route")

    script(fail)
    with pytest.raises(AgentError, match=r"The model failed\. ConnectionError: no route"):
        asked("hello")


def test_a_model_that_says_nothing(script: Script, asked: Callable[[str], Answer]) -> None:
    script("")
    assert "nothing" in asked("hello")


def test_an_interrupt_ends_it(
    notebook: BackupManager, script: Script, asked: Callable[[str], Answer]
) -> None:
    import _thread

    gone = threading.Event()

    def hang(_: Any) -> AIMessage:
        _thread.interrupt_main()
        gone.wait(20)
        return calling("QuickBackup")

    script(hang)
    with pytest.raises(KeyboardInterrupt):
        asked("hello")
    gone.set()
    for thread in threading.enumerate():
        if thread.name == "dfbackup-agent":
            thread.join(20)
    assert notebook.list() == []  # what the model wants after that is not done
