"""Backups for other software: a ``.zip`` of Parquet files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from dfbackup_jupyter.backup import Backup
from dfbackup_jupyter.errors import InvalidRequest, StoreUnavailable
from dfbackup_jupyter.loading import Loader
from dfbackup_jupyter.placing import plain_name
from dfbackup_jupyter.staging import Tick


def new_file(file: str | Path) -> Path:
    """Return the whole path of a file that is to be written.

    Raises
    ------
    InvalidRequest
        It exists: it may be somebody's data.
    """
    path = Path(file).expanduser().absolute()
    if path.exists():
        raise InvalidRequest(
            f"The file {path} exists already, and is left as it is.",
            "Give another name, or delete it first.",
        )
    return path


def write_parquet(backup: Backup, loader: Loader, file: Path, *, tick: Tick) -> None:
    """Write each frame of a backup as Parquet, beside a ``backup.json`` that describes them.

    Parquet does not hold everything that pandas has: the native format does.

    Raises
    ------
    InvalidRequest
        A frame cannot be written as Parquet.
    StoreUnavailable
        The file cannot be written.
    """
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("backup.json", json.dumps(backup.to_dict(), indent=2))
            taken: set[str] = set()
            for info in backup.frames:
                frame = loader.frame(backup, info, tick).frame
                archive.writestr(_member(info.name, taken), _parquet(info.name, frame))
        unfinished.rename(file)
    except OSError as error:
        raise StoreUnavailable(
            f"{file} could not be written: {error.strerror}.", "Choose another folder or disk."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _member(name: str, taken: set[str]) -> str:
    stem = plain_name(name)
    while stem in taken:
        stem += "_"
    taken.add(stem)
    return f"{stem}.parquet"


def _parquet(name: str, frame: Any) -> bytes:
    table = frame.to_frame() if isinstance(frame, pd.Series) else frame
    buffer = io.BytesIO()
    try:
        table.to_parquet(buffer, compression="zstd")
    except Exception as error:
        why = ". ".join(str(part).rstrip(".") for part in reversed(error.args))
        raise InvalidRequest(
            f"{name} cannot be written as Parquet, and no file was made. {why}.",
            "Without --format parquet, the export holds everything exactly, and can be imported.",
        ) from error
    return buffer.getvalue()
