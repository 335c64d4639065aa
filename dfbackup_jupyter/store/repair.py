"""Takes damaged files out of the store, and keeps all in them that is sound."""

from __future__ import annotations

import contextlib
import secrets

from dfbackup_jupyter.errors import DamagedData
from dfbackup_jupyter.store.filesystem import Filesystem
from dfbackup_jupyter.store.manifests import Manifests
from dfbackup_jupyter.store.packs import MERGED, Packs
from dfbackup_jupyter.store.writer import PackFile

DAMAGED = "damaged"
"""The folder that damaged files are moved to; nothing reads them there."""


def repair(fs: Filesystem, packs: Packs, catalog: Manifests) -> None:
    """Replace damaged packs, and set unreadable manifests aside.

    A pack that takes over from a damaged one has what is sound in it, and of the rest what another
    pack has a sound copy of. To be called after a verification, which tells what is damaged.
    """
    fs.make_folders()
    for pack in sorted(packs.damaged() & packs.present()):
        _replace(fs, packs, pack)
    for id, found in catalog.look():
        if isinstance(found, DamagedData):
            _set_aside(fs, "manifests", f"{id}.json")
    packs.forget()


def _replace(fs: Filesystem, packs: Packs, pack: str) -> None:
    index = packs.index(pack)
    located = packs.locate([pack])
    file = PackFile(fs, MERGED + secrets.token_hex(16), {pack} | index.replaces)
    try:
        for name in sorted(index.entries, key=lambda name: index.entries[name].offset):
            with contextlib.suppress(DamagedData):
                file.add(located.chunk(name))
        file.finish()
        file.publish()
    except BaseException:
        file.discard()
        raise
    _set_aside(fs, "packs", f"{pack}.pack")


def _set_aside(fs: Filesystem, folder: str, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # another kernel was faster
        fs.move(folder, name, DAMAGED, f"{secrets.token_hex(4)}.{name}")
