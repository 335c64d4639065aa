"""Finding the frames of a namespace without running any code of the user's."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from dfbackup_jupyter.capture.paths import FramePath, Step, usable_key

DEPTH = 3
ITEMS = 1_000
NODES = 10_000

_IPYTHON = re.compile(r"_(i?\d*|_|__|ii|iii|ih|oh|dh|exit_code)|In|Out|exit|quit|get_ipython")
_ATOMS = frozenset(
    {str, int, float, complex, bool, bytes, bytearray, type(None), range, slice}
    | {FunctionType, BuiltinFunctionType, MethodType, ModuleType, type, set, frozenset}
)


@dataclass(frozen=True)
class Found:
    """The frames of a namespace.

    Attributes
    ----------
    frames : dict of FramePath to object
        In the order in which they were found; one object may be at several paths.
    unwatched : tuple of str
        Containers that could not be looked through, and why.
    arrays : tuple of numpy arrays
        Found on the way: through them, frames could be written to.
    """

    frames: dict[FramePath, Any]
    unwatched: tuple[str, ...]
    arrays: tuple[Any, ...]


def find_frames(
    namespace: Mapping[str, Any], *, hidden: Collection[str], is_frame: Callable[[Any], bool]
) -> Found:
    """Find frames among variables, and in dicts, lists, tuples and objects up to a depth.

    Parameters
    ----------
    namespace : mapping of str to object
        The user's variables.
    hidden : collection of str
        Names that are not the user's.
    is_frame : callable
        Tells frames from other values.
    """
    return _Search(is_frame).run(namespace, hidden)


class _Search:
    def __init__(self, is_frame: Callable[[Any], bool]) -> None:
        self._is_frame = is_frame
        self._frames: dict[FramePath, Any] = {}
        self._unwatched: list[str] = []
        self._arrays: list[Any] = []
        self._nodes = NODES

    def run(self, namespace: Mapping[str, Any], hidden: Collection[str]) -> Found:
        containers = []
        for name, value in list(namespace.items()):
            kind = type(value)
            if kind in _ATOMS or name in hidden or _IPYTHON.fullmatch(name):
                continue
            if self._is_frame(value):
                self._frames[FramePath(name)] = value
            elif kind is np.ndarray:
                self._arrays.append(value)
            else:
                containers.append((name, value))
        for name, value in containers:
            self._walk(FramePath(name), value, DEPTH, ())
        return Found(self._frames, tuple(self._unwatched), tuple(self._arrays))

    def _walk(self, path: FramePath, value: Any, depth: int, above: tuple[int, ...]) -> None:
        children = _children(value)
        if children is None or id(value) in above:
            return
        size, items = children
        if size > ITEMS:
            self._unwatched.append(f"{path}: more than {ITEMS:,} items")
            return
        self._nodes -= size
        if self._nodes < 0:
            self._unwatched.append(f"{path}: too many containers to look through")
            return
        for step, child in items:
            if type(child) in _ATOMS:
                continue
            if self._is_frame(child):
                if step[0] == "item" and not usable_key(step[1]):
                    self._unwatched.append(f"{path}[…]: a key that cannot be written down")
                else:
                    self._frames[FramePath(path.root, (*path.steps, step))] = child
            elif type(child) is np.ndarray:
                self._arrays.append(child)
            elif depth > 1 and (step[0] == "attribute" or usable_key(step[1])):
                inner = FramePath(path.root, (*path.steps, step))
                self._walk(inner, child, depth - 1, (*above, id(value)))


def _children(value: Any) -> tuple[int, Iterator[tuple[Step, Any]]] | None:
    if isinstance(value, dict):
        return dict.__len__(value), (
            (("item", key), child) for key, child in list(dict.items(value))
        )
    if isinstance(value, (list, tuple)):
        items = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        return len(value), ((("item", i), child) for i, child in enumerate(list(items)))
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    if type(attributes) is not dict or isinstance(value, (type, ModuleType)):
        return None
    return len(attributes), (
        (("attribute", name), child)
        for name, child in list(attributes.items())
        if isinstance(name, str) and name.isidentifier()
    )
