r"""Cutting a command line into words.

Unlike `shlex`: a quote counts only where a value begins, so ``dfs['a']`` and ``don't`` stay as they
are; what stands in ``[…]`` is never cut; and a backslash is a backslash, so ``C:\data`` stays too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dfbackup_jupyter.errors import InvalidRequest

_STRING = r"""(?:"[^"]*"|'[^']*')"""
_QUOTED = rf"(?<![^\s=,]){_STRING}"
_BRACKET = rf"""\[(?:{_STRING}|[^\]"'])*\]"""
_WORD = re.compile(rf"(?:{_QUOTED}|{_BRACKET}|\S)+")
_PART = re.compile(rf"(?P<quoted>{_QUOTED})|{_BRACKET}|(?P<open>(?<![^\s=,\[])[\"'])|.", re.DOTALL)
_ITEM = re.compile(rf"(?:{_STRING}|{_BRACKET}|[^,])+")


@dataclass(frozen=True)
class Word:
    """One word of a line.

    Attributes
    ----------
    text : str
        What it says, without quotes.
    quoted : bool
        Whether it stands in quotes: then it is no option, whatever it begins with.
    open : bool
        Whether a quote in it is never closed.
    start : int
        Where it begins in the line.
    """

    text: str
    quoted: bool = False
    open: bool = False
    start: int = 0


def words(line: str) -> Iterator[Word]:
    """Give the words of a line."""
    for match in _WORD.finditer(line):
        raw = match[0]
        parts = list(_PART.finditer(raw))
        text = "".join(part[0][1:-1] if part["quoted"] else part[0] for part in parts)
        is_open = any(part["open"] for part in parts)
        yield Word(text, raw[0] in "\"'", is_open, match.start())


def closed(line: str) -> list[Word]:
    """Return the words of a line.

    Raises
    ------
    InvalidRequest
        A quote is not closed.
    """
    found = list(words(line))
    if any(word.open for word in found):
        raise InvalidRequest(
            f"A quote is opened and not closed in: {line.strip()}",
            "Close it, or put other quotes around it.",
        )
    return found


def items(text: str) -> list[str]:
    """Return the parts of a list with commas; a comma in brackets or quotes divides nothing."""
    return [item.strip() for item in _ITEM.findall(text) if item.strip()]


def quote(text: str) -> str:
    """Return a word as it has to be typed."""
    bare = list(words(text))
    if len(bare) == 1 and bare[0].text == text and not bare[0].open and not text.startswith("-"):
        return text
    return f'"{text}"' if '"' not in text else f"'{text}'"
