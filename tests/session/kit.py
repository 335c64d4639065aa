"""What the session's tests share: a notebook's namespace, and a state taken there and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

from dfbackup_jupyter.session import Context, Recalled, Recorder, State


def notebook(source: str = "") -> dict[str, Any]:
    """The namespace of a notebook in which one cell ran."""
    module = ModuleType("__main__")
    exec(source, module.__dict__)
    return module.__dict__


def reader(state: State) -> Callable[[int], bytearray]:
    blobs = state.blobs
    return lambda i: bytearray(blobs[i].read(0, blobs[i].nbytes))


def bring_back(
    recorder: Recorder, state: State, context: Context, *, trust: bool = True
) -> Recalled:
    """Restore what was stored: through JSON and bytes, as the store does."""
    meta = json.loads(json.dumps(state.meta, allow_nan=False))
    return recorder.restore(meta, reader(state), context, trust=trust)
