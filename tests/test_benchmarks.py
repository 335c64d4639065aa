"""The benchmark runs, and measures what it says. Its figures are not for tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parents[1] / "benchmarks" / "run.py"


def test_it_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(RUN), "--megabytes", "1", "--frames", "3", "--think", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    for line in (
        "14 cells on a frame of 1 MB (6,250 × 20)",
        "before a cell, 3 frames",
        "undo at once, median, worst",
        "peak memory",
    ):
        assert line in done.stdout
    measured = {
        fields[0]: fields[1:]
        for fields in (re.split(r"\s{2,}", line) for line in done.stdout.splitlines())
    }
    assert len(measured["dropna"]) == len(measured["insert in place"]) == 5
    assert len(measured["look"]) == 4, "it changes nothing, so there is nothing to undo"
