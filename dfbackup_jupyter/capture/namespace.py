"""Finds the frames of a namespace: by name, in containers, and in attributes of objects."""

from __future__ import annotations

import re
import types
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from pandas.api.extensions import ExtensionArray

from dfbackup_jupyter.capture.adapters import is_frame_type
from dfbackup_jupyter.capture.paths import FramePath, Step, at_root, is_usable_key

MAX_DEPTH = 3
MAX_ITEMS = 1_000
BUDGET = 50_000
"""Items looked at in one walk; about a millisecond."""
_CONTAINER_COST = 20

_HISTORY = re.compile(r"_{1,3}|_\d+|_i{1,3}|_i\d+|_[oid]h|In|Out|__\w*__")

# Their instances are machinery, or hold frames that are not the user's to lose.
_FOREIGN_PACKAGES = frozenset(
    "pandas numpy polars pyarrow IPython ipykernel ipywidgets traitlets matplotlib comm "
    "dfbackup_jupyter threading asyncio concurrent logging multiprocessing".split()
)
_SHOWN_PACKAGES = frozenset({"builtins", "datetime", "decimal", "numpy", "pandas", "uuid"})
_OPAQUE = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    partial,
    BaseException,
    Enum,
)


class Surface(NamedTuple):
    """What the variables of a namespace were, to tell within microseconds that they still are.

    Attributes
    ----------
    names : list of str
        All names.
    objects : list of int
        The identities of their values.
    types : list of type
        The classes of the values: an identity is used again when an object is gone.
    holders : tuple of str
        Names of what has to be walked through all the same, because it can change inside.
    """

    names: list[str]
    objects: list[int]
    types: list[type]
    holders: tuple[str, ...]

    def covers(self, namespace: Mapping[str, Any]) -> bool:
        """Whether the variables are what they were."""
        values = list(namespace.values())
        return (
            list(map(id, values)) == self.objects
            and list(map(type, values)) == self.types
            and list(namespace) == self.names
        )


@dataclass(frozen=True)
class Found:
    """What a walk over a namespace found.

    Attributes
    ----------
    frames : dict of FramePath to frame
        Every frame at every place; short paths come first.
    unwatched : tuple of str
        Places that may hold frames which are not looked after.
    memory : tuple of object
        NumPy and pandas arrays met on the way.
    surface : Surface
        What there was to begin with.
    """

    frames: dict[FramePath, Any]
    unwatched: tuple[str, ...]
    memory: tuple[Any, ...]
    surface: Surface


class _Kind(Enum):
    FRAME = auto()
    MEMORY = auto()
    DICT = auto()
    SEQUENCE = auto()
    OBJECT = auto()
    OTHER = auto()


_HOLDERS = frozenset({_Kind.FRAME, _Kind.DICT, _Kind.SEQUENCE, _Kind.OBJECT})


def find_frames(
    namespace: Mapping[str, Any],
    *,
    hidden: Collection[str] = (),
) -> Found:
    """Walk a namespace without running any of the user's code.

    Parameters
    ----------
    namespace : mapping of str to object
        The user's variables.
    hidden : collection of str
        Names to leave out, beside IPython's own.
    """
    walk = _Walk()
    dull = walk.dull
    # Copies, because another thread may define a variable meanwhile.
    names, values = list(namespace), list(namespace.values())
    for name, value in zip(names, values, strict=False):
        if type(value) not in dull and not _is_hidden(name, hidden):
            walk.look(name, (), value)
    surface = Surface(names, list(map(id, values)), list(map(type, values)), walk.queued)
    walk.finish()
    return Found(walk.frames, tuple(walk.unwatched), tuple(walk.memory), surface)


def find_held(
    namespace: Mapping[str, Any], surface: Surface
) -> tuple[Mapping[FramePath, Any], tuple[str, ...]]:
    """Walk through the containers and objects only; return their frames and what is unwatched."""
    if not surface.holders:
        return {}, ()
    walk = _Walk()
    for name in surface.holders:
        walk.look(name, (), namespace.get(name))
    walk.finish()
    return walk.frames, tuple(walk.unwatched)


def _is_hidden(name: object, hidden: Collection[str]) -> bool:
    if not isinstance(name, str) or name in hidden:
        return True
    return is_history(name)


def is_history(name: str) -> bool:
    """Whether IPython keeps a cell's input or output under this name, or Python something own."""
    return name[:1] in "_IO" and _HISTORY.fullmatch(name) is not None


class _Walk:
    """Breadth first, so that a big container cannot hide a shallow frame."""

    def __init__(self) -> None:
        self.frames: dict[FramePath, Any] = {}
        self.unwatched: dict[str, None] = {}
        self.memory: list[Any] = []
        self.dull: set[type] = set()
        self._kinds: dict[type, _Kind] = {}
        self._queue: deque[tuple[str, tuple[Step, ...], Any, _Kind]] = deque()
        self._seen: set[tuple[str, int]] = set()
        self._budget = BUDGET

    def look(self, root: str, steps: tuple[Step, ...], value: Any) -> None:
        """Note a frame or an array, and queue what may hold some."""
        kind = self.kind(type(value))
        if kind is _Kind.OTHER:
            return
        if kind is _Kind.FRAME:
            self.frames[FramePath(root, steps) if steps else at_root(root)] = value
        elif kind is _Kind.MEMORY:
            self.memory.append(value)
        elif (root, id(value)) not in self._seen:
            self._seen.add((root, id(value)))
            self._queue.append((root, steps, value, kind))

    @property
    def queued(self) -> tuple[str, ...]:
        """The names of what is yet to be walked through."""
        return tuple(root for root, *_ in self._queue)

    def finish(self) -> None:
        """Walk through the containers and objects that were queued."""
        while self._queue:
            root, steps, holder, kind = self._queue.popleft()
            count, values = _items(holder, kind)
            self._budget -= min(count, MAX_ITEMS) + _CONTAINER_COST
            types = set(map(type, islice(values, MAX_ITEMS))) - self.dull
            kinds = set(map(self.kind, types)) - {_Kind.OTHER}
            if not kinds:
                continue
            if count > MAX_ITEMS or len(steps) >= MAX_DEPTH or self._budget < 0:
                if kinds & _HOLDERS and (len(steps) < MAX_DEPTH or _Kind.FRAME in kinds):
                    self.unwatched[str(FramePath(root, steps))] = None
                continue
            for step, value in _children(holder, kind):
                if type(value) in self.dull:
                    continue
                if is_usable_key(step.key):
                    self.look(root, (*steps, step), value)
                elif self.kind(type(value)) in _HOLDERS:
                    self.unwatched[f"{FramePath(root, steps)}[{_shown(step.key)}]"] = None

    def kind(self, kind: type) -> _Kind:
        """Return what instances of a class are to the walk."""
        found = self._kinds.get(kind)
        if found is None:
            found = self._kinds[kind] = _classify(kind)
            if found is _Kind.OTHER:
                self.dull.add(kind)
        return found


def _classify(kind: type) -> _Kind:
    if is_frame_type(kind):
        return _Kind.FRAME
    if issubclass(kind, (np.ndarray, ExtensionArray)):
        return _Kind.MEMORY
    if issubclass(kind, dict):
        return _Kind.DICT
    if issubclass(kind, (list, tuple)):
        return _Kind.SEQUENCE
    if issubclass(kind, _OPAQUE) or str(kind.__module__).partition(".")[0] in _FOREIGN_PACKAGES:
        return _Kind.OTHER
    return _Kind.OBJECT if _has_plain_dict(kind) else _Kind.OTHER


def _has_plain_dict(kind: type) -> bool:
    """Whether reading ``__dict__`` of an instance runs no code of the class."""
    for base in kind.__mro__:
        if "__dict__" in base.__dict__:
            found = base.__dict__["__dict__"]
            return isinstance(found, types.GetSetDescriptorType | types.MemberDescriptorType)
    return False


def _attributes(holder: Any) -> dict[str, Any]:
    found = object.__getattribute__(holder, "__dict__")
    return found if isinstance(found, dict) else {}


def _items(holder: Any, kind: _Kind) -> tuple[int, Iterable[Any]]:
    """Return how many things a holder holds, and the things."""
    if kind is _Kind.SEQUENCE:
        base: Any = list if isinstance(holder, list) else tuple
        return base.__len__(holder), base.__iter__(holder)
    found = holder if kind is _Kind.DICT else _attributes(holder)
    return dict.__len__(found), dict.values(found)


def _children(holder: Any, kind: _Kind) -> Iterator[tuple[Step, Any]]:
    if kind is _Kind.SEQUENCE:
        base: Any = list if isinstance(holder, list) else tuple
        for i, value in enumerate(base.__iter__(holder)):
            yield Step("item", i), value
    elif kind is _Kind.DICT:
        for key, value in list(dict.items(holder)):
            yield Step("item", _as_python(key)), value
    else:
        for name, value in list(_attributes(holder).items()):
            if type(name) is str:
                yield Step("attribute", name), value


def _shown(key: Any) -> str:
    """Return a key as text, without running any code of the user's classes."""
    module = type(key).__module__.partition(".")[0]
    return f"{repr(key):.60}" if module in _SHOWN_PACKAGES else f"<{type(key).__name__}>"


def _as_python(key: Any) -> Any:
    """Return the Python equal of a NumPy scalar, as keys from ``groupby`` and ``unique`` are."""
    if type(key) is tuple:
        return tuple(map(_as_python, key))
    return key.item() if isinstance(key, (np.integer, np.floating, np.str_, np.bool_)) else key
