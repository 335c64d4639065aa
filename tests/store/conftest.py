from __future__ import annotations

from pathlib import Path

import pytest

from dfbackup_jupyter.store import Store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> Store:
    """A store whose chunks and packs are small, so that little data makes many of them."""
    return Store(root, chunk_bytes=1024, pack_bytes=64 * 1024).open()
