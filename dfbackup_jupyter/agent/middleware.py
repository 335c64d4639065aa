"""A safety net around the tools of a LangChain agent that run code. Needs the extra ``agents``."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime
from langgraph.types import Command

from dfbackup_jupyter import main_thread
from dfbackup_jupyter.agent.memory import remember
from dfbackup_jupyter.agent.tools import TOOLS
from dfbackup_jupyter.backup import JSON, Backup
from dfbackup_jupyter.errors import BackupError, NothingToDo
from dfbackup_jupyter.manager import BackupManager

logger = logging.getLogger(__name__)

_OURS = frozenset(tool.title for tool in TOOLS.values())
_CODE = re.compile(
    r"python|repl|interpreter|jupyter|shell|bash|terminal|pandas|execut|"
    r"(run|eval)_?\w*(code|cell|script|notebook|command)",
    re.IGNORECASE,
)
_SOURCES = ("code", "python_code", "source", "script", "cell", "command", "commands")
_SEARCH = re.compile(
    r"search|tavily|serper|serpapi|duckduckgo|brave|bing|google|wikipedia", re.IGNORECASE
)
_QUERIES = ("query", "q", "search_query", "input")
_INTENTS = ("intent", "description", "explanation", "reason", "purpose")
_FAILURE = re.compile(r"Traceback \(most recent call last\)|\A\s*\w*(Error|Exception)\b")
_NAME = 80


@dataclass(frozen=True)
class _Watch:
    """A call of a tool that runs code, and the backup before it."""

    backup: Backup | None
    note: str = ""


class BackupMiddleware(AgentMiddleware[Any, Any, Any]):
    """Backs up before an agent runs code, and keeps its conversation in the session state.

    Before each call of a tool that runs code, there is a backup that is named after what the agent
    says it is about to do. When such a call fails, its answer offers the agent to bring the state
    before it back. Messages go to the session's chat memory, web searches to its log of them.

    It never stops an agent: without backups in this kernel, or with a full disk, the tools run, and
    the answer says that nothing protects them.

    Parameters
    ----------
    code_tools, search_tools : collection of str, optional
        Names of the tools that run code, and of those that search the web. By default, they are
        told by their names and arguments.
    conversation : str
        What tells this agent's messages from others in the chat memory.
    """

    def __init__(
        self,
        *,
        code_tools: Collection[str] | None = None,
        search_tools: Collection[str] | None = None,
        conversation: str = "",
    ) -> None:
        super().__init__()
        self._code_tools = code_tools
        self._search_tools = search_tools
        self._conversation = conversation
        self._remembered: set[str] = set()

    # The conversation

    def before_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        self._remember(state["messages"])

    def after_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> None:
        self._remember(state["messages"])

    def _remember(self, messages: Sequence[AnyMessage]) -> None:
        manager = _manager()
        if manager is not None:
            new = [message for message in messages if message.id not in self._remembered]
            remember(manager.chat, new, self._conversation)
            self._remembered.update(message.id for message in new if message.id)

    # Calls of tools

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Call a tool, with a backup before it if it runs code."""
        watch = main_thread.call(lambda: self._begin(request)).result()
        try:
            result = handler(request)
        except Exception as error:
            result = _survived(watch, request, error)
        return main_thread.call(lambda: self._end(request, watch, result)).result()

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Call a tool, with a backup before it if it runs code."""
        watch = await asyncio.wrap_future(main_thread.call(lambda: self._begin(request)))
        try:
            result = await handler(request)
        except Exception as error:
            result = _survived(watch, request, error)
        ended = main_thread.call(lambda: self._end(request, watch, result))
        return await asyncio.wrap_future(ended)

    def _begin(self, request: ToolCallRequest) -> _Watch | None:
        """Back up before a tool that runs code; None for the others."""
        name, arguments = request.tool_call["name"], request.tool_call["args"]
        if not self._runs_code(name, arguments):
            return None
        manager = _manager()
        if manager is None:
            return _Watch(
                None, "No backup was made before this: backups are not turned on in this kernel."
            )
        source = _source(arguments)
        intent = _intent(request) or f"{name}: {source}"
        try:
            backup = manager.protect(
                f"agent: {_short(intent)}", source=source, reason=f"before an agent calls {name}"
            )
        except NothingToDo:
            return _Watch(None)
        except Exception as error:
            logger.info("no backup before %s", name, exc_info=True)
            return _Watch(None, f"No backup could be made before this. {error}")
        return _Watch(backup)

    def _end(
        self,
        request: ToolCallRequest,
        watch: _Watch | None,
        result: ToolMessage | Command[Any],
    ) -> ToolMessage | Command[Any]:
        if not isinstance(result, ToolMessage):
            return result
        if watch is not None:
            note = _offer(watch.backup) if watch.backup and _has_failed(result) else watch.note
            return _with_note(result, note)
        if self._searches(request.tool_call["name"]):
            self._log_search(request, result)
        return result

    def _log_search(self, request: ToolCallRequest, result: ToolMessage) -> None:
        manager, arguments = _manager(), request.tool_call["args"]
        if manager is not None:
            query = next((arguments[key] for key in _QUERIES if key in arguments), arguments)
            manager.searches.append(
                query if isinstance(query, str) else json.dumps(query, ensure_ascii=False),
                result.content,
                id=request.tool_call["id"],
                tool=request.tool_call["name"],
            )

    def _runs_code(self, name: str, arguments: JSON) -> bool:
        if self._code_tools is not None:
            return name in self._code_tools
        return name not in _OURS and bool(
            _CODE.search(name) or not arguments.keys().isdisjoint(_SOURCES)
        )

    def _searches(self, name: str) -> bool:
        if self._search_tools is not None:
            return name in self._search_tools
        return bool(_SEARCH.search(name))


def _manager() -> BackupManager | None:
    try:
        return BackupManager.current()
    except BackupError:
        return None


def _source(arguments: JSON) -> str:
    """Return the code in a call's arguments."""
    named = (arguments[key] for key in _SOURCES if isinstance(arguments.get(key), str))
    texts = (value for value in arguments.values() if isinstance(value, str))
    return next(named, max(texts, key=len, default=""))


def _intent(request: ToolCallRequest) -> str:
    """Return what the agent says it is about to do: with the call, or in one of its arguments."""
    call = request.tool_call
    messages = request.state["messages"] if isinstance(request.state, dict) else []
    for message in reversed(messages):
        if isinstance(message, AIMessage) and any(
            c["id"] == call["id"] for c in message.tool_calls
        ):
            if said := str(message.text).strip():
                return said
            break
    return next((str(call["args"][key]) for key in _INTENTS if call["args"].get(key)), "")


def _short(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "").strip()
    return line if len(line) <= _NAME else f"{line[: _NAME - 1]}…"


def _survived(watch: _Watch | None, request: ToolCallRequest, error: Exception) -> ToolMessage:
    """Return the answer of code that raised, so that the agent hears of it and of the backup.

    What other tools raise is raised again, and so is what stops a graph to ask somebody.
    """
    if watch is None or isinstance(error, GraphBubbleUp):
        raise error
    return ToolMessage(
        f"{type(error).__name__}: {error}",
        name=request.tool_call["name"],
        tool_call_id=request.tool_call["id"],
        status="error",
    )


def _has_failed(result: ToolMessage) -> bool:
    return result.status == "error" or _FAILURE.search(str(result.text)) is not None


def _offer(backup: Backup) -> str:
    """Return how to go back to before a call that failed, and whether that changes anything."""
    try:
        manager = BackupManager.current()
        changed = manager.restore(backup.id, data_only=True, dry_run=True).restored
    except BackupError as error:
        return f"This failed. What it has changed is not known: {error}"
    if not changed:
        return f"This failed and has changed no DataFrame. {backup.id} holds the state before it."
    return (
        f"This failed, and has changed {', '.join(changed)}. To bring back the state before it, "
        f"call RestoreBackup with the reference {backup.id}. If you do not have that tool, tell "
        f"the user to run: %backup restore {backup.id}"
    )


def _with_note(result: ToolMessage, note: str) -> ToolMessage:
    if not note:
        return result
    text = f"[dfbackup] {note}"
    content: Any = (
        f"{result.content}\n\n{text}"
        if isinstance(result.content, str)
        else [*result.content, {"type": "text", "text": text}]
    )
    return result.model_copy(update={"content": content})
