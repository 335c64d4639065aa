"""A witness inside a kernel: it remembers frames as they were, with none of our own code.

It keeps deep copies in this module, where nothing watches or restores them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_memory: dict[str, dict[str, pd.DataFrame]] = {}


def remember(moment: str, namespace: dict[str, Any]) -> None:
    """Remember every frame as it is at this moment."""
    _memory[moment] = {name: frame.copy() for name, frame in frames(namespace).items()}


def differences(moment: str, namespace: dict[str, Any]) -> list[str]:
    """Return what is not as it was at that moment; frames that are new do not matter."""
    live = frames(namespace)
    found = []
    for name, before in _memory[moment].items():
        found += [f"{name}: {what}" for what in unlike(before, live.get(name))]
    return found


def columns_lost(moment: str, name: str, namespace: dict[str, Any]) -> list[str]:
    """Return the columns of one frame that are gone, or not as they were at that moment."""
    before, now = _memory[moment][name], namespace[name]
    return [c for c in before.columns if c not in now.columns or not same(before[c], now[c])]


def frames(namespace: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Return the user's frames."""
    return {
        name: value
        for name, value in namespace.items()
        if isinstance(value, pd.DataFrame) and not name.startswith("_")
    }


def unlike(before: pd.DataFrame, now: pd.DataFrame | None) -> list[str]:
    """Return in what a frame differs from what it was."""
    if now is None:
        return ["gone"]
    if before.shape != now.shape:
        return [f"{before.shape} became {now.shape}"]
    found = []
    if list(before.columns) != list(now.columns):
        found.append("columns")
    if type(before.index) is not type(now.index) or not before.index.identical(now.index):
        found.append("index")
    if before.attrs != now.attrs:
        found.append("attrs")
    pairs = [(before.iloc[:, i], now.iloc[:, i]) for i in range(before.shape[1])]
    return found + [f"column {a.name}" for a, b in pairs if not same(a, b)]


def same(a: pd.Series, b: pd.Series) -> bool:
    """Whether two columns are alike to the bit."""
    if a.dtype != b.dtype:
        return False
    x, y = a.to_numpy(), b.to_numpy()
    if x.dtype != object:
        return np.ascontiguousarray(x).tobytes() == np.ascontiguousarray(y).tobytes()
    return all(
        p is q or (type(p) is type(q) and (p == q or (p != p and q != q)))
        for p, q in zip(x, y, strict=True)
    )
