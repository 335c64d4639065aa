"""Where a frame lives: a variable, or a place in a container or object."""

from __future__ import annotations

import ast
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Literal

Step = tuple[Literal["item", "attribute"], Any]

KEYS = (str, int, float, bool, bytes, type(None))


@dataclass(frozen=True)
class FramePath:
    """The way from a variable to a frame, printed as Python: ``df``, ``dfs['a']``, ``model.df``.

    Attributes
    ----------
    root : str
        The variable.
    steps : tuple of (kind, key)
        Items of dicts, lists and tuples, and attributes of objects.
    """

    root: str
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        return self.root + "".join(
            f".{key}" if kind == "attribute" else f"[{key!r}]" for kind, key in self.steps
        )

    @classmethod
    def parse(cls, text: str) -> FramePath:
        """Read what `str` gives.

        Raises
        ------
        ValueError
            The text is no path.
        """
        try:
            node = ast.parse(text, mode="eval").body
            steps: list[Step] = []
            while not isinstance(node, ast.Name):
                if isinstance(node, ast.Attribute):
                    steps.append(("attribute", node.attr))
                elif isinstance(node, ast.Subscript):
                    steps.append(("item", _literal(node.slice)))
                else:
                    raise ValueError(text)
                node = node.value
        except (SyntaxError, RecursionError, MemoryError, TypeError) as error:
            raise ValueError(f"{text!r} is not the name of a frame") from error
        return cls(node.id, tuple(reversed(steps)))

    def get(self, namespace: dict[str, Any]) -> Any:
        """Return what is there.

        Raises
        ------
        LookupError, AttributeError, TypeError
            Nothing is.
        """
        value = namespace[self.root]
        for step in self.steps:
            value = _follow(value, step)
        return value

    def assign(self, namespace: MutableMapping[str, Any], value: Any) -> None:
        """Put a value there: containers and objects are changed in place, tuples are rebuilt.

        Raises
        ------
        LookupError, AttributeError, TypeError
            There is no such place.
        """
        parents = self._parents(namespace)
        for parent, (kind, key) in zip(reversed(parents), reversed(self.steps), strict=True):
            if kind == "attribute":
                setattr(parent, key, value)
                return
            if isinstance(parent, tuple):
                value = _with_item(parent, key, value)
                continue
            if isinstance(parent, list) and key == len(parent):
                parent.append(value)
            else:
                parent[key] = value
            return
        namespace[self.root] = value

    def delete(self, namespace: MutableMapping[str, Any]) -> None:
        """Take away what is there.

        Raises
        ------
        LookupError, AttributeError, TypeError
            Nothing is, or it is in a tuple.
        """
        if not self.steps:
            del namespace[self.root]
            return
        parent, (kind, key) = self._parents(namespace)[-1], self.steps[-1]
        if kind == "attribute":
            delattr(parent, key)
        else:
            del parent[key]

    def _parents(self, namespace: MutableMapping[str, Any]) -> list[Any]:
        if not self.steps:
            return []
        parents = [namespace[self.root]]
        for step in self.steps[:-1]:
            parents.append(_follow(parents[-1], step))
        return parents


def usable_key(key: object) -> bool:
    """Whether a key of a dict can stand in a path."""
    if type(key) is tuple:
        return all(map(usable_key, key))
    return type(key) in KEYS and key == key


def _follow(value: Any, step: Step) -> Any:
    kind, key = step
    return object.__getattribute__(value, "__dict__")[key] if kind == "attribute" else value[key]


def _with_item(items: tuple[Any, ...], index: int, value: Any) -> tuple[Any, ...]:
    changed = [*items[:index], value, *items[index + 1 :]]
    make = getattr(type(items), "_make", type(items))
    rebuilt: tuple[Any, ...] = make(changed)
    return rebuilt


def _literal(node: ast.expr) -> Any:
    value = ast.literal_eval(node)
    if not usable_key(value):
        raise ValueError(f"{value!r} is not a key")
    return value
