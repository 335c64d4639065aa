"""Captures of whole namespaces: aliases, what is used again, what differs."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from dfbackup_jupyter import capture
from dfbackup_jupyter.capture.capture import Capture, Changes, compare, take


def texts(changes: Changes) -> tuple[list[str], list[str], list[str]]:
    return tuple(  # type: ignore[return-value]
        list(map(str, paths)) for paths in (changes.changed, changes.removed, changes.added)
    )


def test_aliases_are_one_frame() -> None:
    df = pd.DataFrame({"a": [1]})
    space = {"df": df, "d": {"x": df}, "alias": df, "view": df[["a"]]}
    found = take(space, hidden=(), previous=None)
    assert [list(map(str, f.paths)) for f in found.frames] == [["df", "alias", "d['x']"], ["view"]]
    assert found.frames[0].origin is not None and found.frames[0].origin() is df
    assert found.by_object[id(df)] is found.frames[0]


def test_what_is_unchanged_is_used_again() -> None:
    space: dict[str, Any] = {"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2]})}
    first = take(space)
    second = take(space, previous=first)
    assert second.frames == first.frames
    assert texts(compare(first, second)) == ([], [], [])
    space["b"].loc[0, "x"] = 9
    space["c"] = space.pop("a")
    third = take(space, previous=second)
    assert texts(compare(second, third)) == (["b"], ["a"], ["c"])
    assert third.frames[1].snapshot is first.frames[0].snapshot
    assert first.frames[1].snapshot.thaw().loc[0, "x"] == 2


NAMES = st.sampled_from("abc")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("new"), NAMES),
        st.tuples(st.just("write"), NAMES),
        st.tuples(st.just("rename axis"), NAMES),
        st.tuples(st.just("alias"), NAMES, NAMES),
        st.tuples(st.just("hold"), NAMES),
        st.tuples(st.just("empty"), NAMES),
        st.tuples(st.just("plain"), NAMES),
        st.tuples(st.just("delete"), NAMES),
        st.tuples(st.just("nothing"), NAMES),
    ),
    max_size=12,
)


def step(space: dict[str, Any], number: int, what: str, name: str, other: str = "a") -> None:
    frames = [n for n in space if isinstance(space[n], pd.DataFrame)]
    if what == "new":
        space[name] = pd.DataFrame({"x": [number]})
    elif what == "write" and name in frames:
        space[name].loc[0, "x"] = number
    elif what == "rename axis" and name in frames:
        space[name].index.name = f"i{number}"
    elif what == "alias" and other in frames:
        space[name] = space[other]
    elif what == "hold" and name in frames:
        space["box"].append({"df": space[name]})
    elif what == "empty":
        space["box"].clear()
    elif what == "plain":
        space[name] = number
    elif what == "delete":
        space.pop(name, None)


@given(STEPS)
def test_what_is_used_again_is_what_a_new_look_would_find(steps: list[tuple[str, ...]]) -> None:
    space: dict[str, Any] = {"a": pd.DataFrame({"x": [-1]}), "box": []}
    found = take(space)
    for number, what in enumerate(steps):
        step(space, number, *what)
        found, fresh = take(space, previous=found), take(space)
        assert [f.paths for f in found.frames] == [f.paths for f in fresh.frames]
        assert found.unwatched == fresh.unwatched
        for captured in found.frames:
            pd.testing.assert_frame_equal(captured.snapshot.thaw(), captured.live())


def test_nothing_is_made_anew_when_nothing_changed() -> None:
    space = {"a": pd.DataFrame({"x": [1]}), "box": [pd.Series([1])], "n": 1}
    first = take(space)
    space["n"] = 2
    assert take(space, previous=first) is first
    assert take(space, previous=first) is first


def test_swapped_names_are_changes_that_cost_nothing() -> None:
    space = {"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2]})}
    first = take(space)
    space["a"], space["b"] = space["b"], space["a"]
    second = take(space, previous=first)
    assert texts(compare(first, second)) == (["a", "b"], [], [])
    assert {f.snapshot for f in second.frames} == {f.snapshot for f in first.frames}


def test_without() -> None:
    space = {"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2]})}
    first = take(space)
    unwanted = first.frames[0].snapshot
    less = first.without(lambda snapshot: snapshot is unwanted)
    assert [str(p) for p in less.by_path] == ["b"]
    assert take(space, previous=less).frames[0].snapshot is not unwanted


def test_the_origin_is_not_kept_alive() -> None:
    space = {"a": pd.DataFrame({"x": [1]})}
    first = take(space)
    del space["a"]
    origin = first.frames[0].origin
    assert origin is not None and origin() is None
    assert first.frames[0].snapshot.thaw().loc[0, "x"] == 1


def test_shape_and_size() -> None:
    found = capture.snapshot(pd.DataFrame({"a": np.zeros(1000), "b": "x"}))
    assert (found.type_name, found.rows, found.columns) == ("pandas.DataFrame", 1000, 2)
    assert 8_000 < found.nbytes < 40_000
    series = capture.snapshot(pd.Series([1, 2, 3]))
    assert (series.type_name, series.rows, series.columns) == ("pandas.Series", 3, 1)


def test_shared_memory_is_told_apart_from_copied() -> None:
    df = pd.DataFrame(np.zeros((10_000, 10))).add_prefix("x").set_index("x0")
    df["name"] = "a"
    df["day"] = pd.Timestamp("2026-01-01", tz="Europe/Vienna")
    df["count"] = pd.array([1] * len(df), dtype="Int64")
    whole = capture.snapshot(df).memory
    assert sum(whole.values()) >= capture.snapshot(df).nbytes
    assert capture.snapshot(df.drop(columns=["x3", "name"])).memory.keys() <= whole.keys()
    edited = df.copy(deep=False)
    edited["x5"] = 1.0
    new = {piece: n for piece, n in capture.snapshot(edited).memory.items() if piece not in whole}
    assert sum(new.values()) == 80_000
    other = capture.snapshot(df.drop(columns="name").copy(deep=True))  # texts are not copied
    assert sum(n for piece, n in other.memory.items() if piece in whole) <= df.index.nbytes


def fastest(make: Any, times: int = 7) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        make()
        spent.append(time.perf_counter() - start)
    return min(spent)


def namespace(rows: int) -> dict[str, Any]:
    space: dict[str, Any] = {
        f"df{i}": pd.DataFrame({"a": np.zeros(rows), "b": 1, "s": "x"}) for i in range(50)
    }
    return space | {f"v{i}": i for i in range(150)} | {f"d{i}": {"k": 1} for i in range(50)}


def test_a_look_costs_microseconds_whatever_the_size() -> None:
    small, large = namespace(10), namespace(200_000)
    first: Capture = take(large)
    assert not any(f.snapshot.bytewise for f in first.frames)
    # Ten times what is measured on a quiet machine.
    assert fastest(lambda: take(large, previous=first)) < 0.004
    assert fastest(lambda: take(large)) < 0.020
    assert fastest(lambda: take(large)) < 10 * fastest(lambda: take(small))


def test_very_wide_frames_stay_cheap() -> None:
    whole = pd.DataFrame(np.zeros((5, 3_000)))
    pieces = pd.DataFrame({0: [0.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
        for i in range(1, 1_000):
            pieces[i] = np.zeros(1)
    for df in (whole, pieces):
        snapshot = capture.snapshot(df)
        assert snapshot.unchanged(df)
        assert fastest(lambda df=df: capture.snapshot(df)) < 0.05
        assert fastest(lambda df=df, snapshot=snapshot: snapshot.unchanged(df)) < 0.005
