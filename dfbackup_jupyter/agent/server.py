"""The tools for every MCP client, through the extension jupyter-server-mcp.

They are called in the Jupyter server, and do their work in the kernel of the notebook that is
meant. This module loads neither pandas nor anything of MCP.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, get_type_hints

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import ensure_async

from dfbackup_jupyter.agent import kernels, tools
from dfbackup_jupyter.agent.answers import refused
from dfbackup_jupyter.backup import JSON

TOOLS = [f"{__name__}:{name}" for name in tools.TOOLS]
"""What the entry point in the group ``jupyter_server_mcp.tools`` gives."""

_NOTEBOOK = "notebook"
_ARGUMENT = """\
        notebook: Path or name of the notebook that is meant. May be empty when one alone is open.
"""


def _for_server(function: Callable[..., JSON]) -> Callable[..., Awaitable[JSON]]:
    """Return a tool with one more parameter, the notebook, in whose kernel it runs."""
    hints = get_type_hints(function)
    parameters = [
        parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(function).parameters.items()
    ]
    parameters.append(
        inspect.Parameter(
            _NOTEBOOK, inspect.Parameter.POSITIONAL_OR_KEYWORD, default="", annotation=str
        )
    )
    signature = inspect.Signature(parameters, return_annotation=hints["return"])

    async def call(*args: Any, **kwargs: Any) -> JSON:
        given = signature.bind(*args, **kwargs).arguments
        notebook = given.pop(_NOTEBOOK, "")
        return await _in_kernel(function.__name__, given, notebook)

    call.__name__ = call.__qualname__ = function.__name__
    call.__doc__ = _documented(function.__doc__ or "")
    call.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": hints["return"]}
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _documented(text: str) -> str:
    text = text.rstrip() + "\n"
    return f"{text}{_ARGUMENT}" if "    Args:\n" in text else f"{text}\n    Args:\n{_ARGUMENT}"


async def _in_kernel(tool: str, arguments: JSON, notebook: str) -> JSON:
    server = ServerApp.instance()
    sessions = await ensure_async(server.session_manager.list_sessions())
    paths = sorted({session["path"] for session in sessions})
    meant = _meant(paths, notebook.strip())
    if len(meant) != 1:
        return _which(paths, notebook.strip())
    # A notebook may have two kernels for a moment, while it gets another one: the newest is meant.
    session = [session for session in sessions if session["path"] == meant[0]][-1]
    kernel = server.kernel_manager.get_kernel(session["kernel"]["id"])
    answer = await kernels.call(kernel, tool, arguments)
    return {_NOTEBOOK: meant[0], **answer}


def _meant(paths: Sequence[str], notebook: str) -> Sequence[str]:
    """Return the open notebooks that are meant: by path, or by the end of one."""
    if not notebook:
        return paths
    if notebook in paths:
        return [notebook]
    # Drives stand before a colon: RTC:folder/notebook.ipynb.
    return [path for path in paths if path.endswith((f"/{notebook}", f":{notebook}"))]


def _which(paths: Sequence[str], notebook: str) -> JSON:
    if not paths:
        return refused(
            "No notebook is open in this Jupyter server.",
            "Tell the user to open one, and try again.",
        )
    meant = _meant(paths, notebook)
    what = (
        f"No notebook {notebook!r} is open."
        if not meant
        else f"{notebook!r} can be {len(meant)} of the open notebooks."
        if notebook
        else f"{len(paths)} notebooks are open, and it was not said which one is meant."
    )
    return refused(
        f"{what} Open: {', '.join(paths)}.",
        "Call again with the path of one of these as `notebook`. If it is not clear which one the "
        "user means, ask.",
        notebooks=list(paths),
    )


manual_backup = _for_server(tools.manual_backup)
quick_backup = _for_server(tools.quick_backup)
list_backups = _for_server(tools.list_backups)
restore_backup = _for_server(tools.restore_backup)
backup_stats = _for_server(tools.backup_stats)
delete_backup = _for_server(tools.delete_backup)
session_cleanup = _for_server(tools.session_cleanup)
delete_all_backups = _for_server(tools.delete_all_backups)
diff_backup = _for_server(tools.diff_backup)
undo_last = _for_server(tools.undo_last)
