"""What pandas can do to a frame in place is noticed, and the snapshot keeps what was there."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dfbackup_jupyter import capture
from dfbackup_jupyter.capture.base import Known
from tests.capture.kit import Stored
from tests.support.exact import assert_same_frame


class Special(pd.DataFrame):
    _metadata = ["unit", "notes"]

    @property
    def _constructor(self) -> type:
        return Special


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "a": [1, 2, 3],
            "b": [1.5, np.nan, -0.0],
            "f": [1.0, 2.0, 3.0],
            "s": ["x", None, "z"],
            "o": np.array([1, "y", None], dtype=object),
            "t": pd.date_range("2024", periods=3),
            "z": pd.date_range("2024", periods=3, tz="Europe/Berlin"),
            "c": pd.Categorical(list("uvu")),
            "i": pd.array([1, None, 3], dtype="Int64"),
            "p": pd.period_range("2024", periods=3, freq="M"),
        },
        index=pd.date_range("2024-01-01", periods=3, freq="D", name="day"),
    )


def set_item(key: Any, value: Any) -> Callable[[Any], None]:
    def change(df: Any) -> None:
        df[key] = value

    return change


def loc(row: Any, column: Any, value: Any, how: str = "loc") -> Callable[[Any], None]:
    def change(df: Any) -> None:
        getattr(df, how)[row, column] = value

    return change


def attribute(path: str, value: Any) -> Callable[[Any], None]:
    def change(df: Any) -> None:
        *way, last = path.split(".")
        for name in way:
            df = getattr(df, name)
        setattr(df, last, value)

    return change


def delete(column: str) -> Callable[[Any], None]:
    def change(df: Any) -> None:
        del df[column]

    return change


def augmented(df: Any) -> None:
    df["a"] += 1


def attrs(df: Any) -> None:
    df.attrs["unit"] = "kg"


def nested_attrs(df: Any) -> None:
    df.attrs["list"].append(1)


def unique_labels(df: Any) -> None:
    df.flags.allows_duplicate_labels = False


def reinitialised(df: Any) -> None:
    df.__init__({"a": [1]})


def call(name: str, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
    def change(df: Any) -> None:
        getattr(df, name)(*args, **kwargs)

    return change


CHANGES: dict[str, Callable[[Any], None]] = {
    "column": set_item("a", 0),
    "same column again": set_item("a", [1, 2, 3]),
    "new column": set_item("n", 1),
    "columns": set_item(["a", "b"], 0),
    "string column": set_item("s", "w"),
    "categorical column": set_item("c", pd.Categorical(list("vvu"))),
    "loc": loc("2024-01-02", "a", 9),
    "loc whole column": loc(slice(None), "a", 9),
    "loc dtype": loc("2024-01-01", "b", 0.0),
    "loc string": loc("2024-01-01", "s", "q"),
    "loc object": loc("2024-01-01", "o", "q"),
    "loc datetime": loc("2024-01-01", "t", pd.Timestamp("2020")),
    "loc tz": loc("2024-01-01", "z", pd.NaT),
    "loc category": loc("2024-01-01", "c", "v"),
    "loc nullable": loc("2024-01-01", "i", pd.NA),
    "loc period": loc("2024-01-01", "p", pd.NaT),
    "loc enlarges": loc(pd.Timestamp("2025"), "a", 1),
    "iloc": loc(0, 1, 7.5, "iloc"),
    "iloc slice": loc(slice(None), slice(1, 3), 0.0, "iloc"),
    "at": loc(pd.Timestamp("2024-01-02"), "a", 9, "at"),
    "iat": loc(0, 0, 9, "iat"),
    "sign of zero": loc(2, 1, 0.0, "iat"),
    "insert": call("insert", 0, "n", 1),
    "pop": call("pop", "a"),
    "isetitem": call("isetitem", 0, [7, 8, 9]),
    "update": call("update", pd.DataFrame({"f": [9.0]}, pd.DatetimeIndex(["2024-01-01"]))),
    "del": delete("s"),
    "augmented": augmented,
    "drop": call("drop", columns="a", inplace=True),
    "drop rows": call("drop", index=pd.Timestamp("2024-01-01"), inplace=True),
    "dropna": call("dropna", inplace=True),
    "fillna": call("fillna", {"b": 0.0}, inplace=True),
    "ffill": call("ffill", inplace=True),
    "bfill": call("bfill", inplace=True),
    "replace": call("replace", {"a": {1: 100}}, inplace=True),
    "rename": call("rename", columns={"a": "A"}, inplace=True),
    "rename_axis": call("rename_axis", "z", inplace=True),
    "reset_index": call("reset_index", inplace=True),
    "set_index": call("set_index", "a", inplace=True),
    "sort_values": call("sort_values", "a", ascending=False, inplace=True),
    "sort_index": call("sort_index", ascending=False, inplace=True),
    "query": call("query", "a > 1", inplace=True),
    "eval": call("eval", "n = a + f", inplace=True),
    "drop_duplicates": call("drop_duplicates", "c", inplace=True),
    "columns attribute": attribute("columns", list("ABCDEFGHIJ")),
    "index attribute": attribute("index", [1, 2, 3]),
    "index name": attribute("index.name", "z"),
    "index names": attribute("index.names", ["z"]),
    "columns name": attribute("columns.name", "z"),
    "freq": attribute("index.freq", None),
    "column as attribute": attribute("a", 0),
    "attrs": attrs,
    "attrs replaced": attribute("attrs", {"k": 1}),
    "flags": unique_labels,
    "reinitialised": reinitialised,
}
NUMERIC_CHANGES: dict[str, Callable[[Any], None]] = {
    "where": call("where", pd.DataFrame({"x": [True, False], "y": [False, True]}), 0, inplace=True),
    "mask": call("mask", pd.DataFrame({"x": [True, False], "y": [False, True]}), 0, inplace=True),
    "clip": call("clip", upper=1.5, inplace=True),
    "interpolate": call("interpolate", inplace=True),
    "boolean": set_item(np.array([[True, False]] * 2), 0.0),
    "times": call("__imul__", 2),
    "reordered": lambda df: df.__init__(df[["y", "x"]]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_noticed(name: str) -> None:
    check(frame(), CHANGES[name])


@pytest.mark.parametrize("name", NUMERIC_CHANGES)
def test_every_change_of_numbers_is_noticed(name: str) -> None:
    check(pd.DataFrame({"x": [1.0, np.nan], "y": [3.0, 4.0]}), NUMERIC_CHANGES[name])


SERIES_CHANGES: dict[str, Callable[[Any], None]] = {
    "item": set_item("a", 99),
    "new item": set_item("n", 99),
    "loc": lambda s: s.loc.__setitem__("b", 9),
    "iloc": lambda s: s.iloc.__setitem__(0, 9),
    "name": attribute("name", "x"),
    "name to an equal one": attribute("name", 1.0),
    "index": attribute("index", [1, 2, 3]),
    "index name": attribute("index.name", "x"),
    "pop": call("pop", "a"),
    "sort_values": call("sort_values", inplace=True),
    "update": call("update", pd.Series({"a": 7})),
    "augmented": call("__iadd__", 1),
    "replace": call("replace", 3, 30, inplace=True),
    "attrs": attrs,
    "flags": unique_labels,
}


@pytest.mark.parametrize("name", SERIES_CHANGES)
def test_every_change_of_a_series_is_noticed(name: str) -> None:
    check(pd.Series([3, 1, 2], index=list("abc"), name=1), SERIES_CHANGES[name])


def check(df: Any, change: Callable[[Any], None]) -> None:
    before = df.copy()
    snapshot = capture.snapshot(df)
    stored = Stored(snapshot).content
    assert snapshot.unchanged(df)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        change(df)
    assert not snapshot.unchanged(df)
    assert_same_frame(snapshot.thaw(), before)
    assert Stored(snapshot).content == stored
    assert capture.snapshot(df).unchanged(df)
    capture.put_back(df, snapshot.thaw())
    assert_same_frame(df, before)


READS: dict[str, Callable[[Any], Any]] = {
    "repr": repr,
    "column": lambda df: df["a"].sum(),
    "groupby": lambda df: df.groupby("c", observed=True)["f"].sum(),
    "merge": lambda df: df.merge(df, on="a"),
    "describe": lambda df: df.describe(),
    "values": lambda df: df.values,
    "loop": lambda df: [row for _, row in df.iterrows()],
    "lookup": lambda df: df.loc["2024-01-02"],
    "copy": lambda df: df.copy(deep=False).pop("a"),
    "write to a view": lambda df: df[["a"]].__setitem__("a", 9),
    "chained": lambda df: df["a"].replace(1, 9, inplace=True),
    "to_numpy": lambda df: df["f"].to_numpy().sum(),
    "sort": lambda df: df.sort_values("f", ascending=False),
    "memory": lambda df: df.memory_usage(deep=True),
    "set_index": lambda df: df.set_index("s"),
}


@pytest.mark.parametrize("name", READS)
def test_reading_changes_nothing(name: str) -> None:
    df = frame()
    snapshot = capture.snapshot(df)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        READS[name](df)
    assert snapshot.unchanged(df)
    assert not snapshot.bytewise


def test_multiindex_names_are_noticed() -> None:
    df = pd.DataFrame({"a": [1]}, pd.MultiIndex.from_tuples([(1, 2)], names=["x", "y"]))
    check(df, attribute("index.names", ["x", "z"]))


def test_nested_attrs_are_noticed() -> None:
    df = pd.DataFrame({"a": [1]})
    df.attrs = {"list": [0]}
    before = df.copy()
    snapshot = capture.snapshot(df)
    nested_attrs(df)
    assert not snapshot.unchanged(df)
    assert_same_frame(snapshot.thaw(), before)


def test_metadata_of_subclasses() -> None:
    df = Special({"a": [1, 2]})
    df.unit, df.notes = "kg", ["n"]
    snapshot = capture.snapshot(df)
    assert snapshot.unchanged(df)
    df.notes.append("m")
    assert not snapshot.unchanged(df)
    old = snapshot.thaw()
    assert type(old) is Special and old.unit == "kg" and old.notes == ["n"]
    capture.put_back(df, old)
    assert df.notes == ["n"] and df.unit == "kg"


def test_another_class_is_a_change() -> None:
    df = pd.DataFrame({"a": [1]})
    snapshot = capture.snapshot(df)
    assert not snapshot.unchanged(Special(df))
    df.__class__ = Special
    assert not snapshot.unchanged(df)


def test_a_thawed_frame_does_not_write_into_the_snapshot() -> None:
    df = frame()
    snapshot = capture.snapshot(df)
    other = snapshot.thaw()
    other.loc["2024-01-01", "a"] = 99
    other.index.name = "changed"
    other.columns.name = "changed"
    other.attrs["x"] = 1
    assert_same_frame(snapshot.thaw(), frame())
    assert snapshot.unchanged(df)
    assert_same_frame(df, frame())


def test_put_back_is_seen_by_all_who_hold_the_object() -> None:
    df = frame()
    alias, snapshot = df, capture.snapshot(df)
    df.drop(columns=["a", "b"], inplace=True)
    capture.put_back(df, snapshot.thaw())
    assert alias is df
    assert_same_frame(alias, frame())
    df.loc["2024-01-01", "a"] = 99
    assert_same_frame(snapshot.thaw(), frame())


def test_put_back_needs_the_same_class() -> None:
    with pytest.raises(TypeError):
        capture.put_back(pd.DataFrame(), Special())


def test_same_columns_keep_their_keys() -> None:
    df = pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [5, 6]})
    first = capture.snapshot(df)
    one = first.encode()
    df["b"] = [7, 8]
    second = capture.snapshot(df, known=Known(lambda: [first]))
    two = second.encode()
    same = [x.key == y.key for x, y in zip(one.blobs, two.blobs, strict=True)]
    assert same[:3] == [True, False, True]
