"""pandas' private attributes are as we know them, and we live without those that are gone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dfbackup_jupyter import capture
from dfbackup_jupyter.capture import pandas_internals as internals
from tests.capture.kit import Stored
from tests.capture.test_unchanged import frame
from tests.support.exact import assert_same_frame

CHANGED = (
    "pandas {} changed: {}. Change dfbackup_jupyter/capture/pandas_internals.py; until then "
    "snapshots are slower, or wrong."
)


def known(condition: bool, what: str) -> None:
    assert condition, CHANGED.format(pd.__version__, what)


def test_frames_have_managers_of_blocks() -> None:
    for df in (frame(), frame()["a"]):
        manager = df._mgr
        known(isinstance(manager.blocks, tuple), "a manager's blocks are no tuple")
        known(len(manager.axes) == df.ndim, "a manager's axes are others")
        for block in manager.blocks:
            known(hasattr(block, "values"), "blocks have no values")
            known(block._mgr_locs is block._mgr_locs, "placements are made anew at each look")
            known(hasattr(block.refs, "referenced_blocks"), "references are kept in another way")
        known(internals.layout(df) is not None, "layouts cannot be read")


def test_a_shallow_copy_makes_pandas_copy_before_it_writes() -> None:
    df = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    shallow = internals.shallow(df)
    block = df._mgr.blocks[0]
    known(block.refs.has_reference(), "shallow copies are not referred to")
    known(np.shares_memory(shallow._mgr.blocks[0].values, block.values), "memory is not shared")
    df.iloc[0, 0] = 9
    known(shallow.iloc[0, 0] == 1, "Copy-on-Write does not protect shallow copies")


def test_names_and_frequencies_are_where_they_were() -> None:
    index = pd.date_range("2024", periods=2, freq="D", name="n")
    known(index._name == "n", "an index's name is elsewhere")
    known(index._freq is index.freq, "a frequency is elsewhere")
    multi = pd.MultiIndex.from_tuples([(1, 2)], names=["x", "y"])
    known(list(multi._names) == ["x", "y"], "names of levels are elsewhere")
    known(pd.Series([1], name="s")._name == "s", "a Series' name is elsewhere")
    view = index.view()
    view.name = "other"
    known(index.name == "n", "views of an index share its name")
    known(view.freq == index.freq, "views of an index lose its frequency")


def test_arrays_are_made_of_what_we_know() -> None:
    masked = pd.array([1, None], dtype="Int64")
    known(len(internals.buffers(masked)) == 2, "nullable arrays have other parts")
    dates = pd.date_range("2024", periods=2, tz="UTC").array
    known(internals.ordinals(dates).dtype == np.int64, "dates have other parts")
    spans = pd.interval_range(0, 2).array
    known(len(internals.interval_sides(spans)) == 2, "intervals have other parts")
    arrow = pd.array([1], dtype="int64[pyarrow]")
    known(internals.arrow_values(arrow).to_pylist() == [1], "Arrow arrays have other parts")
    python = pd.array(["x"], dtype="string[python]")
    known(internals.python_strings(python).tolist() == ["x"], "strings have other parts")
    categories = pd.Categorical(["x"])
    known(len(internals.buffers(categories)) == 1, "categoricals have other parts")


def test_without_layouts_snapshots_copy_and_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> Any:
        raise AttributeError("gone")

    monkeypatch.setattr(internals, "Layout", gone)
    for make in (frame, lambda: frame()["a"]):
        df = make()
        snapshot = capture.snapshot(df)
        assert snapshot.bytewise and snapshot.unchanged(df)
        before = df.copy()
        df.iloc[0:1] = df.iloc[1:2].to_numpy() if df.ndim == 2 else 9
        assert not snapshot.unchanged(df)
        assert_same_frame(snapshot.thaw(), before)
        assert_same_frame(Stored(snapshot).read().frame, before)


def test_without_blocks_columns_are_still_read() -> None:
    df = frame()
    found = internals.columns(df)

    class Bare:
        def __init__(self, df: pd.DataFrame) -> None:
            self.ndim, self.shape, self.iloc = 2, df.shape, df.iloc

    other = internals.columns(Bare(df))
    for one, two in zip(found, other, strict=True):
        assert type(one) is type(two)
        assert pd.Series(one).equals(pd.Series(two))
    assert internals.block_values(Bare(df)) == ()
    assert internals.layout(Bare(df)) is None


def test_shallow_copies_without_managers(monkeypatch: pytest.MonkeyPatch) -> None:
    df = frame()

    def refuse(*_: Any, **__: Any) -> Any:
        raise TypeError("other arguments now")

    monkeypatch.setattr(internals, "_shared", refuse)
    copy = internals.shallow(df)
    df.loc["2024-01-01", "a"] = 99
    assert_same_frame(copy, frame())
