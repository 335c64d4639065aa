"""Agents in a real kernel: their tools run on threads of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.agent.conftest import FRAMES
from tests.kernels import Kernel
from tests.waiting import eventually

pytest.importorskip("langchain")

AGENT = """
from langchain.agents import create_agent
from langchain_core.tools import tool
from dfbackup_jupyter.agent import BackupMiddleware, langchain_tools
from tests.agent.scripted import ScriptedModel, calling

@tool
def run_python(code: str) -> str:
    "Run code."
    exec(code, globals())
    return "done"

def agent(*script):
    model = ScriptedModel(replies=[*script, "ok"])
    return create_agent(
        model, [run_python, *langchain_tools()], middleware=[BackupMiddleware()]
    )

go = {"messages": [("user", "go")]}
wrong = calling("run_python", "Dropping.", code="df = df.drop(columns='price'); df['nope']")
"""


@pytest.fixture
def kernel_with_agents(start_kernel: Callable[..., Kernel]) -> Kernel:
    kernel = start_kernel(load=False)
    # The very cell that loads the extension runs an agent.
    outcome = kernel.run(
        f"%load_ext dfbackup_jupyter\n{FRAMES}\n{AGENT}\nagent(calling('QuickBackup')).invoke(go);"
    )
    assert outcome.status == "ok", outcome.shown
    return kernel


def test_where_agents_run(kernel_with_agents: Kernel) -> None:
    kernel = kernel_with_agents
    assert "quick_" in kernel.run("%backup list").shown

    # In a cell that waits for it.
    outcome = kernel.run(
        "agent(wrong, lambda m: calling('UndoLast')).invoke(go)['messages'][-2].content"
    )
    assert "brought_back" in outcome.text, outcome.shown
    assert kernel.value("list(df)") == ["city", "price"]

    # In a cell that awaits it, with several calls at once.
    outcome = kernel.run(
        "both = calling('ManualBackup', name='a')\n"
        "both.tool_calls += calling('ManualBackup', name='b').tool_calls\n"
        "await agent(both, wrong).ainvoke(go);"
    )
    assert outcome.status == "ok", outcome.shown
    names = kernel.value("[b.name for b in get_ipython().run_line_magic('backup', 'list')]")
    assert {"a", "b", "agent: Dropping."} <= set(names)
    kernel.run("%backup undo")

    # On a thread that nobody waits for: frames are changed after the cell.
    outcome = kernel.run(
        "import threading, time\n"
        "asked = threading.Event()\n"
        "script = [lambda m: asked.set() or calling('UndoLast')]\n"
        "beside = threading.Thread(target=lambda: agent(*script).invoke(go))\n"
        "df['price'] = 0\n"
        "beside.start(); asked.wait(20)\n"
        "time.sleep(0.5)  # in which it could do harm\n"
        "seen = df['price'].sum().item()"
    )
    assert outcome.status == "ok", outcome.shown
    assert eventually(lambda: not kernel.value("beside.is_alive()"))
    assert kernel.value("(seen, df['price'].sum().item())") == (0, 7.5)


def test_asking_in_a_kernel(kernel_with_agents: Kernel) -> None:
    kernel = kernel_with_agents
    kernel.run(
        "from dfbackup_jupyter import agent as backups\n"
        "def said(*replies): backups.use_model(ScriptedModel(replies=list(replies)))"
    )
    kernel.run("df = df.drop(columns='price')")
    kernel.run("said(calling('UndoLast'), '**Xong.**')")
    outcome = kernel.run("%backup ask cột price đâu rồi?")
    assert "→ UndoLast()" in outcome.stdout
    assert "df 3 × 1 → 3 × 2" in outcome.stdout
    assert outcome.result == {"text/plain": "**Xong.**", "text/markdown": "**Xong.**"}
    assert kernel.value("list(df)") == ["city", "price"]

    # The question reaches the person who runs the cell.
    kernel.run("%backup create kept")
    kernel.run("said(calling('DeleteBackup', reference='kept'), 'Kept.')")
    client = kernel.client
    cell = client.execute("%%backup_ask\nXóa nó đi", allow_stdin=True)
    assert "delete kept. Delete?" in client.get_stdin_msg(timeout=20)["content"]["prompt"]
    client.input("n")
    assert "did not agree" in kernel.collect(cell).stdout
    # Where none can be asked, the answer is no.
    kernel.run("said(calling('DeleteBackup', reference='kept'), 'Kept.')")
    outcome = kernel.run("%backup ask Xóa nó đi")
    assert "questions cannot be asked here" in outcome.stdout
    assert "kept" in kernel.run("%backup list").shown
