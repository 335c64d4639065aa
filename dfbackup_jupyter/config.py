"""Every setting, documented, in one place.

Set them for good in the IPython profile's ``ipython_kernel_config.py``, as
``c.DFBackup.auto = False``, or for one session with ``%backup config auto=False``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir
from traitlets import Bool, Enum, Float, Integer, TraitError, Unicode, default, validate
from traitlets.config import Configurable

from dfbackup_jupyter.errors import InvalidRequest

MIB = 1 << 20

_SIZE = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s*(?:([kmgt])(i?))?b?", re.IGNORECASE)


class Size(Integer[int, int]):
    """A number of bytes; as text also with a unit: ``500 MB``, ``2 GiB``."""

    def from_string(self, s: str) -> int:
        """Return the number of bytes that a text stands for; ``ValueError`` if none."""
        found = _SIZE.fullmatch(s.strip())
        if found is None:
            raise ValueError(s)
        number, prefix, binary = found.groups()
        power = "kmgt".index(prefix.lower()) + 1 if prefix else 0
        try:
            return int(float(number) * (1024 if binary else 1000) ** power)
        except OverflowError as error:
            raise ValueError(s) from error

    def validate(self, obj: Any, value: Any) -> int:
        """Return the number of bytes; ``TraitError`` if it is none."""
        if isinstance(value, str):
            try:
                value = self.from_string(value)
            except ValueError:
                self.error(obj, value)
        return super().validate(obj, value)


class DFBackup(Configurable):
    """Settings of dfbackup-jupyter."""

    auto = Bool(True, help="Back up by itself before cells that put frames at risk.").tag(
        config=True
    )
    durability = Enum(
        ["background", "strict"],
        "background",
        help="'background' writes while the cell runs; 'strict' waits until the backup is on disk "
        "before the cell starts.",
    ).tag(config=True)
    store = Unicode(
        help="Folder that holds all backups. The environment variable DFBACKUP_STORE sets it too."
    ).tag(config=True)
    session_state = Bool(True, help="Keep the session state in backups as well.").tag(config=True)
    memory_limit = Size(
        2048 * MIB,
        help="Bytes of overwritten frames that may stay in memory: for instant undo, and while "
        "they wait to be written. A cell waits for the writer when there is more.",
    ).tag(config=True)
    variables_limit = Size(64 * MIB, help="Bytes of variables that a manual backup may hold.").tag(
        config=True
    )
    exit_timeout = Float(
        4.0,
        help="Seconds to go on writing when the kernel stops. Jupyter kills a kernel after five.",
    ).tag(config=True)

    agent_model = Unicode(
        help="Chat model that %backup ask uses, by its name in LangChain: 'openai:gpt-5', "
        "'anthropic:claude-sonnet-4-5', 'ollama:qwen3' …"
    ).tag(config=True)
    agent_confirmation = Bool(
        False,
        help="AI agents never delete backups without a person: the tools ask one, or say what to "
        "run. When off, a second call with a code confirms where no person can be asked.",
    ).tag(config=True)

    @default("store")
    def _default_store(self) -> str:
        return os.environ.get("DFBACKUP_STORE") or str(Path(jupyter_data_dir(), "dfbackup"))

    @validate("store")
    def _absolute(self, proposal: dict[str, str]) -> str:
        return str(Path(proposal["value"]).expanduser().absolute())

    @validate("memory_limit", "variables_limit", "exit_timeout")
    def _not_negative(self, proposal: dict[str, float]) -> float:
        if proposal["value"] < 0:
            raise TraitError("must not be negative")
        return proposal["value"]

    def settings(self) -> dict[str, Any]:
        """Return every setting and its value."""
        return {key: getattr(self, key) for key in self.class_own_traits(config=True)}

    def change(self, key: str, text: str) -> Any:
        """Change a setting while a session runs, and return its new value.

        Raises
        ------
        InvalidRequest
            There is no such setting, or it cannot have this value.
        """
        if key not in self.settings():
            raise unknown_setting(key, self.settings())
        if key == "store":
            raise InvalidRequest(
                "The store cannot be moved while a session uses it.",
                "Set the environment variable DFBACKUP_STORE, or c.DFBackup.store in the IPython "
                "profile, and restart the kernel.",
            )
        try:
            setattr(self, key, self.traits()[key].from_string(text))
        except (TraitError, ValueError) as error:
            trait = self.traits()[key]
            raise InvalidRequest(
                f"{key} cannot be {text!r}; it must be {_allowed(trait)}.",
                f"What it means: {trait.help}",
            ) from error
        return getattr(self, key)


def unknown_setting(key: str, known: Iterable[str]) -> InvalidRequest:
    """Return the error that says which settings there are."""
    first, _, rest = key.partition(" ")
    if rest and first in known:
        return InvalidRequest(
            f"{key!r} does not say what to set to what.",
            f"Put an equals sign between: %backup config {first}={rest}",
        )
    return InvalidRequest(f"There is no setting {key!r}.", f"Settings: {', '.join(known)}.")


def _allowed(trait: Any) -> str:
    match trait:
        case Enum():
            return " or ".join(map(repr, trait.values or ()))
        case Bool():
            return "True or False"
        case Size():
            return "a number of bytes that is not negative, such as 500 MB or 2 GiB"
        case _:
            return f"a number that is not negative, such as {trait.default_value}"
