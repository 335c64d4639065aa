"""A LangChain agent that runs code, and the safety net around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("langchain")

from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from langchain.agents import create_agent  # noqa: E402
from langchain_core.messages import AIMessage, ToolMessage  # noqa: E402
from langchain_core.tools import BaseTool, StructuredTool  # noqa: E402
from langgraph.checkpoint.memory import InMemorySaver  # noqa: E402
from langgraph.types import interrupt  # noqa: E402

from dfbackup_jupyter import BackupManager  # noqa: E402
from dfbackup_jupyter.agent import BackupMiddleware, langchain_tools  # noqa: E402
from dfbackup_jupyter.errors import StoreUnavailable  # noqa: E402
from tests.agent.scripted import ScriptedModel, answers, calling  # noqa: E402

Run = Callable[[str], None]
Agent = Callable[..., dict[str, Any]]


@pytest.fixture(params=["invoke", "ainvoke"])
def agent(request: pytest.FixtureRequest) -> Agent:
    """Has an agent with a script and some tools do what it is asked for."""

    def work(script: list[Any], tools: list[BaseTool], asked: str = "go", **net: Any) -> Any:
        middleware = BackupMiddleware(**net)
        graph = create_agent(
            ScriptedModel(replies=script), [*tools, *langchain_tools()], middleware=[middleware]
        )
        given = {"messages": [("user", asked)]}
        return (
            graph.invoke(given) if request.param == "invoke" else asyncio.run(graph.ainvoke(given))
        )

    return work


@pytest.fixture
def python(shell: InteractiveShell) -> BaseTool:
    """A tool that runs code in the notebook, as agents have it."""

    def run_python(code: str) -> str:
        """Run Python code."""
        exec(code, shell.user_ns)
        return "done"

    return StructuredTool.from_function(run_python)


def test_every_tool_can_be_called(notebook: BackupManager, agent: Agent, run: Run) -> None:
    def of_last(messages: list[Any]) -> str:
        return json.loads(answers(messages)[-1])["confirmation"]

    def again(tool: str, **arguments: Any) -> Callable[[list[Any]], AIMessage]:
        return lambda messages: calling(tool, confirmation=of_last(messages), **arguments)

    state = agent(
        [
            calling("ManualBackup", name="một"),
            calling("QuickBackup"),
            calling("ListBackups"),
            calling("RestoreBackup", reference="một", frames=["df"], as_name="cũ"),
            calling("UndoLast"),
            calling("DiffBackup", reference="một"),
            calling("BackupStats"),
            calling("DeleteBackup", reference="một"),
            again("DeleteBackup", reference="một"),
            calling("SessionCleanup"),
            again("SessionCleanup"),
            calling("DeleteAllBackups"),
            again("DeleteAllBackups"),
            "xong",
        ],
        [],
    )
    given = [json.loads(text) for text in answers(state["messages"])]
    confirming = [7, 9, 11]
    assert [answer["ok"] for answer in given] == [n not in confirming for n in range(13)]
    assert "call DeleteBackup again" in given[7]["next_step"]
    assert notebook.list(all=True) == []


def test_a_backup_before_code_is_named_after_the_intent(
    notebook: BackupManager, agent: Agent, python: BaseTool
) -> None:
    agent(
        [
            calling("run_python", "Tôi sẽ xóa cột price.\nSau đó dừng.", code="df.pop('price')"),
            calling("run_python", code="df['x'] = 1"),
            "done",
        ],
        [python],
    )
    second, first = notebook.list(kind="auto")
    assert first.name == "agent: Tôi sẽ xóa cột price."
    assert first.provenance.cell == "df.pop('price')"
    assert first.frames[0].columns == 2
    assert second.name == "agent: run_python: df['x'] = 1"
    assert second.frames[0].columns == 1


def test_a_failure_offers_to_go_back_and_the_agent_does(
    notebook: BackupManager, agent: Agent, python: BaseTool, shell: InteractiveShell
) -> None:
    def go_back(messages: list[Any]) -> AIMessage:
        (offer,) = answers(messages)
        assert offer.startswith("KeyError: 'no_such'")
        assert "has changed df" in offer
        return calling("RestoreBackup", reference=notebook.list(kind="auto")[0].id)

    code = "df = df.drop(columns='price'); df['no_such']"
    state = agent([calling("run_python", "Dropping.", code=code), go_back, "ok"], [python])
    failed = next(m for m in state["messages"] if isinstance(m, ToolMessage))
    assert failed.status == "error"
    assert notebook.list(kind="auto")[0].id in failed.content
    assert list(shell.user_ns["df"]) == ["city", "price"]


@pytest.mark.parametrize(
    "text", ["NameError(\"name 'x' is not defined\")", "Traceback (most recent call last):\n…"]
)
def test_tools_that_tell_of_errors_in_words(
    notebook: BackupManager, agent: Agent, text: str
) -> None:
    def python_repl(query: str) -> str:
        """Run Python."""
        return text

    state = agent(
        [calling("python_repl", query="x"), "oh"], [StructuredTool.from_function(python_repl)]
    )
    (answer,) = answers(state["messages"])
    assert answer.startswith(text)
    assert "has changed no DataFrame" in answer


def test_what_goes_well_is_left_as_it_is(
    notebook: BackupManager, agent: Agent, python: BaseTool
) -> None:
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    state = agent(
        [calling("run_python", code="pass"), calling("add", a=1, b=2), "ok"],
        [python, StructuredTool.from_function(add)],
    )
    assert answers(state["messages"]) == ["done", "3"]
    assert len(notebook.list()) == 1  # none for the sum


def test_other_tools_raise_as_before(notebook: BackupManager, agent: Agent) -> None:
    def add(a: int) -> int:
        """Add."""
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        agent([calling("add", a=1), "ok"], [StructuredTool.from_function(add)])


def test_tools_can_be_named(notebook: BackupManager, agent: Agent, python: BaseTool) -> None:
    def wild(text: str) -> str:
        """Do anything."""
        return "found"

    tools = [python, StructuredTool.from_function(wild)]
    script = [calling("run_python", code="pass"), calling("wild", text="abc"), "ok"]
    agent(list(script), tools, code_tools=["wild"], search_tools=[])
    assert [b.name for b in notebook.list(kind="auto")] == ["agent: wild: abc"]
    agent(list(script), tools, code_tools=[], search_tools=["wild"])
    assert [search["query"] for search in notebook.searches.entries] == ['{"text": "abc"}']


def test_conversation_and_searches_are_session_state(
    notebook: BackupManager, agent: Agent, run: Run, shell: InteractiveShell
) -> None:
    def web_search(query: str) -> list[dict[str, str]]:
        """Search the web."""
        return [{"title": "DataFrame.dropna", "about": query}]

    script = [calling("web_search", "Tôi tìm.", query="pandas dropna"), "Dùng dropna()."]
    agent(
        script,
        [StructuredTool.from_function(web_search)],
        asked="Làm sao xóa dòng trống?",
        conversation="t1",
    )
    said = notebook.chat.messages
    assert [m["role"] for m in said] == ["user", "assistant", "tool", "assistant"]
    assert [m["content"] for m in said][::3] == ["Làm sao xóa dòng trống?", "Dùng dropna()."]
    assert said[1]["tool_calls"][0]["args"] == {"query": "pandas dropna"}
    assert said[2]["tool_call_id"] == said[1]["tool_calls"][0]["id"]
    assert {m["conversation"] for m in said} == {"t1"}
    (search,) = notebook.searches.entries
    assert search["query"] == "pandas dropna"
    assert "DataFrame.dropna" in str(search["results"])
    assert search["tool"] == "web_search"
    shown = {info.recorder for info in notebook.quick().state}
    assert shown >= {"chat_memory", "web_searches"}


def test_without_a_backup_the_agent_is_told_and_goes_on(
    notebook: BackupManager, agent: Agent, python: BaseTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("The disk is full.", "Free some.")

    monkeypatch.setattr(notebook, "protect", full)
    state = agent([calling("run_python", code="df['x'] = 1"), "ok"], [python])
    (answer,) = answers(state["messages"])
    assert answer.startswith("done\n\n[dfbackup] No backup could be made before this. The disk")


def test_a_session_without_frames_has_nothing_to_lose(
    manager: BackupManager, agent: Agent, python: BaseTool
) -> None:
    state = agent([calling("run_python", code="x = 1"), "ok"], [python])
    assert answers(state["messages"]) == ["done"]


def test_without_the_extension_the_agent_works(agent: Agent) -> None:
    def run_code(code: str) -> str:
        """Run code."""
        return "ran"

    state = agent(
        [calling("run_code", code="x"), calling("ListBackups"), "ok"],
        [StructuredTool.from_function(run_code)],
    )
    ran, listed = answers(state["messages"])
    assert "backups are not turned on" in ran
    assert "%load_ext" in listed


def test_a_graph_that_stops_to_ask_somebody_does_so(
    notebook: BackupManager, python: BaseTool
) -> None:
    def run_code(code: str) -> str:
        """Run code."""
        return str(interrupt("May I?"))

    graph = create_agent(
        ScriptedModel(replies=[calling("run_code", code="x"), "ok"]),
        [StructuredTool.from_function(run_code)],
        middleware=[BackupMiddleware()],
        checkpointer=InMemorySaver(),
    )
    state = graph.invoke({"messages": [("user", "go")]}, {"configurable": {"thread_id": "1"}})
    assert state["__interrupt__"][0].value == "May I?"


def test_a_person_is_asked_where_there_is_one(notebook: BackupManager) -> None:
    asked: list[str] = []
    tools = langchain_tools(confirm=lambda question: bool(asked.append(question)))
    delete = next(tool for tool in tools if tool.name == "DeleteBackup")
    kept = notebook.create("kept")
    assert "did not agree" in delete.invoke({"reference": "kept"})["error"]
    assert "kept" in asked[0]
    assert notebook.list() == [kept]
