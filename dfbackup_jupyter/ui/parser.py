"""Reading the command line of ``%backup``, with sentences for whatever is wrong with it.

No `argparse`: it takes ``-5 %`` in quotes for an option, options only after their command, and
answers mistakes in words of its own that change from one Python to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from typing import Any

from dfbackup_jupyter.errors import InvalidRequest
from dfbackup_jupyter.ui.commands import (
    CELL,
    COMMANDS,
    STATUS,
    TAKING_VALUES,
    Argument,
    Command,
    Option,
)
from dfbackup_jupyter.ui.splitting import Word, closed, items

_HELP = ("--help", "-h")


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes
    ----------
    command : Command
        ``STATUS`` when nothing is named.
    values : dict of str to object
        The value of every argument and option of the command, by its name: None or False when it is
        not given.
    help : bool
        Whether help on the command is all that is wanted.
    """

    command: Command
    values: dict[str, Any] = field(default_factory=dict)
    help: bool = False


def parse(line: str) -> Request:
    """Read what follows ``%backup``.

    Raises
    ------
    InvalidRequest
        It cannot be understood.
    """
    if (request := _text(line)) is not None:
        return request
    words = closed(line)
    place = find_command(words)
    helped = any(word.text in _HELP and not word.quoted for word in words)
    if place is None:
        if helped or not words:
            return Request(STATUS, help=helped)
        raise InvalidRequest(
            f"%backup {line.strip()} does not say what to do.", f"Commands: {', '.join(COMMANDS)}."
        )
    name = words.pop(place).text
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, 1, 0.5)
        raise InvalidRequest(
            f"There is no command %backup {name}.",
            (f"Did you mean %backup {near[0]}? " if near else "")
            + f"Commands: {', '.join(COMMANDS)}.",
        )
    command = COMMANDS[name]
    return Request(command, help=True) if helped else Request(command, _values(command, words))


def parse_cell(line: str) -> Request:
    """Read what follows ``%%backup``.

    Raises
    ------
    InvalidRequest
        It cannot be understood.
    """
    return Request(CELL, _values(CELL, closed(line)))


def find_command(words: Sequence[Word]) -> int | None:
    """Return the place of the word that says what to do: the first one that is no option."""
    value = False
    for place, word in enumerate(words):
        if value:
            value = False
        elif not _is_option(word):
            return place
        else:
            value = word.text in TAKING_VALUES
    return None


def find_option(command: Command, word: Word) -> tuple[Option | None, str | None]:
    """Return the option that a word is, and the value that is attached to it: ``-n5``, ``-n=5``."""
    flag, equals, attached = word.text.partition("=")
    for option in command.options:
        if flag == option.flag:
            return option, attached if equals else None
        if option.shown and option.flag[1] != "-" and word.text.startswith(option.flag):
            return option, word.text.removeprefix(option.flag)
    return None, None


def help_text(command: Command | None = None) -> str:
    """Return the help on one command, or on all."""
    if command is None or command is STATUS:
        every = (STATUS, *COMMANDS.values(), CELL)
        usages = chain.from_iterable((shown.usage, f"    {shown.help}") for shown in every)
        return "\n".join([*usages, "", "More about one of them: %backup create --help"])
    explained = [(argument.shown, argument.help) for argument in command.arguments]
    explained += [(str(option), option.help) for option in command.options]
    width = max((len(shown) for shown, _ in explained), default=0)
    lines = (f"    {shown:<{width}}  {text}" for shown, text in explained)
    return "\n".join([command.usage, f"    {command.help}", *([""] if explained else []), *lines])


def _text(line: str) -> Request | None:
    """Read a command that is followed by free text."""
    name, _, text = line.strip().partition(" ")
    command = COMMANDS.get(name)
    if command is None or not command.text:
        return None
    text = text.strip()
    if text in _HELP:
        return Request(command, help=True)
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return Request(command, _placed(command, [text] if text else []))


def _is_option(word: Word) -> bool:
    return not word.quoted and len(word.text) > 1 and word.text.startswith("-")


def _values(command: Command, words: Sequence[Word]) -> dict[str, Any]:
    values: dict[str, Any] = {
        option.name: None if option.shown else False for option in command.options
    }
    placed: list[str] = []
    left = iter(words)
    for word in left:
        if word.text == "--" and not word.quoted:
            placed += (rest.text for rest in left)
        elif _is_option(word):
            option, attached = find_option(command, word)
            if option is None:
                raise _unknown_option(command, word.text)
            value = _value(command, option, attached, left)
            if option.many and values[option.name]:
                value = values[option.name] + value
            values[option.name] = value
        else:
            placed.append(word.text)
    return values | _placed(command, placed)


def _value(command: Command, option: Option, attached: str | None, left: Iterator[Word]) -> Any:
    if option.shown is None:
        if attached is not None:
            raise _wrong(command, f"{option.flag} takes no value.")
        return True
    text = attached
    if text is None:
        word = next(left, None)
        if word is None or (_is_option(word) and find_option(command, word)[0]):
            raise _wrong(command, f"{option.flag} needs a value: {option}.")
        text = word.text
    while option.many and text.endswith(",") and (more := next(left, None)):
        text += more.text  # --only df1, df2
    if isinstance(option.values, tuple) and text not in option.values:
        raise _wrong(command, f"{option.flag} cannot be {text!r}: {', '.join(option.values)}.")
    if option.number:
        if not text.isdecimal() or int(text) == 0:
            raise _wrong(command, f"{option.flag} needs a whole number above 0, not {text!r}.")
        return int(text)
    if not text.strip() and option.flag != "-d":
        raise _wrong(command, f"{option.flag} needs a value: {option}.")
    return items(text) if option.many else text


def _placed(command: Command, words: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for argument in command.arguments:
        if argument.required and not words:
            raise _wrong(command, f"{argument.shown} is missing: {argument.help}.")
        if argument.many:
            values[argument.name], words = words, []
        else:
            values[argument.name] = words.pop(0) if words else None
        _check(command, argument, values[argument.name])
    if words:
        spaces = " A name with spaces needs quotes around it." if command.arguments else ""
        raise _wrong(command, f"{command.magic} cannot place the word {words[0]!r}.{spaces}")
    return values


def _check(command: Command, argument: Argument, value: str | None) -> None:
    allowed = argument.values
    if value is not None and isinstance(allowed, tuple) and value not in allowed:
        raise _wrong(command, f"{value!r} is neither {' nor '.join(allowed)}.")


def _unknown_option(command: Command, text: str) -> InvalidRequest:
    near = get_close_matches(text, [option.flag for option in command.options], 1, 0.5)
    meant = f" Did you mean {near[0]}?" if near else ""
    return _wrong(command, f"{command.magic} {command.name}".rstrip() + f" has no {text}.{meant}")


def _wrong(command: Command, sentence: str) -> InvalidRequest:
    return InvalidRequest(sentence, f"Usage: {command.usage}")
