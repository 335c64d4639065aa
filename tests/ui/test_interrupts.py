"""Ctrl-C in a real kernel: within ``%%backup``, and while a progress bar is shown."""

from __future__ import annotations

import time

import pytest

from tests.kernels import Kernel
from tests.ui.conftest import FRAMES


@pytest.mark.parametrize(
    ("wait", "raised"),
    [
        ("import time\ntime.sleep(60)", "KeyboardInterrupt"),
        # ipykernel cancels when the awaited thing gives way, with us or without.
        ("import asyncio\nawait asyncio.sleep(4)", "CancelledError"),
    ],
)
def test_an_interrupted_cell_is_rolled_back(kernel: Kernel, wait: str, raised: str) -> None:
    kernel.run(FRAMES)
    message = kernel.submit(f"%%backup --rollback\ndf['n'] = 0\nprint('in', flush=True)\n{wait}")
    time.sleep(1.5)
    kernel.interrupt()
    outcome = kernel.collect(message)
    assert outcome.error.startswith(raised)
    assert outcome.stdout == "in\n"
    assert kernel.value("df['n'].tolist()") == [1, 2]
    assert kernel.run("%backup undo").status == "ok"
    assert kernel.value("df['n'].tolist()") == [0, 0]


def test_a_bar_is_shown_and_ends(kernel: Kernel) -> None:
    kernel.run(FRAMES)
    kernel.run("import dfbackup_jupyter.ui.progress as progress\nprogress.DELAY = 0")
    outcome = kernel.run("%backup create one")
    assert outcome.status == "ok"
    assert [shown["text/plain"][:10] for shown in outcome.displays] == ["Backing up"]
    assert outcome.stderr == ""
