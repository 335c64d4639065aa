"""Every frame comes back as it was, to the bit."""

from __future__ import annotations

import pandas as pd
from hypothesis import HealthCheck, given, settings

from dfbackup_jupyter import capture
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


def check(frame: pd.DataFrame | pd.Series) -> None:
    stored = Stored(frame)
    read = stored.read()
    assert not read.damaged and not read.warnings and not stored.encoded.lost
    assert_same_frame(read.frame, frame)
    assert_same_frame(capture.snapshot(frame).thaw(), frame)
    assert Stored(read.frame).content == stored.content, "equal content, other bytes"
    assert Stored(frame.copy()).content == stored.content, "a copy, other bytes"
