"""The benchmark runs, and measures what it says. Its figures are not for tests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parents[1] / "benchmarks" / "run.py"
OPTIONS = "--only protection --megabytes 1 --frames 3 --think 0".split()


def test_it_runs(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = subprocess.run(
        [sys.executable, str(RUN), *OPTIONS, "--page", str(page)],
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
        "all cells together, new memory",
        "peak memory, 3 frames",
    ):
        assert line in done.stdout and line in page.read_text("utf-8")
    measured = {
        fields[0]: fields[1:]
        for fields in (re.split(r"\s{2,}", line) for line in done.stdout.splitlines())
    }
    assert len(measured["dropna"]) == len(measured["insert in place"]) == 5
    assert len(measured["look"]) == 4, "it changes nothing, so there is nothing to undo"
    overwritten = float(measured["peak memory"][-1].split("overwritten ")[1].split()[0])
    assert 0.5 < overwritten < 10, "a few columns, and the frame when it was sorted"


STORE = """
import json
import edits, restoring

print(json.dumps([vars(table) for table in (*edits.tables(4), *restoring.tables(4, 2))]))
"""


def test_edits_and_restoring_are_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORE], cwd=RUN.parent, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    edits, restoring = json.loads(done.stdout)
    share = {title: float(part.rstrip("%")) for title, _, part, _ in edits["rows"][1:]}
    assert share["rename a column"] < share["one cell"] < 30
    assert len(share) == 11
    assert [row[0] for row in restoring["rows"][1:]] == [
        "random doubles (25,000 rows)",
        "2 frames of random doubles",
        "columns of every kind (17,937 rows)",
    ]
    assert all(
        re.fullmatch(r"[\d,.]+( m?s| MB/s|%)", cell)
        for row in restoring["rows"][1:]
        for cell in row[1:]
    )


GROWTH = """
import json, sys
from pathlib import Path
import growth

growth._PAUSE, growth._CELLS, growth._STARTS = 0, 2, 1
series = growth.measure(frames=[1, 20], columns=[30], rows=[40], backups=[150])
growth.plot(series, Path(sys.argv[1]))
print(json.dumps([vars(table) for table in growth.tables(series, [150])]))
"""


def test_growth_is_measured(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, str(tmp_path / "growth.svg")],
        cwd=RUN.parent,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    frames, columns, rows, backups, looking, starting = json.loads(done.stdout)
    for table, counts in (
        (frames, ["1", "20"]),
        (columns, ["30"]),
        (rows, ["40"]),
        (backups, ["150"]),
        (looking, ["150"]),
    ):
        assert [first for first, *_ in table["rows"]][1:] == counts
        assert all(
            re.fullmatch(r"[\d.,]+ m?s", cell) for row in table["rows"][1:] for cell in row[1:]
        )
    assert len(starting["rows"]) == 4
    picture = (tmp_path / "growth.svg").read_text("utf-8")
    assert all(f">{name}<" in picture for name in ("frames", "columns", "rows", "backups"))


SIDE_BY_SIDE = """
import json
import limits
import peers
from formats import FORMATS

FORMATS["unheard of"] = FORMATS["joblib"].__class__(print, print, "not_installed_here")
print(json.dumps([vars(table) for table in (*limits.tables(10**6), *peers.tables(1))]))
"""


def test_peers_are_measured_side_by_side() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIDE_BY_SIDE],
        cwd=RUN.parent,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    limits, *formats, states, mixed_states = json.loads(done.stdout)
    assert {"memcpy", "disk, write and fsync"} <= {first for first, *_ in limits["rows"]}
    for table, frame in zip(formats, ("6,250 rows", "4,484 rows"), strict=True):
        assert frame in table["title"]
        assert {
            "dfbackup",
            "to_pickle, gzip (.pkl.gz)",
            "to_parquet, zstd",
            "to_feather, lz4",
            "%store",
        } <= {first for first, *_ in table["rows"]}
        assert "unheard of (not installed)" in table["note"], "left out, and it says so"
    for table in (states, mixed_states):
        sizes = {first: float(size.split()[0]) for first, _, _, size, _ in table["rows"][1:]}
        assert sizes["dfbackup"] < sizes["to_parquet, zstd"], "each content is kept once"
