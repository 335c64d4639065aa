"""Work on this thread and on a second one."""

from __future__ import annotations

import threading
import time

import pytest

from dfbackup_jupyter.parallel import in_parallel


def test_each_item_is_dealt_with_once() -> None:
    told: list[int] = []
    in_parallel(lambda i: i * i, range(100), told.append)
    assert sorted(told) == [i * i for i in range(100)]


def test_two_threads_work_and_this_one_is_told() -> None:
    workers: set[int] = set()
    listeners: set[int] = set()
    both = threading.Barrier(2)

    def work(_: int) -> None:
        workers.add(threading.get_ident())
        both.wait(10)

    in_parallel(work, range(10), lambda _: listeners.add(threading.get_ident()))
    assert len(workers) == 2
    assert listeners == {threading.get_ident()}


@pytest.mark.parametrize("on_this_thread", [True, False])
def test_after_an_error_nothing_is_begun(on_this_thread: bool) -> None:
    here = threading.get_ident()
    begun: list[int] = []

    def work(i: int) -> None:
        begun.append(i)
        if (threading.get_ident() == here) is on_this_thread:
            raise ValueError("damaged")
        time.sleep(0.01)

    with pytest.raises(ValueError, match="damaged"):
        in_parallel(work, range(1000))
    assert len(begun) < 100


def test_who_is_told_may_give_up() -> None:
    begun: list[int] = []

    def work(i: int) -> None:
        begun.append(i)
        time.sleep(0.001)

    def give_up(_: None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_parallel(work, range(10_000), give_up)
    assert len(begun) < 100
    assert not any("ThreadPool" in thread.name for thread in threading.enumerate())


def test_one_thread_does_it_all_when_no_other_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    found: list[int] = []
    in_parallel(lambda i: i * i, range(5), found.append)
    assert found == [0, 1, 4, 9, 16]
