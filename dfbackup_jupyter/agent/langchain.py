"""The tools for LangChain and LangGraph. Needs the extra ``agents``."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial, wraps
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool

from dfbackup_jupyter import main_thread
from dfbackup_jupyter.agent.confirmation import Person, asking
from dfbackup_jupyter.agent.desk import waited
from dfbackup_jupyter.agent.tools import TOOLS, Tool
from dfbackup_jupyter.backup import JSON

Call = Callable[[Callable[[], JSON]], Future[JSON]]

_NAMES = re.compile(rf"\b({'|'.join(TOOLS)})\b")
_SAID = frozenset({"message", "error", "next_step"})


def langchain_tools(*, confirm: Person | None = None) -> list[BaseTool]:
    """Return the backup tools as LangChain tools.

    Parameters
    ----------
    confirm : callable, optional
        Asks the user a question before anything is deleted, and returns whether they agree.
        Without it, deleting takes a second call with a code.
    """
    return tools_on(main_thread.call, confirm)


def tools_on(call: Call, confirm: Person | None) -> list[BaseTool]:
    """Return the tools for an agent whose calls go to the main thread in another way.

    Parameters
    ----------
    call : callable
        Has an action run on the main thread, and gives its result as a future.
    """
    return [_as_tool(tool, call, confirm) for tool in TOOLS.values()]


def _as_tool(tool: Tool, call: Call, confirm: Person | None) -> BaseTool:
    function = tool.function

    def answer(arguments: JSON) -> JSON:
        with asking(confirm):
            found = function(**arguments)
        return {key: _titled(value) if key in _SAID else value for key, value in found.items()}

    @wraps(function)
    def run(**arguments: Any) -> JSON:
        return waited(call(partial(answer, arguments)))

    @wraps(function)
    async def run_beside(**arguments: Any) -> JSON:
        return await asyncio.wrap_future(call(partial(answer, arguments)))

    return StructuredTool.from_function(
        func=run,
        coroutine=run_beside,
        name=tool.title,
        description=_titled(inspect.getdoc(function) or "").partition("Args:")[0].strip(),
        parse_docstring=True,
        error_on_invalid_docstring=False,
    )


def _titled(text: str) -> str:
    """Return a text with the names that the tools have here: ``undo_last`` is ``UndoLast``."""
    return _NAMES.sub(lambda name: TOOLS[name[0]].title, text)
