"""Tab completion of ``%backup``: commands, options, IDs, names, frames, settings, files."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from dfbackup_jupyter.backup import Backup
from dfbackup_jupyter.manager import BackupManager
from dfbackup_jupyter.ui.commands import CELL, COMMANDS, Command, Values
from dfbackup_jupyter.ui.parser import find_command, find_option
from dfbackup_jupyter.ui.splitting import Word, items, quote, words

logger = logging.getLogger(__name__)

Matcher = Callable[[CompletionContext], SimpleMatcherResult]

_CALL = re.compile(r"^\s*(?:[^=%'\"()]+=\s*)?(?P<magic>%%?backup)\s+(?P<line>.*)$")
_PRIORITY = 200  # before Jedi, which would take the line for Python


def matcher(manager: BackupManager) -> Matcher:
    """Return what IPython's completer asks about every line, ours or not."""

    @context_matcher(identifier="dfbackup", priority=_PRIORITY)  # type: ignore[untyped-decorator]
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        call = _CALL.match(context.text_until_cursor)
        fragment = ""
        found: list[str] = []
        try:
            if call and call["magic"] == "%%backup":
                fragment, found = _in_cell(call["line"])
            elif call:
                fragment, found = Completions(manager, call["line"]).find()
        except Exception:
            logger.exception("completion failed")
        return SimpleMatcherResult(
            completions=[SimpleCompletion(text=text, type="magic") for text in found],
            matched_fragment=fragment,
            ordered=True,
            suppress=True,
        )

    typed: Matcher = complete
    return typed


class Completions:
    """What the last word of a command line may become.

    Parameters
    ----------
    line : str
        What stands between ``%backup`` and the cursor.
    """

    def __init__(self, manager: BackupManager, line: str) -> None:
        self._manager = manager
        found = list(words(line))
        # Within quotes, a space ends no word.
        place = next((number for number, word in enumerate(found) if word.open), len(found))
        if place == len(found) and found and not line[-1].isspace():
            place -= 1
        self._last = line[found[place].start :] if place < len(found) else ""
        self._before = found[:place]

    def find(self) -> tuple[str, list[str]]:
        """Return the part that is completed, and all that it may become."""
        place = find_command(self._before)
        if place is None:
            return _beginning(self._last, [*COMMANDS, "--help"])
        command = COMMANDS.get(self._before[place].text)
        if command is None:
            return "", []
        given = [*self._before[:place], *self._before[place + 1 :]]
        return self._of_command(command, given)

    def _of_command(self, command: Command, given: list[Word]) -> tuple[str, list[str]]:
        placed: list[Word] = []
        pending = None
        for word in given:
            option, attached = find_option(command, word)
            if pending:
                pending = None
            elif option:
                pending = option if option.shown and attached is None else None
            else:
                placed.append(word)
        flag, equals, value = self._last.partition("=")
        if not pending and equals and flag.startswith("-"):
            pending, _ = find_option(command, Word(flag))
            return self._of_values(pending.values if pending else None, value, placed)
        if pending:
            last = _last_item(self._last) if pending.many else self._last
            return self._of_values(pending.values, last, placed)
        if self._last.startswith("-"):
            used = {word.text for word in given}
            flags = [option.flag for option in command.options if option.flag not in used]
            return _beginning(self._last, [*flags, "--help"])
        arguments = [a for a in command.arguments if a.many] or command.arguments[len(placed) :]
        if arguments:
            return self._of_values(arguments[0].values, self._last, placed)
        return _beginning(self._last, [option.flag for option in command.options])

    def _of_values(
        self, values: Values | tuple[str, ...] | None, last: str, placed: list[Word]
    ) -> tuple[str, list[str]]:
        if values is None:
            return "", []
        if isinstance(values, tuple):
            return _beginning(last, values)
        if values is Values.BACKUP:
            return _beginning(last, self._manager.resolvable())
        if values is Values.LIVE_FRAME:
            return _beginning(last, self._manager.frame_names())
        if values is Values.FRAME:
            return _beginning(last, self._frames(placed))
        if values is Values.SETTING:
            return _beginning(last, self._settings())
        return _beginning(last, _files(last))

    def _frames(self, placed: list[Word]) -> list[str]:
        """Return the frames of the backup that is named, or those there are and were."""
        named = _find(self._manager.list(all=True), placed[0].text) if placed else None
        if named:
            return sorted({name for info in named.frames for name in info.names})
        return sorted(self._manager.stored_frame_names().union(self._manager.frame_names()))

    def _settings(self) -> list[str]:
        traits = self._manager.config.traits()
        found = []
        for key, value in self._manager.settings().items():
            choices: Iterable[Any] = getattr(traits[key], "values", ())
            if isinstance(value, bool):
                choices = (True, False)
            found += [key, *(f"{key}={choice}" for choice in choices)]
        return found


def _last_item(text: str) -> str:
    found = items(text)
    return text[text.rindex(found[-1]) :] if found and not text.endswith(",") else ""


def _find(backups: list[Backup], reference: str) -> Backup | None:
    return next(
        (b for b in backups if reference in (b.name, "last") or b.id.startswith(reference)), None
    )


def _in_cell(line: str) -> tuple[str, list[str]]:
    last = line.rpartition(" ")[2]
    return _beginning(last, [option.flag for option in CELL.options])


def _files(last: str) -> list[str]:
    typed = last.lstrip("\"'")
    folder, name = Path(typed).expanduser().parent, Path(typed).name
    if not typed or typed.endswith(("/", "\\")):
        folder, name = Path(typed).expanduser(), ""
    prefix = typed.removesuffix(name) if name else typed
    return [
        f"{prefix}{entry.name}/" if entry.is_dir() else f"{prefix}{entry.name}"
        for entry in sorted(folder.iterdir())
        if entry.name.startswith(name) and (entry.is_dir() or entry.suffix == ".zip")
    ]


def _beginning(last: str, candidates: Iterable[str]) -> tuple[str, list[str]]:
    """Return those candidates that begin as the last word does, as they have to be typed."""
    typed = last.lstrip("\"'")
    mark = last[: len(last) - len(typed)]
    found = [c for c in candidates if c.lower().startswith(typed.lower())]
    return last, [f"{mark}{text}{mark}" if mark else _typed(text) for text in found]


def _typed(text: str) -> str:
    return text if text.startswith("-") else quote(text)
