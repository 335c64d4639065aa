"""Pickles of single notebook variables, within a budget.

cloudpickle does most of it. Two things are better known here than there. A function that was
defined in the notebook reads its globals from the notebook: cloudpickle would store every global
that it mentions along with it, a frame of any size too, and bring it back with globals of its own.
And a watched frame is backed up already: wherever a pickle meets one, it keeps the frame's path.
"""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Mapping
from functools import partial
from types import CellType, CodeType, FunctionType
from typing import Any

import cloudpickle

PROTOCOL = 5

_SLOTS = "__name__ __qualname__ __module__ __doc__ __defaults__ __kwdefaults__".split()


class OverBudget(Exception):
    """A pickle would be larger, or take longer, than allowed."""


class TooLarge(OverBudget):
    """It would be larger than allowed."""


class TooSlow(OverBudget):
    """It would take longer than allowed."""


def dumps(
    value: object,
    namespace: Mapping[str, Any],
    paths: Mapping[int, str],
    *,
    limit: int,
    deadline: float | None = None,
) -> bytes:
    """Pickle one object.

    Parameters
    ----------
    value : object
        What to pickle.
    namespace : mapping of str to object
        The notebook's globals.
    paths : mapping of int to str
        Where the watched frames live, by their identity.
    limit : int
        Bytes that it may take.
    deadline : float, optional
        Until when it may go on, as ``time.monotonic()`` counts.

    Raises
    ------
    OverBudget
        It is larger or slower than allowed.
    Exception
        Whatever the object raises.
    """
    sink = _Sink(limit, deadline)
    _Pickler(sink, namespace, paths).dump(value)
    return sink.getvalue()


def loads(data: Any, namespace: dict[str, Any], frames: Mapping[str, Any]) -> Any:
    """Unpickle what `dumps` gave. Runs whatever code the bytes ask for."""
    return _Unpickler(io.BytesIO(data), namespace, frames).load()


def holds_code(data: Any) -> bool:
    """Return whether a pickle has compiled code in it, which only the same Python can run."""
    return b"CodeType" in bytes(data)


class _Sink(io.BytesIO):
    """Takes a pickle piece by piece, about 64 KiB each, until it is too much."""

    def __init__(self, limit: int, deadline: float | None) -> None:
        super().__init__()
        self._limit = limit
        self._deadline = deadline

    def write(self, data: Any, /) -> int:
        if self.tell() + memoryview(data).nbytes > self._limit:
            raise TooLarge
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise TooSlow
        return super().write(data)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def __init__(self, sink: _Sink, namespace: Mapping[str, Any], paths: Mapping[int, str]) -> None:
        super().__init__(sink, protocol=PROTOCOL)
        self._namespace = namespace
        self._paths = paths

    def reducer_override(self, obj: Any) -> Any:
        if id(obj) in self._paths:
            return watched_frame, (self._paths[id(obj)],)
        if type(obj) is FunctionType and obj.__globals__ is self._namespace:
            return notebook_function, *_reduced(obj)
        return super().reducer_override(obj)


class _Unpickler(pickle.Unpickler):
    def __init__(
        self, source: io.BytesIO, namespace: dict[str, Any], frames: Mapping[str, Any]
    ) -> None:
        super().__init__(source)
        self._bound = {
            notebook_function.__name__: partial(notebook_function, namespace=namespace),
            watched_frame.__name__: partial(watched_frame, frames=frames),
        }

    def find_class(self, module: str, name: str, /) -> Any:
        if module == __name__ and name in self._bound:
            return self._bound[name]
        return super().find_class(module, name)


def watched_frame(path: str, *, frames: Mapping[str, Any]) -> Any:
    """Return the frame that lives at a path now."""
    if path not in frames:
        raise LookupError(f"it holds the frame {path}, which is not there")
    return frames[path]


def notebook_function(code: CodeType, *, namespace: dict[str, Any]) -> FunctionType:
    """Return a function of the notebook that has yet to be filled by `_fill`."""
    cells = tuple(CellType() for _ in code.co_freevars)
    return FunctionType(code, namespace, closure=cells or None)


def _reduced(function: FunctionType) -> tuple[Any, ...]:
    state = {
        "slots": {slot: getattr(function, slot) for slot in _SLOTS},
        "annotations": function.__annotations__,
        "attributes": function.__dict__,
        "closure": [_content(cell) for cell in function.__closure__ or ()],
    }
    return (function.__code__,), state, None, None, _fill


def _content(cell: CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _fill(function: FunctionType, state: dict[str, Any]) -> None:
    for slot, value in state["slots"].items():
        setattr(function, slot, value)
    function.__annotations__ = state["annotations"]
    function.__dict__.update(state["attributes"])
    for cell, content in zip(function.__closure__ or (), state["closure"], strict=True):
        if content:
            cell.cell_contents = content[0]
