"""Where the value of an expression comes from: which frame of the namespace, and which part of it.

Reads syntax and live objects without running any code of the user: containers are looked into with
the methods of the built-in types, objects through their ``__dict__``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any, Final, cast

from dfbackup_jupyter.risk import rules


class TooMuch(Exception):
    """The source needs more steps than an analysis may take."""


class _Unknown:
    """The type of `UNKNOWN`."""


UNKNOWN: Final = _Unknown()
"""A live object that cannot be told from the source; taken for a frame."""

ITEM: Final = "[]"


@dataclass(frozen=True, eq=False, slots=True)
class Origin:
    """One object that an expression may stand for.

    Parameters
    ----------
    root : str
        The top-level name that leads to it; empty for the namespace itself.
    live : object
        The frame, or the object that holds frames; `UNKNOWN` if it cannot be told.
    way : tuple of str
        The steps taken inside the frame: attribute and method names, ``[]`` for an item.
    boxed : bool
        Whether the expression is a new container that holds the object.
    """

    root: str
    live: object
    way: tuple[str, ...] = ()
    boxed: bool = False

    @property
    def is_holder(self) -> bool:
        """Whether this is an object that holds frames (not a frame, nor part of one)."""
        return not self.way and not self.boxed and not may_be_frame(self.live)

    @property
    def is_frame(self) -> bool:
        """Whether this is a frame itself, not part of one."""
        return not self.way and may_be_frame(self.live)

    def is_object(self, live: object) -> bool:
        """Whether this is a certain live object, whole."""
        return self.live is live and not self.way and not self.boxed

    @property
    def is_array(self) -> bool:
        """Whether this is a frame's own memory."""
        return not rules.ARRAYS.isdisjoint(self.way)

    @property
    def is_cell(self) -> bool:
        """Whether this may be a mutable object in a cell of a frame."""
        cells = 1 if is_series(self.live) else 2
        inside = len(self.way) >= cells and self.way[-1] == ITEM and "attrs" not in self.way
        return inside and has_objects(self.live)


Origins = tuple[Origin, ...]


@lru_cache(256)
def _frame_types(kind: type[Any]) -> frozenset[str]:
    """The frame types of the libraries that a class is or inherits from."""
    return rules.FRAME_TYPES.intersection(
        cls.__name__
        for cls in kind.__mro__
        if str(cls.__module__).partition(".")[0] in rules.FRAME_LIBRARIES
    )


def _library_types(live: object) -> frozenset[str]:
    kind: Any = type(live)
    return _frame_types(kind)


def may_be_frame(live: object) -> bool:
    """Whether a live object is a frame, as far as can be told."""
    return live is UNKNOWN or bool(_library_types(live))


def is_series(live: object) -> bool:
    """Whether a live object is a column rather than a table."""
    return "Series" in _library_types(live)


def has_objects(live: object) -> bool:
    """Whether a frame may have cells that are mutable Python objects."""
    if live is UNKNOWN:
        return True
    dtypes = [live.dtype] if is_series(live) else getattr(live, "dtypes", ())  # type: ignore[attr-defined]
    return any(str(dtype) in ("object", "Object") for dtype in dtypes)


def has_column(live: object, name: str) -> bool:
    """Whether setting an attribute of this name writes into the frame."""
    if live is UNKNOWN:
        return True
    if name in getattr(type(live), "_metadata", ()):
        return True
    labels = live.index if is_series(live) else getattr(live, "columns", ())  # type: ignore[attr-defined]
    return name in labels


def attributes(live: object) -> Mapping[str, object]:
    """The attributes that an object holds itself, found without calling its code."""
    try:
        found = object.__getattribute__(live, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}


def elements(live: object) -> Iterator[object]:
    """The objects that a container or object holds, the first ones only."""
    held: Iterable[object]
    if isinstance(live, dict):
        held = dict.values(live)
    elif isinstance(live, list):
        held = list.__iter__(live)
    elif isinstance(live, tuple):
        held = tuple.__iter__(live)
    else:
        held = attributes(live).values()
    return islice(held, rules.ELEMENT_LIMIT)


def may_hold(live: object) -> bool:
    """Whether an object is a frame or may hold one."""
    return may_be_frame(live) or isinstance(live, (dict, list, tuple)) or bool(attributes(live))


def holders(live: object, frames: Mapping[str, object]) -> tuple[str, ...]:
    """Every top-level name that leads to a live object: itself, or in what it names."""
    return tuple(
        name
        for name, other in frames.items()
        if other is live
        or (not may_be_frame(other) and any(element is live for element in elements(other)))
    )


def constant(node: ast.expr | None) -> object:
    """The value of a literal, or `UNKNOWN`."""
    if isinstance(node, ast.Constant):
        return node.value
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and isinstance(node.operand.value, int)
    ):
        return -node.operand.value
    return UNKNOWN


def dotted(node: ast.expr) -> tuple[str, ...]:
    """The names of ``a.b.c``; a call or item in between is an empty name."""
    names: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Name):
            return (node.id, *reversed(names))
        else:
            return ("", *reversed(names))


class Resolver:
    """Finds the origins of expressions in a namespace and the scopes of the cell.

    Parameters
    ----------
    frames : mapping of str to object
        The frames of the namespace, and the objects that hold frames, by name.
    """

    def __init__(self, frames: Mapping[str, object]) -> None:
        self.frames = frames
        self.scopes: list[dict[str, Origins]] = [{}]
        self._steps = 0

    def step(self) -> None:
        """Count one step of the analysis.

        Raises
        ------
        TooMuch
            When there were too many.
        """
        self._steps += 1
        if self._steps > rules.STEP_LIMIT:
            raise TooMuch

    def lookup(self, name: str) -> Origins:
        """What a name stands for at this place of the cell."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        if name in self.frames:
            return (Origin(name, self.frames[name]),)
        if name == rules.NAMESPACE_MODULE:
            return (Origin("", self.frames),)
        return ()

    def origins(self, node: ast.expr | None) -> Origins:
        """The objects that an expression may stand for.

        Parameters
        ----------
        node : ast.expr or None
            The expression.

        Returns
        -------
        tuple of Origin
            Empty for new objects and for those that have nothing to do with frames.
        """
        self.step()
        match node:
            case ast.Name():
                return self.lookup(node.id)
            case ast.Attribute():
                if node.attr in rules.NAMESPACE_ATTRIBUTES:
                    return (Origin("", self.frames),)
                return self._each(self.attribute, self.origins(node.value), node.attr)
            case ast.Subscript(slice=ast.Constant(value=rules.NAMESPACE_MODULE)):
                return (Origin("", self.frames),)
            case ast.Subscript():
                return self._each(self.item, self.origins(node.value), constant(node.slice))
            case ast.Call():
                return self._call(node)
            case ast.NamedExpr() | ast.Await() | ast.Starred():
                return self.origins(node.value)
            case ast.IfExp():
                return self.origins(node.body) + self.origins(node.orelse)
            case ast.BoolOp():
                return self._all(node.values)
            case ast.Tuple() | ast.List() | ast.Set():
                return tuple(replace(origin, boxed=True) for origin in self._all(node.elts))
            case ast.Dict():
                return tuple(replace(origin, boxed=True) for origin in self._all(node.values))
        return ()

    def iterated(self, node: ast.expr) -> Origins:
        """The objects that a loop over an expression meets."""
        return self._each(self.item, self.origins(node), UNKNOWN)

    def item(self, origin: Origin, key: object) -> Iterator[Origin]:
        """What ``origin[key]`` may be; `UNKNOWN` stands for any key."""
        if origin.boxed:
            yield replace(origin, boxed=False)
        elif not origin.root:
            for name in self.frames if key is UNKNOWN else [cast(str, key)]:
                if name in self.frames:
                    yield Origin(name, self.frames[name])
        elif not origin.is_holder:
            yield replace(origin, way=(*origin.way, ITEM))
        else:
            live = origin.live
            held: Iterable[object]
            if key is not UNKNOWN and isinstance(live, dict):
                held = [dict.get(live, key)]
            elif isinstance(key, str):
                held = [attributes(live).get(key)]
            elif isinstance(key, int) and isinstance(live, (list, tuple)):
                held = tuple(elements(live))[key : key + 1 or None]
            else:
                held = elements(live)
            for element in held:
                if may_hold(element):
                    yield Origin(origin.root, element)

    def attribute(self, origin: Origin, name: object) -> Iterator[Origin]:
        """What ``origin.name`` may be."""
        if name == "__dict__" and (origin.is_holder or not origin.root):
            yield origin
        elif not origin.root:
            yield from self.item(origin, name)
        elif not origin.is_holder:
            yield replace(origin, way=(*origin.way, str(name)))
        else:
            held = attributes(origin.live).get(str(name))
            if held is not None and may_hold(held):
                yield Origin(origin.root, held)

    @staticmethod
    def _each(
        step: Callable[[Origin, object], Iterator[Origin]], found: Origins, key: object
    ) -> Origins:
        return tuple(after for origin in found for after in step(origin, key))

    def _all(self, nodes: Iterable[ast.expr | None]) -> Origins:
        return tuple(origin for node in nodes for origin in self.origins(node))

    def _call(self, node: ast.Call) -> Origins:
        first = node.args[0] if node.args else None
        if isinstance(node.func, ast.Attribute):
            name, base = node.func.attr, self.origins(node.func.value)
            if base:
                return tuple(
                    after for origin in base for after in self._method(origin, name, first)
                )
        else:
            name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in rules.NAMESPACE_FUNCTIONS and first is None:
            return (Origin("", self.frames),)
        if name == "vars":
            return self._each(self.attribute, self.origins(first), "__dict__")
        if name == "getattr" and len(node.args) > 1:
            key = constant(node.args[1])
            return self._each(self.attribute, self.origins(first), key)
        if name in rules.PASS_THROUGH:
            boxed = (self.iterated(node) for node in node.args)
            return tuple(replace(origin, boxed=True) for found in boxed for origin in found)
        if name in rules.ARRAY_FUNCTIONS and first is not None:
            return tuple(
                replace(origin, way=(*origin.way, "values"))
                for origin in self.origins(first)
                if not origin.is_holder
            )
        return ()

    def _method(self, origin: Origin, name: str, first: ast.expr | None) -> Iterator[Origin]:
        if origin.boxed or origin.is_holder:
            if name in rules.KEY_METHODS:
                yield from self.item(origin, constant(first))
            elif name in rules.ELEMENT_METHODS:
                for after in self.item(origin, UNKNOWN):
                    yield replace(after, boxed=True)
        elif name in rules.ARRAYS or name in rules.ARRAY_VIEWS:
            yield replace(origin, way=(*origin.way, ITEM if name == "get" else name))
