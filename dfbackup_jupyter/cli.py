"""The command ``dfbackup-jupyter``: whether kernels are protected by themselves."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from IPython.core.application import ENV_CONFIG_DIRS, SYSTEM_CONFIG_DIRS
from IPython.paths import get_ipython_dir
from jupyter_core.paths import (
    ENV_CONFIG_PATH,
    jupyter_config_dir,
    prefer_environment_over_user,
)

from dfbackup_jupyter import __version__
from dfbackup_jupyter.autoload import SETTING, choice
from dfbackup_jupyter.config import DFBackup
from dfbackup_jupyter.errors import BackupError, InvalidRequest

STARTUP_FILE = "50-dfbackup-jupyter.py"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except BackupError as error:
        print(f"dfbackup-jupyter: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dfbackup-jupyter",
        description="Whether the DataFrames in your notebooks are protected by themselves.",
        epilog="Everything else is done in a notebook: %backup",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, summary in (
        (enable, "protect every kernel from its start"),
        (disable, "leave kernels alone unless they ask with %%load_ext dfbackup_jupyter"),
    ):
        command = commands.add_parser(run.__name__, help=summary, description=summary)
        command.add_argument(
            "--user",
            action="store_true",
            help="decide for all of this user's environments, not for this one",
        )
        command.set_defaults(run=run)
    command = commands.add_parser("status", help="say what is the case and why")
    command.set_defaults(run=status)
    return parser


def enable(options: argparse.Namespace) -> None:
    """Let kernels load us, and put the start-up file where IPython looks if it is not there."""
    if _startup_file() is None:
        # What `pip install --user` puts below the user's base folder, IPython does not see.
        text = files("dfbackup_jupyter").joinpath("kernel_startup.py").read_text("utf-8")
        _write(_startup_folders()[0] / STARTUP_FILE, text)
    _decide(options.user, on=True)


def disable(options: argparse.Namespace) -> None:
    """Keep kernels from loading us by themselves."""
    _decide(options.user, on=False)


def status(_: argparse.Namespace) -> None:
    """Print the version, whether new kernels load us and why, and where backups are."""
    file, decided = _startup_file(), choice()
    verdict = f"{'yes' if decided.on else 'no'} ({decided.source})"
    if file is None:
        verdict = "no (the start-up file is missing; run: dfbackup-jupyter enable)"
    print(f"dfbackup-jupyter {__version__} in {sys.prefix}")
    print(f"New kernels load it: {verdict}")
    print(f"Start-up file:       {file or 'none'}")
    print(f"Store:               {DFBackup().store}")


def _decide(user: bool, *, on: bool) -> None:
    # As in Jupyter itself: a virtual environment has settings of its own, else they are the user's.
    own = prefer_environment_over_user() and not user
    file = Path(ENV_CONFIG_PATH[0] if own else jupyter_config_dir(), SETTING)
    _write(file, json.dumps({"autoload": on}) + "\n")
    decided = choice()
    if decided.on != on:
        raise InvalidRequest(
            f"{file} is written, but {decided.source} comes first and still says "
            f"{'on' if decided.on else 'off'}.",
            "Change that one.",
        )
    print(f"New kernels {'load' if on else 'do not load'} dfbackup-jupyter ({decided.source}).")
    print("Kernels that run now stay as they are until they restart.")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    except OSError as error:
        raise InvalidRequest(
            f"{file} cannot be written: {error.strerror}.",
            "Use --user, or ask who looks after this environment.",
        ) from error


def _startup_folders() -> list[Path]:
    """Where IPython looks, the user's own profile first."""
    profile = str(Path(get_ipython_dir(), "profile_default"))
    return [Path(folder, "startup") for folder in (profile, *ENV_CONFIG_DIRS, *SYSTEM_CONFIG_DIRS)]


def _startup_file() -> Path | None:
    paths = (folder / STARTUP_FILE for folder in _startup_folders())
    return next((path for path in paths if path.is_file()), None)
