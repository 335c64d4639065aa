"""A chat model that says what a test has written down, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

Reply = str | AIMessage | Callable[[list[BaseMessage]], "str | AIMessage"]


class ScriptedModel(BaseChatModel):
    """Gives one reply after the other; the last one again and again."""

    replies: list[Any]
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    tools: list[str] = Field(default_factory=list)

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> ScriptedModel:
        self.tools = [getattr(tool, "name", str(tool)) for tool in tools]
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> ChatResult:
        self.heard.append(messages)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply) and not isinstance(reply, AIMessage):
            reply = reply(messages)
        message = AIMessage(reply) if isinstance(reply, str) else reply.model_copy()
        message.id = None  # each is a message of its own
        return ChatResult(generations=[ChatGeneration(message=message)])

    @property
    def _llm_type(self) -> str:
        return "scripted"


_calls = 0


def calling(tool: str, said: str = "", **arguments: Any) -> AIMessage:
    """A reply that calls a tool."""
    global _calls
    _calls += 1
    call = {"name": tool, "args": arguments, "id": f"call_{_calls}"}
    return AIMessage(said, tool_calls=[call])


def answers(messages: Sequence[BaseMessage]) -> list[str]:
    """What the tools have answered, oldest first."""
    return [str(message.content) for message in messages if isinstance(message, ToolMessage)]
