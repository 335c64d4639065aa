"""The life of a cell in real kernels: whatever ends a cell, its frames can be brought back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jupyter_client.blocking.client import BlockingKernelClient

from tests.kernels import Kernel
from tests.waiting import eventually

FRAME = "import pandas as pd\ndf = pd.DataFrame({'a': range(5), 'b': list('vwxyz')})"
MANAGER = "__import__('dfbackup_jupyter').BackupManager.current()"
CONTENT = "df.to_dict('list')"
WHOLE = {"a": [0, 1, 2, 3, 4], "b": list("vwxyz")}


def undo(kernel: Kernel) -> None:
    outcome = kernel.run(f"_ = {MANAGER}.undo()")
    assert outcome.status == "ok", outcome.shown


def kinds(kernel: Kernel, **options: object) -> list[str]:
    arguments = ", ".join(f"{key}={value!r}" for key, value in options.items())
    kernel.run(f"{MANAGER}._worker.flush()")
    found: list[str] = kernel.value(f"[str(b.kind) for b in {MANAGER}.list({arguments})]")
    return found


def test_a_backup_comes_before_the_cell_that_needs_it(kernel: Kernel) -> None:
    kernel.run(FRAME)
    kernel.run("df = df.drop(columns='b')")
    assert kinds(kernel) == ["auto"]
    found = f"{MANAGER}.list()[0].provenance"
    assert kernel.value(f"({found}.reason, {found}.cell, {found}.operations[0].frames)") == (
        "before drop",
        "df = df.drop(columns='b')",
        ("df",),
    )
    undo(kernel)
    assert kernel.value(CONTENT) == WHOLE


def test_cells_that_change_nothing_make_no_backup(kernel: Kernel) -> None:
    kernel.run(FRAME)
    for cell in ("df.head()", "x = df.a.sum()", "df.describe()", "df.sort_values('a')", "1 / 0"):
        kernel.run(cell)
    assert kinds(kernel) == []


def test_identical_states_make_no_second_backup(kernel: Kernel) -> None:
    kernel.run(FRAME)
    kernel.run("df = df.drop(columns='b')")
    undo(kernel)
    kernel.run("df = df.drop(columns='b')")
    undo(kernel)
    kernel.run("df = df.rename(columns=str.upper)")
    # Two states in all: the whole frame, and the one without b.
    assert sorted(kinds(kernel)) == ["auto", "safety"]


def test_a_cell_that_fails_half_way_is_undone(kernel: Kernel) -> None:
    kernel.run(FRAME)
    outcome = kernel.run("df.pop('a')\nraise ValueError('no')\ndf.pop('b')")
    assert outcome.error == "ValueError: no"
    undo(kernel)
    assert kernel.value(CONTENT) == WHOLE


def test_an_interrupted_cell_is_undone(kernel: Kernel) -> None:
    kernel.run(FRAME)
    message = kernel.submit("df.pop('a')\nprint('popped', flush=True)\nimport time\ntime.sleep(60)")
    time.sleep(1.5)
    kernel.interrupt()
    outcome = kernel.collect(message)
    assert outcome.error.startswith("KeyboardInterrupt")
    undo(kernel)
    assert kernel.value(CONTENT) == WHOLE


def test_top_level_await(kernel: Kernel) -> None:
    kernel.run(FRAME)
    kernel.run("import asyncio\nawait asyncio.sleep(0.01)\ndf.pop('a')\nawait asyncio.sleep(0.01)")
    undo(kernel)
    assert kernel.value(CONTENT) == WHOLE


def test_cells_within_a_cell_count_as_one(kernel: Kernel) -> None:
    kernel.run(FRAME)
    kernel.run("%%capture out\ndf.pop('a')\nget_ipython().run_cell('df.pop(\"b\")')")
    assert kernel.value("list(df.columns)") == []
    undo(kernel)
    assert kernel.value(CONTENT) == WHOLE


def test_a_cell_of_another_client(kernel: Kernel) -> None:
    kernel.run(FRAME)
    other = BlockingKernelClient(connection_file=kernel.manager.connection_file)
    other.load_connection_file()
    other.start_channels()
    try:
        other.wait_for_ready(timeout=30)
        assert other.execute_interactive("df.pop('a')", timeout=30)["content"]["status"] == "ok"
    finally:
        other.stop_channels()
    undo(kernel)
    assert kernel.value(CONTENT) == WHOLE


def test_a_change_between_cells_is_found(kernel: Kernel) -> None:
    kernel.run(FRAME)
    kernel.run("df.pop('a')", silent=True)  # as widgets and other callbacks do
    kernel.run("1 + 1")
    undo(kernel)
    assert kernel.value(CONTENT) == WHOLE


def test_output_result_and_error_are_the_cells_own(
    start_kernel: Callable[..., Kernel],
) -> None:
    cells = [
        FRAME,
        "df.drop(columns='b')",
        "print('out'); import sys; print('err', file=sys.stderr)",
        "df = df.merge(df, how='cross'); df.shape",
        "%%time\ndf = df.dropna()",
        "df.nothing",
        "df = df.drop(columns='nothing')",
        "this is no python",
        "_",
        "dir()",
        "In[-1], len(Out)",
        "_ = 5; del df",
    ]
    plain = start_kernel(load=False, DFBACKUP_AUTOLOAD="0")
    ours = start_kernel()
    for cell in cells:
        one, other = plain.run(cell), ours.run(cell)
        if "%%time" in cell:
            assert one.stdout.splitlines()[0][:10] == other.stdout.splitlines()[0][:10]
            continue
        assert (one.status, one.stdout, one.stderr, one.text, one.error, one.count) == (
            other.status,
            other.stdout,
            other.stderr,
            other.text,
            other.error,
            other.count,
        ), cell


def test_killed_right_after_create(kernel: Kernel) -> None:
    kernel.run(FRAME + "\nbig = pd.DataFrame({'x': range(2_000_000)})")
    outcome = kernel.run(f"{MANAGER}.create('safe').id")
    assert outcome.status == "ok"
    kernel.kill()
    kernel.start()
    kernel.run(f"import pandas as pd\n{MANAGER}.restore('safe')")
    assert kernel.value(CONTENT) == WHOLE
    assert kernel.value("big.equals(pd.DataFrame({'x': range(2_000_000)}))") is True


def test_killed_in_the_middle_of_a_risky_cell(kernel: Kernel) -> None:
    kernel.run(FRAME)
    time.sleep(1)  # the user thinks, we write
    kernel.submit("df = df.drop(columns='b')\nimport time\ntime.sleep(60)")
    time.sleep(1)
    kernel.kill()
    kernel.start()
    assert kinds(kernel, all=True) == ["auto"]
    kernel.run(f"{MANAGER}.restore({MANAGER}.list(all=True)[0].id)")
    assert kernel.value(CONTENT) == WHOLE


def test_a_kernel_that_stops_finishes_writing(kernel: Kernel) -> None:
    kernel.run("import numpy as np, pandas as pd")
    kernel.run("df = pd.DataFrame(np.random.default_rng(0).random((3_000_000, 8)))")
    kernel.run("total = float(df[0].sum()); df = df.drop(columns=7)")
    total = kernel.value("total")
    kernel.restart()
    backups = kernel.value(f"[b.id for b in {MANAGER}.list(all=True) if b.kind == 'auto']")
    assert len(backups) == 1
    kernel.run(f"{MANAGER}.restore({backups[0]!r})")
    assert kernel.value("float(df[0].sum())") == total
    assert kernel.value("df.shape") == (3_000_000, 8)


def test_unloading_leaves_nothing_behind(kernel: Kernel) -> None:
    kernel.run(FRAME)
    kernel.run("%unload_ext dfbackup_jupyter")
    hooks = "get_ipython().events.callbacks"
    assert "dfbackup" not in kernel.value(
        f"str([{hooks}['pre_run_cell'], {hooks}['post_run_cell']])"
    )
    kernel.run("import threading, time; time.sleep(0.3)")
    assert "dfbackup" not in kernel.value("str(threading.enumerate())")
    assert kernel.run("%backup").status == "error"


def test_a_forked_child_leaves_the_store_alone(kernel: Kernel) -> None:
    kernel.run(FRAME)
    kernel.run(
        "import multiprocessing\n"
        "context = multiprocessing.get_context('fork')\n"
        "def work(n):\n    global df\n    df = df.drop(columns='b')\n    return len(df.columns)\n"
        "with context.Pool(2) as pool:\n    got = pool.map(work, [1, 2])"
    )
    kernel.run("df = df.drop(columns='a')")
    undo(kernel)
    assert kernel.value(CONTENT) == WHOLE


def test_an_interrupted_create_leaves_no_half_backup(kernel: Kernel, store_path: Path) -> None:
    kernel.run(FRAME)
    kernel.run(f"manager = {MANAGER}; manager.auto = False; import numpy as np")
    kernel.run("big = pd.DataFrame(np.random.default_rng(0).random((4_000_000, 20)))")
    message = kernel.submit("%backup create big")
    assert eventually(lambda: _size(store_path) > 10_000_000)
    kernel.interrupt()
    assert kernel.collect(message).error.startswith("Interrupted: %backup create")
    assert kernel.value("[b.id for b in manager.list()]") == []
    kernel.run("small = manager.create('small', only=['df'])")
    assert kernel.value("small.committed") is True
    assert kernel.value("manager.verify().ok") is True


def _size(folder: Path) -> int:
    with suppress(FileNotFoundError):  # a file has just got its name
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return 0
