"""``%backup ask``: an agent in the notebook, with the backup tools. Needs the extra ``agents``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from dfbackup_jupyter.agent.answers import shape
from dfbackup_jupyter.agent.confirmation import Person
from dfbackup_jupyter.agent.desk import Desk, waited
from dfbackup_jupyter.agent.langchain import tools_on
from dfbackup_jupyter.agent.memory import recall, remember
from dfbackup_jupyter.errors import AgentError
from dfbackup_jupyter.manager import BackupManager

CONVERSATION = "%backup ask"
"""What tells this conversation from others in the chat memory."""

MOST_CALLS = 12
"""How often a model may answer with calls of tools: more, and it goes round in circles."""

_REMEMBERED = 40
_CELLS = 5
_LINE = 200

_PROMPT = """\
You look after the backups of the DataFrames in the user's Jupyter notebook. You have tools for \
that and no others: you cannot run code, and you do not see data.

- Answer in the language of the user's newest message, in a few sentences.
- Use the tools to do what is asked for. Never invent an ID: take it from the user, from the \
facts below, or from ListBackups.
- When the user is about to do something risky (dropping, merging, overwriting, filling), suggest \
a backup first; if they ask for one, name it after what they are going to do.
- When the newest cell failed, or the user says that something went wrong, recommend a \
restoration: say which backup, or UndoLast, and what it would bring back. Restore when they ask \
for it. Nothing is lost by that: the present state is backed up first.
- Delete only what the user asks for. The user is asked once more; if they refuse, accept it.
- When a tool has answered, tell the user what was done, with the backup's name and ID. When it \
answers with an error, do what its next_step says. Do not repeat a call with the same arguments.

The facts now:
"""


def ask(
    manager: BackupManager,
    question: str,
    *,
    model: BaseChatModel | None,
    confirm: Person,
    show: Callable[[str], None],
) -> str:
    """Have the agent do what is asked for, and return its answer.

    Parameters
    ----------
    model : BaseChatModel, optional
        What to use instead of the setting ``agent_model``.
    confirm : callable
        Asks the user before anything is deleted.
    show : callable
        Shows the user a step, in a line or more.

    Raises
    ------
    AgentError
        There is no model, it does not work, or it goes round in circles.
    """
    model = model or _named(manager.config.agent_model)
    desk = Desk()
    asked = HumanMessage(question, id=f"ask-{uuid.uuid4()}")
    graph = create_agent(
        model, tools_on(desk.call, confirm), system_prompt=f"{_PROMPT}{_facts(manager)}"
    )
    before = recall(manager.chat, CONVERSATION, _REMEMBERED)
    remember(manager.chat, [asked], CONVERSATION)

    def work() -> str:
        said = ""
        calls = 0
        for message in _messages(graph, [*before, asked]):
            remember(manager.chat, [message], CONVERSATION)
            for line in _steps(message):
                waited(desk.call(partial(show, line)))
            if isinstance(message, AIMessage):
                said = str(message.text).strip()
                calls += bool(message.tool_calls)
            if calls > MOST_CALLS:
                raise AgentError(
                    f"The model has called tools {MOST_CALLS} times without an end, and was "
                    "stopped.",
                    "What the steps above say was done. Ask for less at once, or use a stronger "
                    "model.",
                )
        return said

    try:
        return desk.serve(work) or "(The model said nothing.)"
    except AgentError:
        raise
    except Exception as error:
        raise AgentError(
            f"The model failed. {_brief(error)}",
            "Check its name, its key and the network. What the steps above say was done.",
        ) from error


def _named(name: str) -> BaseChatModel:
    if not name:
        raise AgentError(
            "No chat model is set, so there is nobody to ask.",
            "Name one as LangChain does: %backup config agent_model=PROVIDER:MODEL. Its package "
            "must be installed, and its key be in the environment.",
        )
    try:
        return init_chat_model(name)
    except Exception as error:
        raise AgentError(
            f"The chat model {name!r} cannot be used. {_brief(error)}",
            "Set another one: %backup config agent_model=PROVIDER:MODEL.",
        ) from error


def _messages(graph: Any, given: list[AnyMessage]) -> Iterator[AnyMessage]:
    """Give each message as soon as it is there."""
    limit = {"recursion_limit": 4 * MOST_CALLS}
    for update in graph.stream({"messages": given}, limit, stream_mode="updates"):
        for node in update.values():
            yield from (node or {}).get("messages", ())


def _steps(message: AnyMessage) -> Iterator[str]:
    """Give what a user should see of a message; the last one is the answer, and not among it."""
    if isinstance(message, AIMessage) and message.tool_calls:
        if said := str(message.text).strip():
            yield said
        for call in message.tool_calls:
            given = ", ".join(f"{key}={value!r}" for key, value in call["args"].items())
            yield f"→ {call['name']}({given})"
    elif isinstance(message, ToolMessage):
        yield f"  {_outcome(message)}"


def _outcome(message: ToolMessage) -> str:
    try:
        answer = json.loads(str(message.content))
    except ValueError:  # not of ours: a call that LangChain has refused
        return _brief(message.content)
    return str(answer.get("message") or answer.get("error"))


def _facts(manager: BackupManager) -> str:
    status = manager.status()
    frames = [f"{name} ({shape(*size)})" for name, size in status.frames.items()]
    lines = [
        f"DataFrames: {', '.join(frames[:_REMEMBERED]) or 'none'}",
        f"Backups of this session: {status.session_backups}",
        f"UndoLast would take back: {status.undo or 'nothing'}",
        f"Automatic backups before risky cells: {'on' if status.auto else 'off'}",
    ]
    if status.problem:
        lines.append(f"Backing up does not work: {status.problem}")
    for entry in manager.log(_CELLS):
        failed = f", FAILED with {entry.error}" if entry.outcome == "error" else ""
        backup = f", backup before it: {entry.backup}" if entry.backup else ""
        lines.append(f"Cell [{entry.execution_count}]: {_brief(entry.source)}{failed}{backup}")
    return "\n".join(f"- {line}" for line in lines)


def _brief(said: object) -> str:
    text = f"{type(said).__name__}: {said}" if isinstance(said, Exception) else str(said)
    text = " ".join(text.split())
    return text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"
