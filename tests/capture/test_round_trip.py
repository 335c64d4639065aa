"""Every frame comes back as it was, to the bit."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from dfbackup_jupyter import capture
from dfbackup_jupyter.capture import pandas_codec, strings
from tests.capture import strategies
from tests.capture.kit import Stored
from tests.support.exact import assert_same_frame

MANY = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@MANY
@given(strategies.frames())
def test_any_frame_comes_back(frame: pd.DataFrame) -> None:
    check(frame)


@MANY
@given(strategies.series())
def test_any_series_comes_back(series: pd.Series) -> None:
    check(series)


@MANY
@given(strategies.frames())
def test_any_frame_comes_back_with_codes_for_its_strings(frame: pd.DataFrame) -> None:
    with patch.multiple(strings, _ENOUGH=1, _REPEATED=0):
        check(frame)


@MANY
@given(strategies.frames())
def test_any_frame_comes_back_when_two_columns_are_read_at_a_time(frame: pd.DataFrame) -> None:
    with patch.object(pandas_codec, "_TWO_AT_A_TIME", range(10**9)):
        check(frame)


@pytest.mark.parametrize("dtype", ["str", "string", "string[pyarrow]", "large_string[pyarrow]"])
@pytest.mark.parametrize("words", [1, 254, 255, 256, 5_000])
def test_strings_that_repeat_are_kept_once(dtype: str, words: int) -> None:
    every = pd.Series([f"the word {i:09}" for i in range(words)] + [None], dtype="object")
    rows = np.random.default_rng(0).integers(0, words + 1, 70_000)
    frame = every.take(rows).reset_index(drop=True).astype(dtype).to_frame("x")
    check(frame)
    kept = Stored(frame).blobs
    assert sum(map(len, kept)) < 70_000 * (1 if words < 255 else 2) + words * 25 + 99
    again = Stored(frame.sample(frac=1, random_state=1)).blobs
    assert again[1:3] == kept[1:3], "another order of rows, other words"


NO_TEXT = [b"caf\xe9", b"\xff", b"plain", b""]  # Latin-1 that was taken for UTF-8

NOT_ALLOWED = {
    "string": pa.array(NO_TEXT, pa.binary()).view(pa.string()),
    "large_string": pa.array(NO_TEXT, pa.large_binary()).view(pa.large_string()),
    "string, repeated": pa.array(NO_TEXT * 1_000, pa.binary()).view(pa.string()),
    "list of string": pa.ListArray.from_arrays(
        pa.array([0, 1, 4], pa.int32()), pa.array(NO_TEXT, pa.binary()).view(pa.string())
    ),
    "decimal": pa.array([99_999], pa.decimal128(5)).view(pa.decimal128(2)),
}


@pytest.mark.parametrize("values", NOT_ALLOWED.values(), ids=NOT_ALLOWED.keys())
def test_what_its_type_does_not_allow_comes_back_where_it_is_trusted(values: pa.Array) -> None:
    with pytest.raises(pa.ArrowInvalid):
        values.validate(full=True)
    number = np.arange(len(values))
    frame = pd.DataFrame({"x": pd.arrays.ArrowExtensionArray(values), "number": number})
    stored = Stored(frame)
    read = stored.read()
    assert not read.damaged
    found = read.frame["x"].array.__arrow_array__()
    assert found.type == values.type
    assert pa.concat_arrays(found.chunks).equals(values)
    assert list(stored.read(trust=False).frame) == ["number"]


def test_labels_of_levels_that_repeat_come_back_where_they_are_trusted() -> None:
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]])
    frame = pd.DataFrame({"x": range(4)}, index=index)
    frame.index = index.set_levels(["same", "same"], level=0, verify_integrity=False)
    check(frame)
    check(frame.T)
    assert Stored(frame).read(trust=False).warnings


@pytest.mark.parametrize("kind", [pa.string(), pa.binary(), pa.large_string()], ids=str)
@pytest.mark.parametrize("words", [7, 5_000])
def test_more_text_than_one_array_of_its_type_can_hold(kind: pa.DataType, words: int) -> None:
    """Arrow's short strings end at 2 GB in one piece, and pandas keeps several."""
    every = pa.array([*(f"{i:09}" for i in range(words)), None, ""]).cast(kind)
    rows = np.random.default_rng(0).integers(0, words + 2, 20_000)
    frame = pd.DataFrame({"x": pd.Series(every.take(rows), dtype=pd.ArrowDtype(kind))})
    stored = Stored(frame)
    with patch.object(strings, "_INT32_MAX", 50_000):
        read = stored.read()
    assert_same_frame(read.frame, frame)
    pieces = len(read.frame["x"].array._pa_array.chunks)  # type: ignore[attr-defined]
    assert pieces == 1 if kind == pa.large_string() else 2 < pieces < 6


def check(frame: pd.DataFrame | pd.Series) -> None:
    stored = Stored(frame)
    read = stored.read()
    assert not read.damaged and not read.warnings and not stored.encoded.lost
    assert_same_frame(read.frame, frame)
    assert_same_frame(capture.snapshot(frame).thaw(), frame)
    assert Stored(read.frame).content == stored.content, "equal content, other bytes"
    assert Stored(frame.copy()).content == stored.content, "a copy, other bytes"
