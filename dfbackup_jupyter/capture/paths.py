"""Where a frame lives: ``df``, ``dfs['a']``, ``model.df``, ``parts[0]``, ``cfg['x'].frames[2]``."""

from __future__ import annotations

import ast
import keyword
import unicodedata
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

Kind = Literal["item", "attribute"]

_ATOMS = frozenset({str, int, float, bool, type(None), bytes})


class Step(NamedTuple):
    """One step from a container or object to what it holds."""

    kind: Kind
    key: Any


@lru_cache(4096)
def at_root(name: str) -> FramePath:
    """Return the path of a variable; the same one each time."""
    return FramePath(name)


def is_usable_key(key: object) -> bool:
    """Whether a key can be written in Python source and read back as an equal key."""
    if type(key) is tuple:
        return all(map(is_usable_key, key))
    if type(key) is float:
        return key == key and key not in (float("inf"), float("-inf"))
    return type(key) in _ATOMS


class FramePath(NamedTuple):
    """The place of a frame in a namespace.

    A tuple, because every look at a namespace makes and hashes one for each frame.

    Parameters
    ----------
    root : str
        Name of the variable.
    steps : tuple of Step
        From there to the frame.
    """

    root: str
    steps: tuple[tuple[Kind, Any], ...] = ()

    def __str__(self) -> str:
        text = self.root if _is_name(self.root) else f"globals()[{self.root!r}]"
        for kind, key in self.steps:
            if kind == "item":
                text += f"[{key!r}]"
            elif _is_name(key):
                text += f".{key}"
            else:
                text = f"getattr({text}, {key!r})"
        return text

    @classmethod
    def parse(cls, text: str) -> FramePath:
        """Read what `str` wrote, without evaluating anything.

        Raises
        ------
        ValueError
            The text is not the place of a frame.
        """
        return at_root(text) if _is_name(text) else _parsed(text)

    @classmethod
    def canonical(cls, text: str) -> str:
        """Return a place as `str` writes it, however it was typed; other text as it is."""
        try:
            return str(cls.parse(text))
        except ValueError:
            return text

    def get(self, namespace: MutableMapping[str, Any]) -> Any:
        """Return what is there.

        Raises
        ------
        LookupError, TypeError, AttributeError
            Nothing is.
        """
        value = namespace[self.root]
        for kind, key in self.steps:
            value = value[key] if kind == "item" else getattr(value, key)
        return value

    def assign(self, namespace: MutableMapping[str, Any], value: Any) -> None:
        """Put `value` there; a tuple on the way is replaced by one that holds it.

        Raises
        ------
        LookupError, TypeError, AttributeError
            There is no such place.
        """
        if not self.steps:
            namespace[self.root] = value
            return
        *_, (kind, key) = self.steps
        parent = FramePath(self.root, self.steps[:-1])
        holder = parent.get(namespace)
        if kind == "attribute":
            setattr(holder, key, value)
        elif isinstance(holder, tuple):
            if holder[key] is not value:
                parent.assign(namespace, _rebuilt(holder, key, value))
        elif isinstance(holder, list) and key == len(holder):
            holder.append(value)
        else:
            holder[key] = value

    def delete(self, namespace: MutableMapping[str, Any]) -> None:
        """Take away what is there.

        Raises
        ------
        LookupError, TypeError, AttributeError
            Nothing is.
        """
        if not self.steps:
            del namespace[self.root]
            return
        *_, (kind, key) = self.steps
        parent = FramePath(self.root, self.steps[:-1])
        holder = parent.get(namespace)
        if kind == "attribute":
            delattr(holder, key)
        elif isinstance(holder, tuple):
            parent.assign(namespace, (*holder[:key], *holder[key + 1 :]))
        else:
            del holder[key]


def _is_name(text: object) -> bool:
    # Python reads names in their NFKC form, so another form would come back as another name.
    return (
        isinstance(text, str)
        and text.isidentifier()
        and not keyword.iskeyword(text)
        and unicodedata.normalize("NFKC", text) == text
    )


@lru_cache(4096)
def _parsed(text: str) -> FramePath:
    try:
        return FramePath(*_read(ast.parse(text, mode="eval").body))
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{text!r} is not the place of a frame") from error


def _read(node: ast.expr) -> tuple[str, tuple[Step, ...]]:
    match node:
        case ast.Name(id=name):
            return name, ()
        case ast.Attribute(value=value, attr=name):
            root, steps = _read(value)
            return root, (*steps, Step("attribute", name))
        case ast.Subscript(
            value=ast.Call(func=ast.Name(id="globals"), args=[], keywords=[]),
            slice=ast.Constant(value=str(name)),
        ):
            return name, ()
        case ast.Subscript(value=value, slice=key):
            root, steps = _read(value)
            literal = ast.literal_eval(key)
            if not is_usable_key(literal):
                raise ValueError("no key that a path can have")
            return root, (*steps, Step("item", literal))
        case ast.Call(
            func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(name))], keywords=[]
        ):
            root, steps = _read(value)
            return root, (*steps, Step("attribute", name))
    raise ValueError("no name, item or attribute")


def _rebuilt(holder: tuple[Any, ...], key: int, value: Any) -> tuple[Any, ...]:
    items = list(holder)
    items[key] = value
    make = getattr(holder, "_make", None)
    if make is not None:
        return make(items)  # type: ignore[no-any-return]
    return type(holder)(items)
