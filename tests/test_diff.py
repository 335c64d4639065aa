from __future__ import annotations

import datetime as dt
import decimal
import json
import time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dfbackup_jupyter.diff import CellChange, ColumnChange, FrameDiff, compare, compare_frames

NAN, NA, NAT = float("nan"), pd.NA, pd.NaT


def diff(before: object | None, after: object | None) -> FrameDiff:
    found = compare_frames("df", before, after)
    json.dumps(compare({"df": before}, {"df": after}, before_label="a", after_label="b").to_dict())
    assert str(found)
    return found


def cells(before: Any, after: Any) -> int:
    """How many cells differ between two columns of one length."""
    found = diff(pd.DataFrame({"a": before}), pd.DataFrame({"a": after}))
    assert (found.rows_added, found.rows_dropped) == (0, 0)
    return sum(column.cells or 0 for column in found.columns)


FLIGHTS = pd.DataFrame(
    {"carrier": ["UA", "AA", None, "DL"], "delay": [1.0, NAN, 3.0, 4.0], "month": [1, 2, 3, 4]}
)


# Shapes and statuses


def test_frames_that_came_went_and_stayed() -> None:
    found = compare(
        {"a": FLIGHTS, "b": FLIGHTS},
        {"b": FLIGHTS, "c": FLIGHTS},
        before_label="x",
        after_label="y",
    )
    assert [(f.name, f.status) for f in found.frames] == [
        ("a", "dropped"),
        ("b", "same"),
        ("c", "added"),
    ]
    assert found.frames[0].type_before == "pandas.DataFrame"
    assert found.frames[0].type_after is None
    assert (found.frames[0].rows_before, found.frames[0].columns_before) == (4, 3)
    assert not found.same


def test_copies_are_the_same() -> None:
    for copy in (FLIGHTS, FLIGHTS.copy(), FLIGHTS.copy(deep=False)):
        found = diff(FLIGHTS, copy)
        assert found.status == "same"
        assert (found.rows_added, found.rows_dropped, found.rows_changed) == (0, 0, 0)
        assert found.columns == found.notes == found.examples == ()


def test_columns_that_came_went_and_changed() -> None:
    after = FLIGHTS.drop(columns="carrier").astype({"month": "float64"}).assign(new="x")
    after.loc[1, "delay"] = 2.0
    after.loc[2, "month"] = 2.5
    found = diff(FLIGHTS, after)
    assert found.columns == (
        ColumnChange("carrier", "dropped", "str", None),
        ColumnChange("delay", "changed", "float64", "float64", 1),
        ColumnChange("month", "retyped", "int64", "float64", 1),
        ColumnChange("new", "added", None, "str"),
    )
    assert found.rows_changed == 2
    assert found.examples == (
        CellChange("1", "delay", "nan", "2"),
        CellChange("2", "month", "3", "2.5"),
    )


# Rows


def test_rows_are_matched_by_label() -> None:
    after = pd.concat([FLIGHTS.drop(index=1), FLIGHTS.iloc[[0]].set_axis([9])])
    found = diff(FLIGHTS, after)
    assert (found.rows_added, found.rows_dropped, found.rows_changed) == (1, 1, 0)
    assert found.columns == ()


def test_sorting_only_moves_rows() -> None:
    found = diff(FLIGHTS, FLIGHTS.sort_values("month", ascending=False))
    assert found.status == "changed"
    assert found.notes == ("the rows are in another order",)
    assert found.rows_changed == 0


def test_rows_are_matched_by_position_when_labels_repeat() -> None:
    before = FLIGHTS.set_axis([1, 1, 2, 2])
    after = before.iloc[:3].copy()
    after.iloc[2, 1] = 99.0
    found = diff(before, after)
    assert (found.rows_added, found.rows_dropped, found.rows_changed) == (0, 1, 1)
    assert found.notes == ("the index has labels that repeat; rows were compared by position",)
    assert diff(before, before.copy()).status == "same"


def test_an_index_that_was_replaced_is_no_change_of_the_rows() -> None:
    found = diff(FLIGHTS, FLIGHTS.set_index(pd.Index(list("abcd"), name="key")))
    assert (found.rows_added, found.rows_dropped, found.rows_changed) == (0, 0, 0)
    assert found.notes == (
        "index name: none → key",
        "index type: int64 → str",
        "the index has other labels; rows were compared by position",
    )


@pytest.mark.parametrize(
    "index",
    [
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", None)], names=["x", "y"]),
        pd.date_range("2024-01-01", periods=4, tz="Asia/Ho_Chi_Minh"),
        pd.IntervalIndex.from_breaks([0, 1, 2, 3, 4]),
        pd.IntervalIndex.from_tuples([(0, 3), (1, 4), (2, 5), (3, 6)]),
        pd.CategoricalIndex(["a", "b", "c", "d"]),
        pd.PeriodIndex(["2024-01", "2024-02", "2024-03", "2024-04"], freq="M"),
        pd.Index([1, "a", None, (1, 2)], dtype=object),
        pd.Index([1.5, NAN, 2.5, -0.0]),
        pd.Index([1, 2, 3, 4], dtype="Int64"),
        pd.Index(["a", "b", None, "c"], dtype="string[pyarrow]"),
    ],
    ids=lambda index: f"{type(index).__name__} {index.dtype}",
)
def test_every_kind_of_index(index: pd.Index) -> None:
    before = FLIGHTS.set_axis(index)
    assert diff(before, before.copy()).status == "same"
    found = diff(before, before.iloc[[0, 1, 3]])
    assert (found.rows_added, found.rows_dropped) == (0, 1)


# Values


@pytest.mark.parametrize(
    "values",
    [
        [1.0, NAN, -0.0],
        pd.array([1, None], dtype="Int64"),
        pd.array([1.5, None], dtype="Float64"),
        pd.array([True, None], dtype="boolean"),
        pd.to_datetime(["2024-01-01", None]),
        pd.to_datetime(["2024-01-01", None]).tz_localize("UTC"),
        pd.to_timedelta(["1h", None]),
        pd.array(["a", None], dtype="str"),
        pd.array(["a", None], dtype="string"),
        pd.array(["a", None], dtype="string[pyarrow]"),
        pd.Categorical(["a", None, "b"]),
        pd.array([pd.Period("2024-01", "M"), None], dtype="period[M]"),
        pd.arrays.IntervalArray.from_tuples([(0, 1), None, (1, 2)]),
        pd.arrays.SparseArray([0.0, NAN, 2.0]),
        np.array([1 + 2j, complex(NAN, 1)]),
        np.array([1, 2], "float16"),
        np.array([1, 2], ">i4"),
        pd.array([[1, 2], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        pd.array([{"x": 1}, None], dtype=pd.ArrowDtype(pa.struct({"x": pa.int64()}))),
        pd.array([decimal.Decimal("1.5"), None], dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
        [None, NAN, NA, NAT, "a", 1, (1, NAN), [1, [2]], {"x": NAN}, b"x", {1, 2}],
        [
            np.array([1, NAN]),
            np.array([[1], [2]]),
            FLIGHTS,
            FLIGHTS["delay"],
            np.array(["a", None]),
        ],
        [dt.date(2024, 1, 1), decimal.Decimal("NaN"), 10**5000, print],
    ],
    ids=lambda values: str(getattr(values, "dtype", "object")),
)
def test_equal_values_of_every_kind(values: Any) -> None:
    before = pd.DataFrame({"a": pd.Series(values)})
    assert diff(before, before.copy(deep=True)).status == "same"
    assert diff(before, pd.DataFrame({"a": before["a"].iloc[::-1].iloc[::-1]})).status == "same"
    rolled = pd.DataFrame({"a": pd.Series([*before["a"][1:], before["a"].iloc[0]])}).astype(
        before.dtypes.to_dict()
    )
    found = diff(before, rolled)
    assert found.columns[0].cells
    assert found.columns[0].kind == "changed"


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ([0.0], [-0.0], 0),
        ([1.0, NAN], [NAN, 1.0], 2),
        ([None, NAN, NA], [NAN, None, NAT], 0),
        ([1, 2], [1.0, 2.5], 1),
        ([1, 2], pd.array([1, None], dtype="Int64"), 1),
        ([1.0, NAN], pd.array([1, None], dtype="Int64"), 0),
        (["a", "b"], pd.Categorical(["a", "c"]), 1),
        (pd.Categorical(["a", None, "b"]), pd.Categorical(["a", None, "b"], ["b", "a", "z"]), 0),
        (pd.Categorical(["a", None, "b"]), pd.Categorical(["a", "z", "z"], ["z", "a"]), 2),
        (pd.Categorical(["a", "b"]), pd.Categorical([1, 2]), 2),
        (["1", "2"], [1, 2], 2),
        ([True, False], [1, 0], 0),
        (pd.to_datetime(["2024-01-01"]), ["2024-01-01"], 1),
        (
            pd.to_datetime(["2024-01-01"]).as_unit("s"),
            pd.to_datetime(["2024-01-01"]).as_unit("ns"),
            0,
        ),
        (pd.to_datetime(["2024-01-01"]), pd.to_datetime(["2024-01-01"]).tz_localize("UTC"), 1),
        (
            pd.to_datetime(["2024-01-01"]).tz_localize("UTC"),
            pd.to_datetime(["2024-01-01"]).tz_localize("UTC").tz_convert("Asia/Tokyo"),
            0,
        ),
        (pd.arrays.SparseArray([0, 1]), [0, 2], 1),
        ([[1], [2]], [[1], [3]], 1),
        ([np.array([1, 2])], [np.array([1, 3])], 1),
        ([np.array([1, 2])], [np.array([1, 2, 3])], 1),
        ([np.array([1, 2])], [5], 1),
        ([{"a": np.zeros(3)}], [{"a": np.zeros(3)}], 0),
        ([{"a": np.zeros(3)}], [{"a": np.ones(3)}], 1),
        ([object()], [object()], 1),
    ],
)
def test_values_that_differ(before: Any, after: Any, count: int) -> None:
    assert cells(before, after) == count


class Rude:
    """Cannot be compared, shown or measured."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    def __ne__(self, other: object) -> bool:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __hash__ = object.__hash__


def test_odd_objects_do_no_harm() -> None:
    rude = Rude()
    assert cells([rude, 1], [rude, 2]) == 1
    assert cells([Rude()], [Rude()]) == 1
    endless: list[Any] = []
    endless.append(endless)
    endless_too: list[Any] = []
    endless_too.append(endless_too)
    assert cells([endless], [endless_too]) == 1
    assert diff(rude, Rude()).status == "changed"
    assert diff(3, "x").notes[0] == "builtins.int → builtins.str"
    assert diff(pa.table({"a": [1]}), pa.table({"a": [1]})).status == "same"
    assert diff(pa.table({"a": [1]}), pa.table({"a": [2]})).notes == ("the content differs",)


# Labels


def test_columns_with_one_name() -> None:
    before = pd.DataFrame([[1, 2, 3]], columns=["a", "a", "b"])
    after = pd.DataFrame([[1, 5, 3, 4]], columns=["a", "a", "b", "a"])
    assert diff(before, before.copy()).status == "same"
    assert diff(before, after).columns == (
        ColumnChange("a #2", "changed", "int64", "int64", 1),
        ColumnChange("a #3", "added", None, "int64"),
    )


def test_labels_of_every_kind() -> None:
    labels = [1, True, "1", None, NAN, ("a", NAN), dt.date(2024, 1, 1), b"x", 1.5, "two\nlines\x1b"]
    before = pd.DataFrame([range(len(labels))], columns=pd.Index(labels, dtype=object))
    assert diff(before, before.copy()).status == "same"
    found = diff(before, before + 1)
    assert len(found.columns) == len(labels)
    assert found.columns[-1].column == r"two\nlines\x1b"
    assert "\x1b" not in str(found)
    wide = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1.5), ("a", None)]))
    assert diff(wide, wide.copy()).status == "same"
    assert diff(wide, wide * 2).columns[0].column == "('a', 1.5)"


def test_renamed_and_reordered_columns_are_noted() -> None:
    found = diff(FLIGHTS, FLIGHTS.rename(columns={"delay": "late"}))
    assert found.notes == ("delay lives on as late: the values are the same",)
    assert [column.kind for column in found.columns] == ["dropped", "added"]
    found = diff(FLIGHTS, FLIGHTS[["month", "carrier", "delay"]])
    assert found.notes == ("the columns are in another order",)
    assert found.columns == ()
    found = diff(FLIGHTS, FLIGHTS.rename(columns=str.upper))
    assert len(found.notes) == 3


def test_many_renamed_columns() -> None:
    before = pd.DataFrame(np.arange(600).reshape(2, 300)).add_prefix("x")
    assert len(diff(before, before.rename(columns=str.upper)).notes) == 300


def test_what_else_a_frame_has() -> None:
    after = FLIGHTS.rename_axis(index="row", columns="what")
    after.attrs["unit"] = "minutes"
    after.flags.allows_duplicate_labels = False
    assert diff(FLIGHTS, after).notes == (
        "index name: none → row",
        "name of the columns: none → what",
        "attrs differ",
        "flags differ",
    )


# Series, empty frames, other types


def test_series() -> None:
    before = pd.Series([1, 2, 3], name="a")
    assert diff(before, before.copy()).status == "same"
    assert diff(before, before.rename("b")).notes == ("name: a → b",)
    assert diff(before.rename(None), before.rename(None) + [0, 0, 1]).columns == (
        ColumnChange("values", "changed", "int64", "int64", 1),
    )
    found = diff(before, before.iloc[1:])
    assert (found.rows_dropped, found.columns_before) == (1, 1)
    found = diff(before, before.to_frame())
    assert found.notes == ("pandas.Series → pandas.DataFrame",)
    assert found.columns == ()


def test_empty_frames() -> None:
    frames = [pd.DataFrame(), FLIGHTS.iloc[:0], FLIGHTS[[]], pd.Series(dtype="float64"), FLIGHTS]
    for before in frames:
        for after in frames:
            found = diff(before, after)
            assert (found.status == "same") == (before is after)
        assert diff(before, before.copy()).status == "same"
    found = diff(FLIGHTS, FLIGHTS.iloc[:0])
    assert (found.rows_dropped, found.columns) == (4, ())


def test_subclasses_are_noted() -> None:
    class Table(pd.DataFrame):
        pass

    found = diff(FLIGHTS, Table(FLIGHTS))
    assert found.status == "changed"
    assert found.notes[0].startswith("pandas.DataFrame → tests.")


# Text


def test_the_text_reads_well() -> None:
    after = FLIGHTS.iloc[1:].drop(columns="carrier").assign(delay=[2.0, 3.5, 4.0])
    found = compare(
        {"df": FLIGHTS, "x": FLIGHTS, "old": FLIGHTS},
        {"df": after, "x": FLIGHTS},
        before_label="manual_1",
        after_label="now",
        session=["n: 1 → 2"],
    )
    assert repr(found) == str(found)
    assert str(found) == (
        "manual_1 → now\n"
        "df  changed  4 × 3 → 3 × 2\n"
        "  rows: 1 dropped, 2 changed\n"
        "  - carrier (str)\n"
        "  ~ delay: 2 cells changed\n"
        "    [1] delay: nan → 2\n"
        "    [2] delay: 3 → 3.5\n"
        "old  dropped  4 × 3\n"
        "session\n"
        "  n: 1 → 2\n"
        "the same: x"
    )
    same = compare({"x": FLIGHTS}, {"x": FLIGHTS}, before_label="a", after_label="b")
    assert str(same) == "a → b\nno differences in x"
    assert same.to_dict()["same"] is True


def test_close_numbers_are_shown_apart_and_long_values_short() -> None:
    found = diff(pd.DataFrame({"a": [0.1 + 0.2]}), pd.DataFrame({"a": [0.3]}))
    assert (found.examples[0].before, found.examples[0].after) == ("0.30000000000000004", "0.3")
    values: list[Any] = ["x" * 10_000, list(range(10**6)), np.arange(10**6), 10**5000, "a\nb"]
    found = diff(pd.DataFrame({"a": values}), pd.DataFrame({"a": [0] * 5}))
    assert len(found.examples) == 5
    assert all(len(cell.before) <= 40 and "\n" not in cell.before for cell in found.examples)


def test_examples_come_from_many_columns() -> None:
    before = pd.DataFrame(np.zeros((10, 8)))
    assert [c.column for c in diff(before, before + 1).examples] == ["0", "1", "2", "3", "4"]
    before = pd.DataFrame(np.zeros((10, 2)))
    assert [(c.row, c.column) for c in diff(before, before + 1).examples] == [
        ("0", "0"), ("0", "1"), ("1", "0"), ("1", "1"), ("2", "0"),
    ]  # fmt: skip


# Speed


def timed(before: object, after: object) -> tuple[FrameDiff, float]:
    began = time.perf_counter()
    found = compare_frames("df", before, after)
    return found, time.perf_counter() - began


def test_wide_frames() -> None:
    before = pd.DataFrame(np.zeros((20, 3000)))
    after = before.copy()
    after[[5, 7]] = 1.0
    found, seconds = timed(before, after)
    assert [column.column for column in found.columns] == ["5", "7"]
    assert seconds < 3
    _, seconds = timed(before, before + 1)
    assert seconds < 3


def test_long_frames() -> None:
    numbers = np.arange(300_000)
    before = pd.DataFrame({f"f{i}": numbers * 1.0 for i in range(15)})
    before["text"] = pd.Series(numbers % 97).astype("str")
    before["object"] = before["text"].astype(object)
    after = before.copy()
    after["f3"] += 1
    found, seconds = timed(before, after)
    assert found.rows_changed == 300_000
    assert seconds < 2
    found, seconds = timed(before, before[before["f0"] % 2 == 0].sort_values("text"))
    assert (found.rows_dropped, found.rows_changed) == (150_000, 0)
    assert seconds < 4


def test_columns_of_one_memory_are_not_read() -> None:
    before = pd.DataFrame({"a": np.zeros(3_000_000), "b": np.zeros(3_000_000)})
    _, whole = timed(before, before.copy(deep=True))
    _, shared = timed(before, before.copy(deep=False))
    assert shared < max(whole / 2, 0.05)


def test_comparing_leaves_no_lookup_table_behind() -> None:
    before = FLIGHTS.set_axis([3, 1, 2, 0])
    compare_frames("df", before, before.iloc[:2])
    assert "_engine" not in before.index._cache
