from __future__ import annotations

import dataclasses
import datetime as dt
import json
import threading
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.session import Budget, Context, Entry, ExecutionLog, FrameChange, Recorder
from dfbackup_jupyter.session.execution_log import Outcome, What
from dfbackup_jupyter.session.journal import SNAPSHOT_ITEMS
from tests.session.kit import bring_back, reader

CONTEXT = Context({})
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=7)))


def entry(number: int, **fields: Any) -> Entry:
    return Entry(
        **{
            "source": f"cell {number}",
            "execution_count": number,
            "time": NOON + dt.timedelta(seconds=number),
            "duration": 0.5,
            "outcome": "ok",
            "session": "s1",
        }
        | fields
    )


def log_of(*entries: Entry, limit: int = 10_000) -> ExecutionLog:
    log = ExecutionLog(limit)
    for each in entries:
        log.append(each)
    return log


RICH = entry(
    1,
    source="df = df.drop(columns=['a'])\n# ✓ \ud800",
    outcome="error",
    error="KeyError: 'a'",
    frames=(FrameChange("df", "changed", 3, 3, 2, 1), FrameChange("x", "removed", 5, None, 1)),
    backup="auto_20260101_120001_abcd1234",
)

sizes = st.none() | st.integers(0, 10**9)
moments = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))
labels = st.lists(st.text(), max_size=3).map(tuple)
changes = st.builds(
    FrameChange,
    st.text(),
    st.sampled_from(get_args(What)),
    *[sizes] * 4,
    *[labels] * 3,
)
entries = st.builds(
    Entry,
    source=st.text(),
    execution_count=st.none() | st.integers(0, 1000),
    time=moments,
    duration=st.floats(0, 1e6),
    outcome=st.sampled_from(get_args(Outcome)),
    error=st.none() | st.text(),
    frames=st.lists(changes, max_size=3).map(tuple),
    backup=st.none() | st.text(),
    session=st.sampled_from(["s1", "s2"]),
)


def test_it_is_a_recorder() -> None:
    assert isinstance(ExecutionLog(), Recorder)


@given(entries)
@settings(max_examples=100, deadline=None)
def test_entries_survive_json(one: Entry) -> None:
    assert Entry.from_dict(json.loads(json.dumps(one.to_dict(), allow_nan=False))) == one


def test_entries_have_a_stable_json_form() -> None:
    data = RICH.to_dict()
    assert data["time"] == "2026-01-01T12:00:01+07:00"
    assert data["frames"][1] == {
        "name": "x",
        "what": "removed",
        "rows_before": 5,
        "rows_after": None,
        "columns_before": 1,
        "columns_after": None,
        "columns_added": [],
        "columns_dropped": [],
        "columns_modified": [],
    }
    assert Entry.from_dict({**data, "of a later version": 1}) == RICH


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": None},
        {"execution_count": "1"},
        {"time": "2026-01-01T12:00:00"},
        {"time": "noon"},
        {"time": 5},
        {"duration": "long"},
        {"duration": None},
        {"outcome": "maybe"},
        {"outcome": []},
        {"frames": None},
        {"frames": [1]},
        {"frames": [{"name": "df", "what": "eaten"}]},
        {"session": 1},
    ],
)
def test_what_is_no_entry_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Entry.from_dict(RICH.to_dict() | wrong)


@pytest.mark.parametrize("data", [{}, [], None, 1, "x"])
def test_what_is_not_even_like_an_entry_is_refused(data: Any) -> None:
    with pytest.raises(ValueError):
        Entry.from_dict(data)


def test_times_have_an_offset() -> None:
    with pytest.raises(ValueError, match="offset"):
        entry(1, time=dt.datetime(2026, 1, 1))


def test_a_long_error_keeps_its_beginning() -> None:
    error = entry(1, error="ValueError: " + "x" * 10_000).error
    assert error is not None
    assert len(error) == 500
    assert error.startswith("ValueError: xxx")
    assert error.endswith("…")


def test_a_new_kernel_gets_the_log_back_without_trust() -> None:
    state = log_of(RICH, entry(2)).snapshot(CONTEXT)
    fresh = ExecutionLog()
    said = bring_back(fresh, state, CONTEXT, trust=False)
    assert fresh.entries == (RICH, entry(2))
    assert said.names == ("2 entries of the execution log",)
    assert said.warnings == ()


def test_restoring_adds_and_never_takes_away() -> None:
    log = log_of(entry(1), entry(2))
    state = log.snapshot(CONTEXT)
    log.append(entry(3))
    assert bring_back(log, state, CONTEXT).names == ()
    assert log.entries == (entry(1), entry(2), entry(3))
    bring_back(log, log_of(entry(0), entry(5)).snapshot(CONTEXT), CONTEXT)
    assert log.entries == tuple(map(entry, (0, 1, 2, 3, 5)))
    bring_back(log, ExecutionLog().snapshot(CONTEXT), CONTEXT)
    assert len(log.entries) == 5


def test_cells_of_two_sessions_are_told_apart() -> None:
    log = log_of(entry(1))
    bring_back(log, log_of(entry(1, session="s2")).snapshot(CONTEXT), CONTEXT)
    assert [each.session for each in log.entries] == ["s1", "s2"]


distinct = st.lists(
    entries, max_size=8, unique_by=lambda each: (each.session, each.time, each.execution_count)
)


@given(distinct, distinct)
@settings(max_examples=50, deadline=None)
def test_restoring_keeps_everything_in_order_and_only_once(
    live: list[Entry], stored: list[Entry]
) -> None:
    live.sort(key=lambda each: each.time)
    log = log_of(*live)
    state = log_of(*stored).snapshot(CONTEXT)
    bring_back(log, state, CONTEXT)
    once = log.entries
    assert set(live) <= set(once)
    times = [each.time for each in once]
    assert times == sorted(times)
    keys = {(each.session, each.time, each.execution_count) for each in [*live, *stored]}
    assert {(each.session, each.time, each.execution_count) for each in once} == keys
    bring_back(log, state, CONTEXT)
    assert log.entries == once


def test_what_is_learned_later_is_added() -> None:
    log = log_of(entry(1), entry(2))
    first = log.entries[0]
    log.amend(first, lambda old: dataclasses.replace(old, backup="auto_x"))
    log.amend(first, lambda old: dataclasses.replace(old, frames=RICH.frames))
    amended = dataclasses.replace(first, backup="auto_x", frames=RICH.frames)
    assert log.entries == (amended, entry(2))
    fresh = ExecutionLog()
    bring_back(fresh, log.snapshot(CONTEXT), CONTEXT)
    assert fresh.entries == log.entries
    log.amend(entry(7), lambda old: entry(8))
    assert log.entries == (amended, entry(2))


def test_entries_may_be_amended_while_others_are_added() -> None:
    log = log_of(*map(entry, range(200)), limit=200)
    held = log.entries[100:]

    def amend() -> None:
        for each in held:
            log.amend(each, lambda old: dataclasses.replace(old, backup="b"))

    thread = threading.Thread(target=amend)
    thread.start()
    for number in range(200, 300):
        log.append(entry(number))
    thread.join()
    assert [each.execution_count for each in log.entries] == list(range(100, 300))
    assert {each.backup for each in log.entries[:100]} == {"b"}


def test_the_oldest_makes_room() -> None:
    log = log_of(*map(entry, range(25)), limit=10)
    assert log.entries == tuple(map(entry, range(15, 25)))


def test_a_full_log_still_takes_what_is_restored() -> None:
    log = log_of(*map(entry, range(10, 20)), limit=10)
    bring_back(log, log_of(*map(entry, range(10))).snapshot(CONTEXT), CONTEXT)
    assert len(log.entries) == 20
    log.append(entry(20))
    assert log.entries == tuple(map(entry, range(1, 21)))


def test_a_snapshot_holds_the_newest() -> None:
    log = log_of(*map(entry, range(SNAPSHOT_ITEMS + 5)))
    state = log.snapshot(CONTEXT)
    fresh = ExecutionLog()
    bring_back(fresh, state, CONTEXT)
    assert fresh.entries == log.entries[5:]
    assert state.captured == ("1,000 entries of the execution log",)
    assert state.skipped == (("5 entries of the execution log", "only the newest are kept"),)


def test_a_snapshot_keeps_to_its_bytes() -> None:
    log = log_of(*(entry(i, source="x" * 1000) for i in range(100)))
    state = log.snapshot(Context({}, budget=Budget(nbytes=20_000)))
    assert 15_000 < state.blobs[0].nbytes <= 20_000
    fresh = ExecutionLog()
    bring_back(fresh, state, CONTEXT)
    assert fresh.entries == log.entries[-len(fresh.entries) :]


def test_a_snapshot_is_a_picture_of_its_instant() -> None:
    log = log_of(entry(1))
    state = log.snapshot(CONTEXT)
    before = reader(state)(0)
    log.append(entry(2))
    assert reader(state)(0) == before


@pytest.mark.parametrize("data", [b"", b"no json", b"{}", b"null", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_log_are_reported(data: bytes) -> None:
    log = log_of(entry(1))
    said = log.restore({}, lambda i: data, CONTEXT, trust=False)
    assert said.names == ()
    assert len(said.warnings) == 1
    assert log.entries == (entry(1),)


def test_damaged_bytes_are_reported() -> None:
    def read(i: int) -> bytes:
        raise DamagedData("A chunk is damaged.")

    said = ExecutionLog().restore({}, read, CONTEXT, trust=False)
    assert said.warnings == (
        "The entries of the execution log could not be read: A chunk is damaged.",
    )


def test_one_bad_entry_costs_only_itself() -> None:
    data = json.dumps([entry(1).to_dict(), 5, {"source": 1}, entry(2).to_dict()]).encode()
    log = ExecutionLog()
    said = log.restore({}, lambda i: data, CONTEXT, trust=False)
    assert log.entries == (entry(1), entry(2))
    assert said.warnings == ("2 entries of the execution log could not be read.",)


def test_entries_are_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry(1).source = "x"  # type: ignore[misc]
