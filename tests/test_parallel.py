"""Work on this thread and on a second one."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import pytest

from dfbackup_jupyter.parallel import in_parallel, told_here


class Counted:
    """Work that counts, at each call, how many of its calls there are at once."""

    def __init__(self) -> None:
        self.at_once: list[int] = []
        self._busy = 0
        self._lock = threading.Lock()

    def __call__(self, _: int) -> None:
        with self._lock:
            self._busy += 1
            self.at_once.append(self._busy)
        time.sleep(0.002)
        with self._lock:
            self._busy -= 1


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


def test_work_within_work_is_still_on_two_threads() -> None:
    work = Counted()
    in_parallel(lambda _: in_parallel(work, range(10)), range(10))
    assert len(work.at_once) == 100
    assert max(work.at_once) == 2


@pytest.mark.parametrize("longest", [0, 1])
def test_who_has_nothing_left_to_do_helps_with_what_the_other_does(longest: int) -> None:
    one = Counted()
    both = threading.Barrier(2)

    def work(i: int) -> None:
        both.wait(10)
        if i == longest:
            time.sleep(0.1)  # until the other one has nothing left
            in_parallel(one, range(20))

    in_parallel(work, range(2))
    assert set(one.at_once) == {1, 2}


def test_giving_up_ends_the_work_within_the_others_work() -> None:
    here = threading.get_ident()
    begun: list[int] = []
    other_began = threading.Event()

    def one(i: int) -> None:
        begun.append(i)
        other_began.set()
        time.sleep(0.001)

    def work(_: int) -> None:
        if threading.get_ident() == here:
            assert other_began.wait(10)
            raise KeyboardInterrupt
        try:
            in_parallel(one, range(10_000))
        except Exception:
            pytest.fail("an error of the work's own")

    with pytest.raises(KeyboardInterrupt):
        in_parallel(work, range(2))
    assert len(begun) < 1000


def test_who_waits_for_the_other_may_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    here = threading.get_ident()
    other_began = threading.Event()
    begun: list[int] = []
    workers: set[int] = set()

    def one(i: int) -> None:
        begun.append(i)
        workers.add(threading.get_ident())
        time.sleep(0.001)

    def work(_: int) -> None:
        if threading.get_ident() == here:
            assert other_began.wait(10)
        else:
            other_began.set()
            in_parallel(one, range(10_000))

    def interrupted(*_: object) -> None:
        while len(workers) < 2:  # it has got help, in place of the thread that waits for it
            time.sleep(0.001)
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_parallel(work, range(2))
    assert len(begun) < 1000


def test_what_cannot_be_gone_through_leaves_nothing_behind() -> None:
    with pytest.raises(TypeError):
        in_parallel(print, None)  # type: ignore[arg-type]
    test_two_threads_work_and_this_one_is_told()


def test_no_thread_is_started_for_one_item(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", started.append)
    found: list[int] = []
    in_parallel(lambda i: i + 1, range(1), found.append)
    assert (found, started) == ([1], [])


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """Refuse to start the first three threads, and return those that were refused."""
    start = threading.Thread.start
    refused: list[threading.Thread] = []

    def refuse(thread: threading.Thread) -> None:
        if len(refused) < 3:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    return refused


def test_where_threads_are_refused_each_item_is_dealt_with_once(
    refused: list[threading.Thread],
) -> None:
    told: list[int] = []
    in_parallel(lambda i: i * i, range(100), told.append)
    assert sorted(told) == [i * i for i in range(100)]
    assert refused


def test_where_threads_are_refused_an_error_on_any_is_raised(
    refused: list[threading.Thread],
) -> None:
    here = threading.get_ident()

    def work(i: int) -> None:
        time.sleep(0.001)
        if threading.get_ident() != here or i == 50:
            raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        in_parallel(work, range(100))
    assert refused


def test_where_threads_are_refused_no_more_than_two_work(
    refused: list[threading.Thread],
) -> None:
    work = Counted()
    in_parallel(lambda _: in_parallel(work, range(10)), range(10))
    assert len(work.at_once) == 100
    assert max(work.at_once) <= 2
    assert refused


def test_an_error_within_the_work_is_the_works_own() -> None:
    failed: list[int] = []
    done: list[int] = []

    def work(i: int) -> None:
        def one(j: int) -> None:
            if i % 2 and j == 3:
                raise ValueError("damaged")

        try:
            in_parallel(one, range(10))
        except ValueError:
            failed.append(i)
        else:
            done.append(i)

    in_parallel(work, range(10))
    assert sorted(failed) == [1, 3, 5, 7, 9]
    assert sorted(done) == [0, 2, 4, 6, 8]


def test_only_one_thread_is_told_what_any_has_to_tell() -> None:
    told: list[tuple[int, int]] = []
    with told_here(lambda i: told.append((i, threading.get_ident()))) as relay:

        def elsewhere(*numbers: int) -> None:
            other = threading.Thread(target=lambda: [relay(number) for number in numbers])
            other.start()
            other.join()

        elsewhere(1, 2)
        assert told == []
        relay(3)
        assert told == [(i, threading.get_ident()) for i in (1, 2, 3)]
        elsewhere(4)
    assert told == [(i, threading.get_ident()) for i in (1, 2, 3, 4)]
