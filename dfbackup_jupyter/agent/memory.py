"""An agent's conversation in the session's chat memory, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from dfbackup_jupyter.backup import JSON
from dfbackup_jupyter.session import ChatMemory

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


def remember(chat: ChatMemory, messages: Iterable[AnyMessage], conversation: str) -> None:
    """Add messages to the chat memory; those that are there already are not added again.

    Parameters
    ----------
    conversation : str
        What tells this conversation from others. May be empty.
    """
    for message in messages:
        if message.id:
            details = {"conversation": conversation, **_details(message)}
            given = {key: value for key, value in details.items() if value}
            role = _ROLES.get(message.type, message.type)
            chat.append(role, message.content, id=message.id, **given)


def recall(chat: ChatMemory, conversation: str, limit: int) -> list[AnyMessage]:
    """Return the newest messages of a conversation, as a model takes them.

    They begin with what the user said, and every call of a tool comes with its answer: models
    refuse anything else.
    """
    found = [m for m in chat.messages if m.get("conversation") == conversation][-limit:]
    turns: list[list[AnyMessage]] = []
    for record in found:
        message = _message(record)
        if isinstance(message, HumanMessage):
            turns.append([message])
        elif turns:
            turns[-1].append(message)
    return [message for turn in turns if _whole(turn) for message in turn]


def _details(message: AnyMessage) -> JSON:
    if isinstance(message, AIMessage):
        calls = [
            {"name": call["name"], "args": call["args"], "id": call["id"]}
            for call in message.tool_calls
        ]
        return {"name": message.name, "tool_calls": calls}
    if isinstance(message, ToolMessage):
        status = "error" if message.status == "error" else None
        return {"name": message.name, "tool_call_id": message.tool_call_id, "status": status}
    return {"name": message.name}


def _message(record: JSON) -> AnyMessage:
    shared: dict[str, Any] = {"content": record["content"], "id": record["id"]}
    match record["role"]:
        case "assistant":
            calls = record.get("tool_calls") or ()
            # A long one has become text.
            known = [call for call in calls if isinstance(call, dict) and "name" in call]
            return AIMessage(**shared, tool_calls=known)
        case "tool":
            return ToolMessage(**shared, tool_call_id=str(record.get("tool_call_id")))
        case _:
            return HumanMessage(**shared)


def _whole(turn: list[AnyMessage]) -> bool:
    """Return whether a turn ends with what the model says, and every call in it was answered."""
    asked = [call["id"] for m in turn if isinstance(m, AIMessage) for call in m.tool_calls]
    answered = [m.tool_call_id for m in turn if isinstance(m, ToolMessage)]
    return isinstance(turn[-1], AIMessage) and sorted(map(str, asked)) == sorted(answered)
