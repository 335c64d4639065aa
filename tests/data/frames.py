"""Frames that are hard to keep, the same ones each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

ROWS = 12_000


def plain() -> dict[str, Any]:
    """Frames that only need what any version has had."""
    odd = np.array([0.0, -0.0, np.inf, np.nan, np.nan]).view(np.uint64)
    odd[4] += 7  # a NaN that carries something
    frame = pd.DataFrame(
        {
            "float": odd.view(np.float64),
            "int": np.array([1, -2, 3, 2**62, 5], np.int64),
            "small": np.array([1, 2, 3, 4, 255], np.uint8),
            "bool": [True, False, True, False, True],
            "text": pd.array(["a", "ß", None, "", "日本"], "str"),
            "object": pd.Series([1, "two", None, (3, 4), b"5"], dtype=object),
            "category": pd.Categorical(
                ["low", "high", None, "low", "low"], ["low", "mid", "high"], ordered=True
            ),
            "nullable": pd.array([1, None, 3, 4, 5], "Int64"),
            "maybe": pd.array([True, None, False, True, None], "boolean"),
            "zoned": pd.date_range("2026-03-28", periods=5, freq="h", tz="Europe/Rome"),
            "gap": pd.to_timedelta([1, 2, None, 4, 5], unit="h"),
            "period": pd.period_range("2026-01", periods=5, freq="M"),
            "interval": pd.interval_range(0, 5, closed="left"),
            "complex": np.arange(5) * 1j,
        },
        index=pd.date_range("2026-01-01", periods=5, freq="D", name="day"),
    )
    frame.attrs["unit"] = {"price": "EUR"}
    two = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", None])
    labelled = pd.DataFrame(np.arange(16.0).reshape(4, 4), index=two, columns=two)
    twice = pd.DataFrame([[1, "x"], [2, "y"]], columns=["same", "same"])
    return {
        "frame": frame,
        "labelled": labelled,
        "twice": twice,
        "empty": pd.DataFrame(index=pd.RangeIndex(3)),
        "no_rows": frame.iloc[:0],
        "series": pd.Series([1.5, None], name=("a", 1)),
    }


def large() -> pd.DataFrame:
    """A frame with enough rows to be worth a selection."""
    return pd.DataFrame({"n": np.arange(ROWS) * 7, "x": np.arange(ROWS) / 8})


def selected() -> pd.DataFrame:
    """Some rows of the large one, which are stored as such."""
    return large().iloc[::-3]
