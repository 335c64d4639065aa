"""Writes that pandas does not see: foreign memory, and objects that change in place."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dfbackup_jupyter import capture
from dfbackup_jupyter.capture.base import Known
from dfbackup_jupyter.capture.capture import take
from tests.capture.kit import Stored
from tests.support.exact import assert_same_frame

BIG = 200_000


def shared(rows: int) -> dict[str, Callable[[], tuple[np.ndarray, Any]]]:
    def whole() -> tuple[np.ndarray, Any]:
        memory = np.zeros((rows, 2))
        return memory, pd.DataFrame(memory, copy=False)

    def series() -> tuple[np.ndarray, Any]:
        memory = np.zeros(rows)
        return memory, pd.Series(memory, copy=False)

    def view() -> tuple[np.ndarray, Any]:
        memory = np.zeros(2 * rows)
        return memory, pd.DataFrame(memory.reshape(rows, 2), copy=False)

    def part() -> tuple[np.ndarray, Any]:
        memory = np.zeros((rows, 4))
        return memory, pd.DataFrame(memory[:, 1:], copy=False)[[0, 2]]

    def integers() -> tuple[np.ndarray, Any]:
        memory = np.zeros(rows, np.int8)
        array = pd.arrays.IntegerArray(memory, np.zeros(rows, bool))
        return memory, pd.Series(array, copy=False)

    def column() -> tuple[np.ndarray, Any]:
        memory = np.zeros(rows)
        df = pd.DataFrame({"a": pd.Series(memory, copy=False)}, copy=False)
        df["b"] = "x"
        return memory, df

    makers = (whole, series, view, part, integers, column)
    return {f"{make.__name__} {rows}": make for make in makers}


@pytest.mark.parametrize("make", [*shared(3).values(), *shared(BIG).values()])
def test_memory_that_a_variable_can_write_to_is_copied(make: Callable[[], Any]) -> None:
    memory, df = make()
    before = df.copy()
    first = take({"memory": memory, "df": df})
    assert first.frames[0].snapshot.bytewise
    assert take({"memory": memory, "df": df}, previous=first).frames == first.frames
    memory.flat[-1] = 99
    second = take({"memory": memory, "df": df}, previous=first)
    assert second.frames[0].snapshot is not first.frames[0].snapshot
    assert_same_frame(first.frames[0].snapshot.thaw(), before)
    assert Stored(first.frames[0].snapshot).content == Stored(before).content


@pytest.mark.parametrize("name", ["whole 3", "series 3", "view 3"])
def test_small_frames_are_copied_on_suspicion(name: str) -> None:
    memory, df = shared(3)[name]()
    snapshot = capture.snapshot(df)
    assert snapshot.bytewise
    memory.flat[0] = 99
    assert not snapshot.unchanged(df)


def test_memory_in_an_attribute_or_container_counts() -> None:
    memory = np.zeros(BIG)
    df = pd.DataFrame({"a": pd.Series(memory, copy=False)}, copy=False)
    for holder in (SimpleNamespace(buffer=memory), {"m": [memory]}, (memory[1:],)):
        assert take({"df": df, "holder": holder}).frames[0].snapshot.bytewise


def test_an_extension_array_of_the_frame_counts() -> None:
    df = pd.DataFrame({"a": pd.array([1, None] * BIG, dtype="Int64")})
    array = df["a"].array
    if getattr(array, "_readonly", False):
        pytest.skip("this pandas gives arrays that cannot be written to")
    assert take({"df": df, "array": array}).frames[0].snapshot.bytewise


def ordinary() -> dict[str, Any]:
    rows = np.arange(1_000)
    df = pd.DataFrame({"a": rows, "b": rows * 1.5, "c": 0.5, "s": "x", "i": rows % 7})
    df["t"] = pd.Timestamp("2024") + pd.to_timedelta(rows, unit="D")
    df["o"] = np.array([None, 1, "x", 2.5] * 250, dtype=object)
    array = np.random.default_rng(1).random((50, 3))
    return {
        "df": df,
        "array": array,
        "from_array": pd.DataFrame(array),
        "series_from_array": pd.Series(array[:, 0]),
        "from_dict": pd.DataFrame({"x": array[:, 0]}),
        "subset": df[["a", "b"]],
        "column": df["b"],
        "slice": df.iloc[10:20],
        "shallow": df.copy(deep=False),
        "deep": df.copy(),
        "merged": df.merge(df[["a"]], on="a"),
        "grouped": df.groupby("i")["b"].sum(),
        "aggregated": df.groupby("i")[["b", "c"]].mean(),
        "csv": pd.read_csv(io.StringIO(df.to_csv())),
        "pivoted": df.pivot_table(index="i", values="b"),
        "sorted": df.sort_values("b"),
        "filtered": df[df["a"] > 5],
        "melted": df[["a", "b"]].melt(),
        "concatenated": pd.concat([df, df]),
        "transposed": df[["a", "b"]].T,
        "indexed": df.set_index("a"),
        "reset": df.set_index("a").reset_index(),
        "values": df["b"].to_numpy(),
        "numbers": df[["b", "c"]].values,
        "counts": df["i"].value_counts(),
        "assigned": df.assign(n=1),
        "large": pd.DataFrame({"x": np.zeros(BIG)}),
    }


def test_ordinary_frames_are_not_copied() -> None:
    space = ordinary()
    first = take(space)
    copied = [str(f.paths[0]) for f in first.frames if f.snapshot.bytewise]
    assert not copied


def test_large_ordinary_frames_are_never_copied() -> None:
    df = pd.DataFrame({"a": np.zeros(BIG), "b": 1.0})
    space = {"df": df, "x": df[["a", "b"]].values, "y": df["a"].to_numpy(), "v": df.iloc[:10]}
    assert not any(f.snapshot.bytewise for f in take(space).frames if str(f.paths[0]) == "df")


def test_what_we_hold_ourselves_is_no_reason_to_copy() -> None:
    df = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    previous = None
    kept = []
    for i in range(5):
        found = take({"df": df}, previous=previous)
        assert not found.frames[0].snapshot.bytewise
        kept.append((found, found.frames[0].snapshot.encode()))
        previous = found
        df[f"n{i}"] = i


MUTABLE: dict[str, tuple[Any, Callable[[Any], None]]] = {
    "list": ([1], lambda v: v.append(2)),
    "dict": ({"n": 1}, lambda v: v.update(n=2)),
    "nested": ({"n": [1]}, lambda v: v["n"].append(2)),
    "set": ({1}, lambda v: v.add(2)),
    "object": (SimpleNamespace(x=1), lambda v: setattr(v, "x", 2)),
    "array": (np.zeros(2), lambda v: v.__setitem__(0, 9)),
    "list in a tuple": (([1],), lambda v: v[0].append(2)),
    "bytearray": (bytearray(b"x"), lambda v: v.append(1)),
    "frame": (pd.DataFrame({"a": [1]}), lambda v: v.__setitem__("a", 2)),
    "True to 1": ([True], lambda v: v.__setitem__(0, 1)),
}


@pytest.mark.parametrize("name", MUTABLE)
@pytest.mark.parametrize("as_series", [False, True])
def test_objects_that_change_in_place(name: str, as_series: bool) -> None:
    import copy

    value, change = MUTABLE[name]
    value = copy.deepcopy(value)
    column = pd.Series([None, value, "x"], dtype=object, name="o")
    df: Any = column if as_series else pd.DataFrame({"k": [1, 2, 3], "o": column, "p": "y"})
    snapshot = capture.snapshot(df)
    assert snapshot.bytewise and snapshot.unchanged(df)
    before = Stored(snapshot)
    assert before.encoded.pickled == ("o",)
    expected = snapshot.thaw()
    change(value)
    assert not snapshot.unchanged(df)
    assert_same_frame(snapshot.thaw(), expected)
    assert_same_frame(Stored(snapshot).read().frame, expected)
    capture.put_back(df, snapshot.thaw())
    assert_same_frame(df, expected)


def test_objects_that_cannot_change_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from dfbackup_jupyter.capture import pandas_frames

    df = pd.DataFrame({"o": np.array(["x", None, (1, "y"), 2.5] * 100, dtype=object), "n": 1})
    first = capture.snapshot(df)
    assert not first.bytewise
    calls = []
    monkeypatch.setattr(pandas_frames, "is_immutable", lambda values: calls.append(1) or True)
    df["n"] = 2
    second = capture.snapshot(df, known=Known(lambda: [first]))
    assert not calls and not second.bytewise
    df.loc[0, "o"] = "changed"
    capture.snapshot(df, known=Known(lambda: [second]))
    assert calls


def test_a_column_that_cannot_be_pickled_is_named_and_the_rest_kept() -> None:
    lock = threading.Lock()
    df = pd.DataFrame({"a": [1, 2], "o": [lock, {}], "b": ["x", "y"]})
    snapshot = capture.snapshot(df)
    assert snapshot.unchanged(df)
    assert snapshot.thaw()["o"].iloc[0] is lock
    stored = Stored(snapshot)
    ((column, reason),) = [(lost.column, lost.reason) for lost in stored.encoded.lost]
    assert column == "o" and "pickle" in reason
    read = stored.read()
    assert_same_frame(read.frame, df[["a", "b"]])
    assert [lost.column for lost in read.damaged] == ["o"]
    df.at[0, "o"] = threading.Lock()
    assert not snapshot.unchanged(df)


def test_arrow_arrays_that_are_written_through_their_array() -> None:
    df = pd.DataFrame({"s": pd.array(["x", "y"], dtype="string[pyarrow]")})
    snapshot = capture.snapshot(df)
    array: Any = df["s"].array
    array._readonly = False
    array[0] = "changed"
    if df["s"].iloc[0] == "changed":
        assert not snapshot.unchanged(df)
    assert snapshot.thaw()["s"].iloc[0] == "x"
