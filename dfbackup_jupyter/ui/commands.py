"""The command line of ``%backup`` as data: parsing, help and completion all read it from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from keyword import iskeyword

from dfbackup_jupyter.backup import Kind


class Values(Enum):
    """What a word stands for, which tells what it completes to."""

    BACKUP = auto()
    FRAME = auto()
    LIVE_FRAME = auto()
    SETTING = auto()
    FILE = auto()


@dataclass(frozen=True)
class Argument:
    """A word that a command takes by its place.

    Attributes
    ----------
    shown : str
        How usage lines write it: ``ID``.
    name : str
        The keyword under which its value is handed on.
    values : Values or tuple of str or None
        What it may be; None for free text.
    many : bool
        Whether all words left belong to it.
    """

    shown: str
    name: str
    help: str
    values: Values | tuple[str, ...] | None = None
    required: bool = True
    many: bool = False


@dataclass(frozen=True)
class Option:
    """A word with dashes, and the value that follows it.

    Attributes
    ----------
    flag : str
        ``--only``.
    name : str
        The keyword under which its value is handed on.
    shown : str or None
        How usage lines write its value; None for an option that has none.
    many : bool
        Whether the value is a list, separated by commas.
    number : bool
        Whether the value is a whole number above zero.
    """

    flag: str
    name: str
    help: str
    shown: str | None = None
    values: Values | tuple[str, ...] | None = None
    many: bool = False
    number: bool = False

    def __str__(self) -> str:
        return f"{self.flag} {self.shown}" if self.shown else self.flag


@dataclass(frozen=True)
class Command:
    """One thing that ``%backup`` does.

    Attributes
    ----------
    text : bool
        Whether all that follows is its one argument, as it stands there.
    """

    name: str
    help: str
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    magic: str = "%backup"
    text: bool = False

    @property
    def method(self) -> str:
        """The name of the Python method that does it."""
        name = self.name.replace("-", "_")
        return f"{name}_" if iskeyword(name) else name

    @property
    def usage(self) -> str:
        """The command line in one line."""
        parts = [self.magic, self.name] if self.name else [self.magic]
        for argument in self.arguments:
            shown = (
                f"{argument.shown}..." if argument.many and argument.required else argument.shown
            )
            parts.append(shown if argument.required else f"[{shown}]")
        return " ".join([*parts, *(f"[{option}]" for option in self.options)])


_ID = Argument(
    "ID",
    "reference",
    "an ID, its unique beginning, a backup's name, or 'last'",
    Values.BACKUP,
)
_JSON = Option("--json", "json", "give plain dictionaries and lists")
_YES = Option("--yes", "yes", "do not ask")
_NUMBER = Option("-n", "limit", "at most so many, the newest", "N", number=True)
_FRAME = Option("--frame", "frame", "this frame alone", "NAME", Values.FRAME)


def _only(values: Values) -> Option:
    return Option("--only", "only", "these frames alone", "df1,df2", values, many=True)


_COMMANDS = (
    Command(
        "create",
        "Back up all frames and the session state, under a name.",
        (Argument("NAME", "name", "what to call it; in quotes if it has spaces"),),
        (
            Option("-d", "description", "what it holds", "TEXT"),
            _only(Values.LIVE_FRAME),
            Option("--data-only", "data_only", "leave the session state out"),
        ),
    ),
    Command("quick", "Back up everything at once, without a name."),
    Command(
        "list",
        "This session's backups, the newest first.",
        options=(
            Option("--all", "all", "of all sessions and notebooks"),
            Option("--kind", "kind", f"{', '.join(Kind)}", "KIND", tuple(map(str, Kind))),
            Option("--frame", "frame", "those that hold this frame", "NAME", Values.FRAME),
            _NUMBER,
            _JSON,
        ),
    ),
    Command(
        "show",
        "What a backup holds, why it was made, and the first rows of its frames.",
        (_ID,),
        (_JSON,),
    ),
    Command(
        "diff",
        "How a backup differs from the frames you have now, or from another backup.",
        (_ID, Argument("ID2", "other", "the other backup", Values.BACKUP, required=False)),
        (_FRAME, _JSON),
    ),
    Command(
        "restore",
        "Bring back the frames and the session state of a backup. %backup undo takes that back.",
        (_ID,),
        (
            _only(Values.FRAME),
            Option("--as", "as_name", "bring back one frame under another name", "NAME"),
            Option("--data-only", "data_only", "leave the session state alone"),
            Option("--exact", "exact", "remove the frames that the backup does not know"),
            Option("--dry-run", "dry_run", "only say what would happen"),
        ),
    ),
    Command(
        "recover",
        "Bring back the newest state of this notebook's previous session.",
        (Argument("ID", "reference", "which state, if it is not clear", Values.BACKUP, False),),
        (Option("--dry-run", "dry_run", "only say what would happen"),),
    ),
    Command("undo", "Take back what the newest cell or restore did to frames. Can be repeated."),
    Command("redo", "Bring forward again what undo took back."),
    Command("stats", "How many backups there are, and what they take.", options=(_JSON,)),
    Command(
        "delete",
        "Delete backups. Asks if one was made by hand.",
        (Argument("ID", "references", _ID.help, Values.BACKUP, many=True),),
        (_YES,),
    ),
    Command("cleanup", "Delete the backups of this session, except pinned ones.", options=(_YES,)),
    Command("delete-all", "Delete every backup of all sessions and notebooks.", options=(_YES,)),
    Command(
        "export",
        "Write a backup to a file.",
        (_ID, Argument("FILE.zip", "file", "the new file", Values.FILE)),
        (
            Option(
                "--format",
                "format",
                "native is exact and can be imported; parquet is for other software",
                "native|parquet",
                ("native", "parquet"),
            ),
        ),
    ),
    Command(
        "import",
        "Add a backup from a file. No code of the file is run.",
        (Argument("FILE.zip", "file", "a file that %backup export wrote", Values.FILE),),
        (
            Option(
                "--trust",
                "trust",
                "let Python objects in it be read when it is restored, which can run any code",
            ),
        ),
    ),
    Command(
        "verify",
        "Read one backup or all, and check every byte.",
        (Argument("ID", "reference", _ID.help, Values.BACKUP, required=False),),
        (
            Option("--repair", "repair", "of all: take out what is damaged, keep what is sound"),
            _JSON,
        ),
    ),
    Command(
        "log",
        "The cells of this session, and what they did to frames.",
        options=(
            _NUMBER,
            Option("--frame", "frame", "only what changed this frame", "NAME", Values.FRAME),
            Option("--deleted", "deleted", "instead, which backups were deleted"),
            _JSON,
        ),
    ),
    Command(
        "auto",
        "Whether to back up by itself before cells that put frames at risk.",
        (Argument("on|off", "switch", "on or off", ("on", "off")),),
    ),
    Command(
        "config",
        "Show or change settings, for this session.",
        (
            Argument(
                "KEY[=VALUE]",
                "setting",
                "a setting, and what it shall be",
                Values.SETTING,
                required=False,
                many=True,
            ),
        ),
    ),
    Command(
        "ask",
        "Have an AI agent see to your backups. %%backup_ask takes a longer request.",
        (Argument("REQUEST", "request", "what it shall do, in any language"),),
        text=True,
    ),
    Command("panel", "All of this with buttons: create, restore, history, settings."),
)

COMMANDS = {command.name: command for command in _COMMANDS}

STATUS = Command("", "How you are protected now.")

CELL = Command(
    "",
    "Back up, then run the cell.",
    (Argument("NAME", "name", "what to call the backup", required=False),),
    (Option("--rollback", "rollback", "restore the backup if the cell raises"),),
    magic="%%backup",
)

TAKING_VALUES = frozenset(
    option.flag for command in _COMMANDS for option in command.options if option.shown
)
"""Options, of whatever command, after which a value comes."""
