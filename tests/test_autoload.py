"""Kernels protect frames by themselves, and never pay or fail for it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

import dfbackup_jupyter
from dfbackup_jupyter import autoload, cli
from tests.kernels import Kernel

PACKAGE = Path(dfbackup_jupyter.__file__).parent

BROKEN = "raise RuntimeError('broken on purpose')\n"

# IPython itself, ipykernel and traitlets are there anyway.
HEAVY = (
    "sorted({'pandas', 'numpy', 'pyarrow', 'ipywidgets', 'blake3'} & {*__import__('sys').modules})"
)

STAND_IN = """
def load_ipython_extension(ipython):
    ipython.register_magic_function(lambda line, cell=None: ('magic', line, cell),
                                    'line_cell', 'backup')
"""


@pytest.fixture
def installed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settle what kernels of this home run at their start: our file, from the profile."""
    # The environment of the tests may have us installed, with a choice of its own.
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    file = home / ".ipython" / "profile_default" / "startup" / cli.STARTUP_FILE
    file.parent.mkdir(parents=True)
    shutil.copy(PACKAGE / "kernel_startup.py", file)
    return file


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with our autoload and next to nothing else, for kernels to import as ours."""
    package = tmp_path / "elsewhere" / "dfbackup_jupyter"
    package.mkdir(parents=True)
    for module in ("autoload.py", "targets.py"):
        shutil.copy(PACKAGE / module, package)
    (package / "__init__.py").write_text(STAND_IN)
    (package.parent / "pandas.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    return package


def loaded(kernel: Kernel) -> bool:
    return kernel.value("'dfbackup_jupyter' in get_ipython().extension_manager.loaded")


def hooks(kernel: Kernel) -> int:
    """How many of our hooks wait for pandas."""
    return kernel.value(
        "sum(type(call).__module__ == 'dfbackup_jupyter.autoload'"
        " for calls in get_ipython().events.callbacks.values() for call in calls)"
    )


def test_importing_the_package_and_autoload_imports_nothing_heavy() -> None:
    code = (
        "import sys, dfbackup_jupyter, dfbackup_jupyter.autoload;"
        "print(*{'pandas', 'numpy', 'pyarrow', 'IPython', 'ipywidgets', 'blake3'} & {*sys.modules})"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "\n"


def test_public_names_are_found_lazily() -> None:
    assert set(dfbackup_jupyter.__all__) <= set(dir(dfbackup_jupyter))
    for name in dfbackup_jupyter.__all__:
        assert getattr(dfbackup_jupyter, name).__class__ is not type(None)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = dfbackup_jupyter.nonsense


def test_a_kernel_loads_us_once_pandas_is_imported(
    installed: Path, start_kernel: Callable[..., Kernel]
) -> None:
    kernel = start_kernel(load=False)
    assert kernel.value(HEAVY) == []
    assert kernel.run("1 + 1").text == "2"
    assert not loaded(kernel)
    outcome = kernel.run("import pandas as pd")
    assert outcome.shown == ""
    assert loaded(kernel)
    assert hooks(kernel) == 0


def test_it_leaves_the_namespace_as_it_is(
    installed: Path, start_kernel: Callable[..., Kernel]
) -> None:
    names = "sorted(get_ipython().user_ns)"
    hidden = "sorted(get_ipython().user_ns_hidden)"
    ours = start_kernel(load=False)
    plain = start_kernel(load=False, DFBACKUP_AUTOLOAD="0")
    assert ours.value(names) == plain.value(names)
    assert ours.value(hidden) == plain.value(hidden)
    assert ours.value("__doc__") == plain.value("__doc__")
    assert hooks(ours) == 2
    assert hooks(plain) == 0


@pytest.mark.parametrize("value", ["0", "false", "off", "No"])
def test_the_environment_variable_turns_it_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFBACKUP_AUTOLOAD", value)
    assert autoload.choice() == autoload.Choice(False, f"DFBACKUP_AUTOLOAD={value}")
    monkeypatch.setenv("DFBACKUP_AUTOLOAD", "1")
    assert autoload.choice().on


def test_disable_and_enable_hold_for_new_kernels(
    installed: Path, start_kernel: Callable[..., Kernel], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["disable"]) == 0
    assert "do not load" in capsys.readouterr().out
    assert hooks(start_kernel(load=False)) == 0
    assert cli.main(["enable"]) == 0
    assert hooks(start_kernel(load=False)) == 2


def test_the_variable_beats_the_setting(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DFBACKUP_AUTOLOAD", "0")
    assert cli.main(["enable"]) == 1
    assert "DFBACKUP_AUTOLOAD=0 comes first and still says off" in capsys.readouterr().err


def test_an_environment_has_a_choice_of_its_own(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = str(tmp_path / "prefix" / "etc" / "jupyter")
    monkeypatch.setattr("jupyter_core.paths.ENV_CONFIG_PATH", [environment])
    monkeypatch.setattr(cli, "ENV_CONFIG_PATH", [environment])
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    assert cli.main(["disable", "--user"]) == 0
    assert not autoload.choice().on
    assert cli.main(["enable"]) == 0
    assert autoload.choice() == autoload.Choice(True, f"{environment}/{autoload.SETTING}")


def test_enable_puts_a_missing_startup_file_into_the_profile(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.unlink()
    monkeypatch.setattr(cli, "ENV_CONFIG_DIRS", [])
    monkeypatch.setattr(cli, "SYSTEM_CONFIG_DIRS", [])
    assert cli.main(["status"]) == 0
    assert "no (the start-up file is missing; run: dfbackup-jupyter enable)" in (
        capsys.readouterr().out
    )
    assert cli.main(["enable"]) == 0
    assert installed.read_text() == (PACKAGE / "kernel_startup.py").read_text()


def test_status_says_what_is_the_case(
    installed: Path, store_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"dfbackup-jupyter {dfbackup_jupyter.__version__} in ")
    assert lines[1:] == [
        "New kernels load it: yes (default)",
        f"Start-up file:       {installed}",
        f"Store:               {store_path}",
    ]


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(
    installed: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".jupyter").write_text("a file where a folder should be")
    assert cli.main(["disable"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("dfbackup-jupyter: ")
    assert "cannot be written" in error
    assert "Traceback" not in error


def test_a_setting_that_makes_no_sense_is_said_and_ignored(
    installed: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".jupyter").mkdir()
    for text in ("not json", "[]", "{}"):
        (home / ".jupyter" / autoload.SETTING).write_text(text)
        assert autoload.choice() == autoload.Choice(True, "default")
        assert "cannot be used and is ignored" in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["__init__.py", "autoload.py"])
def test_a_broken_package_never_stops_a_kernel(
    broken: str, installed: Path, stand_in: Path, start_kernel: Callable[..., Kernel]
) -> None:
    (stand_in / broken).write_text(BROKEN)
    kernel = start_kernel(load=False)
    assert kernel.run("1 + 1").text == "2"
    assert "your data is not being backed up" in kernel.log.read_text()


def test_an_uninstalled_package_is_silent(
    installed: Path, start_kernel: Callable[..., Kernel]
) -> None:
    hide = installed.with_name("00-hide.py")
    hide.write_text("__import__('sys').modules['dfbackup_jupyter'] = None\n")
    kernel = start_kernel(load=False)
    assert kernel.run("1 + 1").text == "2"
    assert "dfbackup" not in kernel.log.read_text()


def test_loading_that_fails_says_so_once_and_the_cells_run(
    installed: Path, stand_in: Path, start_kernel: Callable[..., Kernel]
) -> None:
    (stand_in / "__init__.py").write_text(f"def load_ipython_extension(ipython):\n    {BROKEN}")
    kernel = start_kernel(load=False)
    outcome = kernel.run("import pandas\n'result'")
    assert outcome.status == "ok"
    assert outcome.text == "'result'"
    assert outcome.stderr.count("dfbackup: your data is not being backed up. RuntimeError(") == 1
    assert "Traceback" not in outcome.shown
    assert kernel.run("2").stderr == ""
    assert hooks(kernel) == 0


def test_the_magic_loads_us_before_pandas_is_there(
    installed: Path, stand_in: Path, start_kernel: Callable[..., Kernel]
) -> None:
    for cell, result in (
        ("%backup list --all", "('magic', 'list --all', None)"),
        ("%%backup name\ndel df", "('magic', 'name', 'del df\\n')"),
    ):
        kernel = start_kernel(load=False)
        assert kernel.run(cell).text == result
        assert loaded(kernel)
        kernel.run("pass")
        assert hooks(kernel) == 0


def test_frames_made_before_the_first_cell_are_seen_by_it(
    installed: Path, stand_in: Path, start_kernel: Callable[..., Kernel]
) -> None:
    installed.with_name("60-mine.py").write_text("import pandas\n")
    (stand_in / "__init__.py").write_text(
        "seen = []\n"
        "def load_ipython_extension(ipython):\n"
        "    ipython.events.register('pre_run_cell', lambda info: seen.append(info.raw_cell))\n"
    )
    kernel = start_kernel(load=False)
    kernel.run("del frame")
    assert kernel.value("__import__('dfbackup_jupyter').seen") == ["del frame"]


def test_unloading_lasts(
    installed: Path, stand_in: Path, start_kernel: Callable[..., Kernel]
) -> None:
    (stand_in / "__init__.py").write_text(
        "def load_ipython_extension(ipython): pass\ndef unload_ipython_extension(ipython): pass\n"
    )
    kernel = start_kernel(load=False)
    kernel.run("import pandas")
    assert loaded(kernel)
    kernel.run("%unload_ext dfbackup_jupyter")
    kernel.run("import pandas")
    assert not loaded(kernel)


def test_attaching_twice_is_the_same_as_once(bare_shell: InteractiveShell) -> None:
    autoload.attach(bare_shell)
    before = {event: list(calls) for event, calls in bare_shell.events.callbacks.items()}
    autoload.attach(bare_shell)
    assert bare_shell.events.callbacks == before


def test_a_terminal_shell_is_left_alone(bare_shell: InteractiveShell) -> None:
    before = {event: list(calls) for event, calls in bare_shell.events.callbacks.items()}
    autoload.start(bare_shell)
    assert bare_shell.events.callbacks == before


def test_ipython_in_a_terminal_is_left_alone(installed: Path) -> None:
    code = "print('dfbackup' in str(get_ipython().events.callbacks))"
    out = subprocess.check_output(
        [sys.executable, "-m", "IPython", "--no-banner", "-c", code], text=True, env=os.environ
    )
    assert out == "False\n"


def test_the_setting_file_is_plain_json(installed: Path, home: Path) -> None:
    cli.main(["disable"])
    assert json.loads((home / ".jupyter" / autoload.SETTING).read_text()) == {"autoload": False}
