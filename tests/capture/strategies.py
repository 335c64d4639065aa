"""Hypothesis strategies for frames of every dtype, and some that are hard."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import dateutil.tz
import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

ROWS = st.integers(0, 12)
TEXT = st.text(st.characters(exclude_categories=[]), max_size=6)  # with lone surrogates
CLEAN_TEXT = st.text(max_size=6)
ZONES = st.sampled_from(
    [
        dt.UTC,
        ZoneInfo("UTC"),
        ZoneInfo("Europe/Berlin"),
        ZoneInfo("America/St_Johns"),
        dt.timezone(dt.timedelta(hours=5, minutes=45)),
        dt.timezone(dt.timedelta(seconds=-3_723)),
        dt.timezone(dt.timedelta(hours=1), "XYZ"),
        dateutil.tz.gettz("Asia/Tokyo"),
        dateutil.tz.tzutc(),
    ]
)
UNITS = st.sampled_from(["s", "ms", "us", "ns"])
NUMPY_DTYPES = "?,i1,i2,i4,i8,u1,u2,u4,u8,f2,f4,f8,c8,c16,g,G,>i4,>f8,>u2,>c8".replace(
    "?", "b1"
).split(",")
MASKED_DTYPES = "Int8 Int64 UInt16 UInt64 Float32 Float64 boolean".split()
FREQUENCIES = "D h 3min 2W-TUE MS BQE-MAR YE B 15s 7us".split()
PERIODS = "D h M 2Q-NOV Y-JUN B s us W-WED".split()

OBJECTS: list[st.SearchStrategy[Any]] = [
    st.none(),
    st.just(np.nan),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.booleans(),
    st.integers(),
    st.integers(-(2**80), 2**80),
    st.floats(),
    TEXT,
    st.binary(max_size=5),
    st.decimals(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=ZONES.filter(lambda z: "dateutil" not in type(z).__module__)),
    st.timedeltas(),
    st.times(),
    st.uuids(),
    st.complex_numbers(),
    st.fractions(),
    st.tuples(st.integers(), TEXT),
    # Numbers that do not collide: else what pickle writes depends on the order of insertion.
    st.frozensets(st.integers(0, 7), max_size=3),
    st.builds(np.float32, st.floats(width=32)),
    st.builds(np.int8, st.integers(-128, 127)),
    st.just(pd.Timestamp("2024-05-01 12:00", tz="Europe/Berlin")),
    st.just(pd.Timestamp("2024-05-01").as_unit("s")),
    st.just(pd.Timedelta("3s")),
    st.just(pd.Period("2024-05", "M")),
    st.just(pd.Interval(0, 1.5, closed="both")),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(CLEAN_TEXT, st.integers(), max_size=2),
]


@st.composite
def numpy_arrays(draw: st.DrawFn, rows: int) -> Any:
    """Numbers with every bit pattern: NaN payloads, signed zeros, infinities."""
    dtype = np.dtype(draw(st.sampled_from(NUMPY_DTYPES)))
    if dtype.kind in "fc" and dtype.char not in "gG":
        raw = draw(hnp.arrays(np.uint8, rows * dtype.itemsize))
        return raw.view(dtype)
    if dtype.char in "gG":
        return draw(hnp.arrays(np.float64, rows)).astype(dtype)
    return draw(hnp.arrays(dtype, rows))


@st.composite
def dates(draw: st.DrawFn, rows: int) -> Any:
    """Datetimes and timedeltas of all units, some with time zones, some missing."""
    unit = draw(UNITS)
    values = draw(hnp.arrays(np.int64, rows, elements=st.integers(-(10**9), 10**9)))
    if rows and draw(st.booleans()):
        values[0] = np.iinfo(np.int64).min
    if draw(st.booleans()):
        return pd.array(values.view(f"m8[{unit}]"))
    found = pd.DatetimeIndex(values.view(f"M8[{unit}]"))
    if draw(st.booleans()):
        found = found.tz_localize("UTC").tz_convert(draw(ZONES))
    return found.array


@st.composite
def masked(draw: st.DrawFn, rows: int) -> Any:
    """Nullable arrays, with anything under the mask."""
    dtype: Any = pd.api.types.pandas_dtype(draw(st.sampled_from(MASKED_DTYPES)))
    values = draw(hnp.arrays(dtype.numpy_dtype, rows))
    return dtype.construct_array_type()(values, draw(hnp.arrays(bool, rows)))


@st.composite
def strings(draw: st.DrawFn, rows: int) -> Any:
    """Arrays of strings of every kind."""
    storage = draw(st.sampled_from(["python", "pyarrow"]))
    dtype = pd.StringDtype(storage, na_value=draw(st.sampled_from([pd.NA, np.nan])))
    text = TEXT if storage == "python" else CLEAN_TEXT
    items = draw(st.lists(st.none() | text, min_size=rows, max_size=rows))
    return pd.array(items, dtype=dtype)


@st.composite
def categories(draw: st.DrawFn, rows: int) -> Any:
    """Categoricals: ordered or not, with unused categories, of many types."""
    names: Any = draw(
        st.sampled_from(
            [
                pd.Index(["a", "b", "ä"]),
                pd.Index([3, 1, 2]),
                pd.Index([1.5, -0.0]),
                pd.date_range("2024", periods=3, tz="Europe/Berlin"),
                pd.interval_range(0, 3),
                pd.Index([1, 2], dtype="Int64"),
                pd.Index(["x", 1, (1, 2)], dtype=object, tupleize_cols=False),
                pd.Index(["p", "q"], dtype="string[python]"),
            ]
        )
    )
    codes = draw(st.lists(st.integers(-1, len(names) - 1), min_size=rows, max_size=rows))
    return pd.Categorical.from_codes(codes, names, ordered=draw(st.booleans()))


@st.composite
def spans(draw: st.DrawFn, rows: int) -> Any:
    """Periods and intervals."""
    numbers = draw(hnp.arrays(np.int64, rows, elements=st.integers(0, 1000)))
    kind = draw(st.sampled_from(["period", "integer", "float", "dates"]))
    if kind == "period":
        if rows and draw(st.booleans()):
            numbers[-1] = np.iinfo(np.int64).min
        return pd.arrays.PeriodArray(numbers, dtype=f"period[{draw(st.sampled_from(PERIODS))}]")
    closed = draw(st.sampled_from(["left", "right", "both", "neither"]))
    left: Any = numbers
    if kind == "float":
        left = numbers.astype(float)
        left[::2] = np.nan
    if kind == "dates":
        left = pd.DatetimeIndex(numbers.view("M8[s]"), tz="Asia/Tokyo")
    right = left + (pd.Timedelta("1D") if kind == "dates" else 1)
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=closed)


@st.composite
def sparse(draw: st.DrawFn, rows: int) -> Any:
    """Sparse arrays with both kinds of index."""
    values = draw(
        hnp.arrays(np.int64, rows, elements=st.integers(0, 2))
        | hnp.arrays(np.float64, rows, elements=st.sampled_from([0.0, -0.0, 1.5, np.nan]))
        | hnp.arrays(bool, rows)
    )
    kind: Any = draw(st.sampled_from(["integer", "block"]))
    if draw(st.booleans()):
        return pd.arrays.SparseArray(values, kind=kind)
    return pd.arrays.SparseArray(values, kind=kind, fill_value=values.dtype.type(1))


ARROW: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int8(), st.integers(-128, 127)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float32(), st.floats(width=32)),
    (pa.bool_(), st.booleans()),
    (pa.string(), CLEAN_TEXT),
    (pa.large_string(), CLEAN_TEXT),
    (pa.string_view(), CLEAN_TEXT),
    (pa.binary(), st.binary(max_size=5)),
    (pa.binary(3), st.binary(min_size=3, max_size=3)),
    (pa.date32(), st.dates()),
    (pa.date64(), st.dates()),
    (pa.time64("us"), st.times()),
    (pa.timestamp("us"), st.datetimes()),
    (pa.timestamp("ns", "Europe/Berlin"), st.just(dt.datetime(2024, 5, 1, tzinfo=dt.UTC))),
    (pa.duration("us"), st.just(dt.timedelta(3, 4, 5))),
    (pa.decimal128(10, 2), st.just(decimal.Decimal("3.14"))),
    (pa.decimal256(50, 2), st.just(decimal.Decimal("-3.14"))),
    (pa.null(), st.none()),
    (pa.list_(pa.int16()), st.lists(st.none() | st.integers(0, 9), max_size=3)),
    (pa.large_list(pa.string()), st.lists(CLEAN_TEXT, max_size=3)),
    (pa.list_(pa.int8(), 2), st.lists(st.integers(0, 9), min_size=2, max_size=2)),
    (
        pa.struct([("x", pa.int8()), ("y", pa.list_(pa.string()))]),
        st.fixed_dictionaries({"x": st.integers(0, 9), "y": st.lists(CLEAN_TEXT, max_size=2)}),
    ),
    (
        pa.map_(pa.string(), pa.int8()),
        st.lists(st.tuples(CLEAN_TEXT, st.integers(0, 9)), max_size=2),
    ),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from("abc")),
]


@st.composite
def arrow(draw: st.DrawFn, rows: int) -> Any:
    """Arrow arrays of many types, in any number of chunks, with offsets."""
    kind, items = draw(st.sampled_from(ARROW))
    values = draw(st.lists(st.none() | items, min_size=rows + 2, max_size=rows + 2))
    if pa.types.is_dictionary(kind):
        whole = pa.chunked_array([pa.array(values, pa.string()).dictionary_encode().cast(kind)])
    else:
        whole = pa.chunked_array([pa.array(values, kind)], type=kind)
    cut = draw(st.integers(0, rows))
    found = whole.slice(1, cut), whole.slice(1 + cut, rows - cut)
    chunks = [chunk for part in found for chunk in part.chunks]
    return pd.arrays.ArrowExtensionArray(pa.chunked_array(chunks, type=kind))


@st.composite
def objects(draw: st.DrawFn, rows: int) -> Any:
    """Columns of objects: of one class, or mixed."""
    kinds = draw(st.lists(st.sampled_from(range(len(OBJECTS))), min_size=1, max_size=4))
    items = st.one_of(*(OBJECTS[kind] for kind in kinds))
    found = np.empty(rows, dtype=object)
    for i in range(rows):
        found[i] = draw(items)
    return found


ARRAYS: list[Callable[[int], st.SearchStrategy[Any]]] = [
    numpy_arrays,
    dates,
    masked,
    strings,
    categories,
    spans,
    sparse,
    arrow,
    objects,
]
LABELS = st.one_of(
    CLEAN_TEXT,
    TEXT,
    st.integers(),
    st.booleans(),
    st.none(),
    st.floats(),
    st.tuples(st.integers(0, 3), CLEAN_TEXT),
    st.just(pd.Timestamp("2024-01-01")),
    st.just(uuid.UUID(int=5)),
)


def arrays(rows: int) -> st.SearchStrategy[Any]:
    """Arrays of any dtype."""
    return st.one_of(*(make(rows) for make in ARRAYS))


@st.composite
def indexes(draw: st.DrawFn, rows: int, depth: int = 1) -> pd.Index:
    """Indexes of every class."""
    name = draw(LABELS)
    kind = draw(st.sampled_from(["range", "array", "freq", "multi", "labels"]))
    if kind == "range":
        step = draw(st.sampled_from([1, 2, -3]))
        start = draw(st.integers(-5, 5))
        return pd.RangeIndex(start, start + rows * step, step, name=name)
    if kind == "freq":
        freq = draw(st.sampled_from(FREQUENCIES))
        tz = draw(st.sampled_from([None, "Europe/Berlin", "UTC"]))
        return pd.date_range("2024-03-29", periods=rows, freq=freq, tz=tz, name=name)
    if kind == "multi" and depth:
        parts = [draw(indexes(rows, 0)) for _ in range(draw(st.integers(1, 3)))]
        try:
            return pd.MultiIndex.from_arrays(parts)
        except (TypeError, ValueError, NotImplementedError):
            return pd.RangeIndex(rows)
    if kind == "array":
        values = draw(
            arrays(rows).filter(
                lambda a: (
                    getattr(a.dtype, "char", "") not in ("g", "G")
                    and getattr(a.dtype, "isnative", True)
                )
            )
        )
        try:
            return pd.Index(values, dtype=values.dtype, name=name, tupleize_cols=False)
        except (TypeError, ValueError, NotImplementedError):
            return pd.RangeIndex(rows)
    items = np.empty(rows, dtype=object)
    for i in range(rows):
        items[i] = draw(LABELS)
    return pd.Index(items, dtype=object, name=name, tupleize_cols=False)


ATTRS = st.dictionaries(
    CLEAN_TEXT, st.one_of(st.integers(), TEXT, st.lists(st.floats()), st.just({"a": (1, None)}))
)


@st.composite
def series(draw: st.DrawFn) -> pd.Series:
    """Series of every dtype and index."""
    rows = draw(ROWS)
    values = draw(arrays(rows))
    found = pd.Series(values, draw(indexes(rows)), dtype=values.dtype, name=draw(LABELS))
    found.attrs = draw(ATTRS)
    return found


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """DataFrames with any columns, labels, attrs and flags; consolidated or not."""
    rows, width = draw(ROWS), draw(st.integers(0, 5))
    columns = [draw(arrays(rows)) for _ in range(width)]
    index = draw(indexes(rows))
    found = pd.DataFrame(
        {i: pd.Series(values, index, dtype=values.dtype) for i, values in enumerate(columns)},
        index=index,
    )
    if draw(st.booleans()):
        found = found.copy()
    found.columns = draw(indexes(width))
    found.attrs = draw(ATTRS)
    if _is_unique(found.index) and _is_unique(found.columns) and draw(st.booleans()):
        found.flags.allows_duplicate_labels = False
    return found


def _is_unique(index: pd.Index) -> bool:
    try:
        return index.is_unique
    except (TypeError, NotImplementedError):  # labels that pandas cannot hash
        return False
