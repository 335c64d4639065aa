"""Results in IPython's display formatters, so that the records themselves know nothing of HTML."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from dfbackup_jupyter.backup import (
    Backup,
    Details,
    Restored,
    Stats,
    Status,
    Verification,
)
from dfbackup_jupyter.ui.results import Backups, Candidates, Deletions, ExportedFile, Log, Settings

TYPES: tuple[type | str, ...] = (
    Backup,
    Backups,
    Candidates,
    Deletions,
    Details,
    "dfbackup_jupyter.diff.records.Diff",  # not imported unless something is compared
    ExportedFile,
    Log,
    Restored,
    Settings,
    Stats,
    Status,
    Verification,
)


def register(shell: InteractiveShell) -> None:
    """Let a shell show our results."""
    formatters = _formatters(shell)
    for cls in TYPES:
        formatters["text/html"].for_type(cls, html_of)
        formatters["text/plain"].for_type(cls, _pretty)


def unregister(shell: InteractiveShell) -> None:
    """Let a shell show our results as Python does."""
    formatters = _formatters(shell)
    for cls in TYPES:
        for kind in ("text/html", "text/plain"):
            formatters[kind].pop(cls, None)


def _formatters(shell: InteractiveShell) -> Any:
    display: Any = shell.display_formatter
    return display.formatters


# What draws is imported when something is drawn: a kernel should start at once.


def html_of(record: Any) -> str:
    """Return a result as HTML."""
    from dfbackup_jupyter.ui.html import html

    return html(record)


def _pretty(record: Any, printer: Any, _cycle: bool) -> None:
    from dfbackup_jupyter.ui.text import text

    within_another = len(printer.stack) > 1
    if within_another and isinstance(record, Backup):
        printer.text(f"<Backup {record.id}>")
    else:
        printer.text(repr(record) if within_another else text(record))
