from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import sys
import threading
import time
from collections import deque
from concurrent.futures import CancelledError

import pytest

from dfbackup_jupyter.store import Worker


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_jobs_run_in_order(worker: Worker) -> None:
    done: list[int] = []
    for i in range(50):
        worker.submit(lambda i=i: done.append(i))
    assert worker.flush(5)
    assert done == list(range(50))


def test_results_and_exceptions_reach_the_future(worker: Worker) -> None:
    assert worker.submit(lambda: 6 * 7).result(5) == 42
    for error in (ValueError, KeyboardInterrupt, SystemExit):

        def fail(error: type[BaseException] = error) -> None:
            raise error("no")

        with pytest.raises(error):
            worker.submit(fail).result(5)
    assert worker.submit(lambda: "alive").result(5) == "alive"


def test_no_thread_until_there_is_a_job(worker: Worker) -> None:
    before = threading.active_count()
    assert worker.flush(0)
    assert threading.active_count() == before
    worker.submit(lambda: None).result(5)
    assert threading.active_count() == before + 1
    assert worker.close(5)
    time.sleep(0.05)
    assert threading.active_count() == before


@pytest.fixture
def long_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfbackup_jupyter.store.worker._SHORT_CELL", 60)


@pytest.mark.usefixtures("long_cell")
def test_jobs_step_aside_for_a_cell_unless_somebody_waits(worker: Worker) -> None:
    done: list[str] = []
    worker.cell_begins()
    worker.submit(lambda: done.append("slow"), haste=False)
    time.sleep(0.1)
    assert done == []
    assert worker.flush(5)
    assert done == ["slow"]
    worker.submit(lambda: done.append("slow"), haste=False)
    worker.submit(lambda: done.append("at once")).result(5)
    assert done[1:] == ["slow", "at once"]  # in order all the same
    worker.submit(lambda: done.append("last"), haste=False)
    assert worker.close(5)
    assert done[3:] == ["last"]


@pytest.mark.usefixtures("long_cell")
@pytest.mark.parametrize("awaited", [False, True])
def test_a_job_steps_aside_between_its_steps(worker: Worker, awaited: bool) -> None:
    begun, go, steps = threading.Event(), threading.Event(), deque[int]()

    def job() -> None:
        begun.set()
        go.wait(5)
        for i in range(3):
            worker.give_way()
            steps.append(i)

    done = worker.submit(job, haste=False)
    assert begun.wait(5)
    worker.cell_begins()
    go.set()
    time.sleep(0.05)
    assert not steps
    if awaited:
        with worker.awaited():
            done.result(5)
    else:
        worker.cell_ends()
        done.result(5)
    assert list(steps) == [0, 1, 2]


def test_short_cells_one_after_the_other_do_not_keep_a_job_from_its_work(worker: Worker) -> None:
    def job() -> None:
        for _ in range(100):
            worker.give_way()
            time.sleep(0.001)

    done = worker.submit(job, haste=False)
    began = time.monotonic()
    while not done.done() and time.monotonic() - began < 10:
        worker.cell_begins()
        time.sleep(0.002)
    assert done.done()


def test_on_two_cores_a_job_works_alone_while_a_cell_runs(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []

    def look() -> None:
        found.append(worker.crowded())

    def looks() -> bool:
        worker.submit(look, haste=False).result(5)
        return found.pop()

    monkeypatch.setattr("dfbackup_jupyter.store.worker._SHORT_CELL", 0)
    for cores, expected in ((2, True), (4, False)):
        monkeypatch.setattr("dfbackup_jupyter.store.worker._cores", lambda n=cores: n)
        worker.cell_begins()
        assert looks() is expected
        assert not worker.crowded()  # on any other thread
        with worker.awaited():
            assert not looks()
        worker.cell_ends()
        assert not looks()


@pytest.mark.usefixtures("long_cell")
def test_a_job_in_haste_does_not_step_aside_between_its_steps(worker: Worker) -> None:
    begun, go = threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        go.wait(5)
        worker.give_way()

    done = worker.submit(job)
    assert begun.wait(5)
    worker.cell_begins()
    go.set()
    concurrent.futures.wait([done], 5)  # unlike the manager's own waits, unknown to the worker
    assert done.done()


def test_a_job_without_haste_is_done(worker: Worker) -> None:
    assert worker.submit(lambda: "done", haste=False).result(5) == "done"


def test_back_pressure(worker: Worker) -> None:
    gate = threading.Event()
    worker.submit(gate.wait, holds={1: 100, 2: 30})
    worker.submit(lambda: None, holds={2: 30, 3: 20})
    assert worker.backlog() == 150  # what both hold is there once
    assert not worker.wait_below(149, timeout=0.05)
    assert not worker.flush(0.05)
    assert worker.wait_below(150, timeout=0)
    assert worker.backlog(beside={1: 100, 4: 1_000}) == 50
    assert worker.wait_below(50, beside={1: 100}, timeout=0)
    gate.set()
    assert worker.wait_below(0, timeout=5)
    assert worker.backlog() == 0


def test_what_a_job_holds_counts_until_the_last_one_that_holds_it_has_ended(
    worker: Worker,
) -> None:
    gates = threading.Event(), threading.Event()
    first = worker.submit(gates[0].wait, holds={1: 100, 2: 30})
    worker.submit(gates[1].wait, holds={2: 30, 3: 20})
    gates[0].set()
    first.result(5)
    assert worker.wait_below(50, timeout=5)
    assert worker.backlog() == 50
    gates[1].set()


def test_a_job_may_ask_its_own_worker(worker: Worker) -> None:
    assert worker.submit(lambda: worker.flush(1), holds={1: 1}).result(5) is False


def test_cancelled_jobs_do_not_run(worker: Worker) -> None:
    gate = threading.Event()
    worker.submit(gate.wait)
    ran: list[int] = []
    future = worker.submit(lambda: ran.append(1), holds={1: 5})
    assert future.cancel()
    gate.set()
    assert worker.flush(5)
    assert (ran, worker.backlog()) == ([], 0)


def test_closing_waits_then_cancels(worker: Worker) -> None:
    gate = threading.Event()
    first = worker.submit(gate.wait)
    second = worker.submit(lambda: None)
    assert not worker.close(0.05)
    gate.set()
    assert first.result(5)
    with pytest.raises(CancelledError):
        second.result(5)
    assert worker.submit(lambda: None).cancelled()


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority on Linux only")
def test_low_priority_for_the_thread_alone(worker: Worker) -> None:
    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    its = worker.submit(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).result(
        5
    )
    assert its > mine
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == mine


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_runs_nothing(worker: Worker) -> None:
    gate = threading.Event()
    worker.submit(gate.wait, holds={1: 10})

    def child(answers: multiprocessing.SimpleQueue[object]) -> None:
        answers.put(
            (
                worker.submit(lambda: 1).cancelled(),
                worker.backlog(),
                worker.flush(0),
                worker.close(0),
            )
        )

    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[object] = context.SimpleQueue()
    with worker._changed:  # the worst moment to fork
        process = context.Process(target=child, args=(answers,))
        process.start()
    process.join(10)
    assert process.exitcode == 0
    assert answers.get() == (True, 0, True, True)
    gate.set()
    assert worker.flush(5)
