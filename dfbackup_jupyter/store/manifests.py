"""The truth about what is stored: one create-only JSON file per backup."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from dfbackup_jupyter.errors import (
    BackupError,
    BackupNotFound,
    DamagedData,
    InvalidRequest,
    StoreError,
    StoreTooNew,
)
from dfbackup_jupyter.store.codecs import digest
from dfbackup_jupyter.store.filesystem import AlreadyExists, Filesystem
from dfbackup_jupyter.store.objects import canonical

FORMAT = 1
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,199}", re.ASCII)
_SUFFIX = ".json"

Manifest = dict[str, Any]


class Version(NamedTuple):
    """What tells the content of a manifest's file from any other that it had or will have."""

    changed: int
    size: int
    inode: int


class Manifests:
    """Reads and writes manifests; may be shared by threads."""

    def __init__(self, fs: Filesystem) -> None:
        self._fs = fs
        self._lock = threading.Lock()
        self._cache: dict[str, tuple[Version, Manifest | BackupError]] = {}

    def publish(self, manifest: Manifest) -> None:
        id = check_id(manifest.get("id"))
        if not valid_objects(manifest.get("objects")):
            raise InvalidRequest(f"The manifest of {id} does not name its objects properly.")
        try:
            self._fs.create("manifests", id + _SUFFIX, seal(manifest))
        except AlreadyExists:
            raise AlreadyExists(
                f"There is already a backup with the ID {id}.", "Choose another name."
            ) from None

    def amend(self, manifest: Manifest) -> None:
        """Replace the description in a live manifest; its objects must be the same."""
        if self.get(manifest["id"])["objects"] != manifest["objects"]:
            raise InvalidRequest(f"What the backup {manifest['id']} holds cannot be changed.")
        self._fs.replace("manifests", manifest["id"] + _SUFFIX, seal(manifest))

    def ids(self) -> list[str]:
        """IDs of live backups, oldest first."""
        names = self._fs.names("manifests")
        ids = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]
        return sorted(ids, key=age_key)

    def versions(self) -> dict[str, Version]:
        """Every live manifest's ID, and the version that its file has now."""
        return {
            name[: -len(_SUFFIX)]: Version(status.st_mtime_ns, status.st_size, status.st_ino)
            for name, status in self._fs.stats("manifests").items()
            if name.endswith(_SUFFIX)
        }

    def get(self, id: str) -> Manifest:
        """Read one live manifest from the disk."""
        try:
            return self._read("manifests", check_id(id))
        except FileNotFoundError:
            raise not_found(id) from None

    def all(self) -> list[Manifest]:
        """All readable live manifests, oldest first; they are shared: do not change them."""
        return [found for _, found in self.look() if isinstance(found, dict)]

    def look(self) -> Iterator[tuple[str, Manifest | BackupError]]:
        """ID of every live manifest, oldest first, with its content or why it has none."""
        versions = self.versions()
        with self._lock:
            known = self._cache
            self._cache = {}
            for id, version in versions.items():
                cached = known.get(id)
                if cached is None or cached[0] != version:
                    try:
                        cached = version, self._read("manifests", id)
                    except FileNotFoundError:
                        continue
                    except (DamagedData, StoreTooNew, InvalidRequest) as error:
                        cached = version, error
                self._cache[id] = cached
            found = dict(self._cache)
        return iter(sorted(((id, entry[1]) for id, entry in found.items()), key=_by_age))

    def trashed(self) -> Iterator[tuple[str, Manifest | BackupError]]:
        """Like `look`, for the deleted ones that are still kept."""
        for name in self._fs.names("trash"):
            id = name.removesuffix(_SUFFIX)
            try:
                yield id, self._read("trash", id)
            except FileNotFoundError:
                continue
            except (DamagedData, StoreTooNew, InvalidRequest) as error:
                yield id, error

    def delete(self, id: str, *, by: str) -> None:
        name = check_id(id) + _SUFFIX
        try:
            manifest = self._read("manifests", id)
        except FileNotFoundError:
            raise not_found(id) from None
        except StoreError:
            manifest = {}  # what cannot be read can still be deleted
        details = manifest.get("backup", manifest)
        record = {
            "id": id,
            "name": details.get("name"),
            "kind": details.get("kind"),
            "when": datetime.now().astimezone().isoformat(),
            "by": by,
        }
        # The record comes first; as long as the manifest is live it says nothing.
        self._fs.create("deletions", f"{id}.{secrets.token_hex(8)}{_SUFFIX}", canonical(record))
        try:
            self._fs.touch("manifests", name)  # in the trash, age counts from now
            self._fs.move("manifests", name, "trash", name)
        except FileNotFoundError:
            raise not_found(id) from None

    def deletions(self) -> list[dict[str, Any]]:
        """Records of what was deleted, oldest first."""
        live = set(self.ids())
        records = {}
        for name, status in self._fs.stats("deletions").items():
            with contextlib.suppress(ValueError, KeyError, TypeError, FileNotFoundError):
                record = json.loads(self._fs.read("deletions", name))
                if record["id"] not in live:
                    # The storage's time may be coarse; within it, local time decides.
                    records[record["id"]] = (status.st_mtime_ns, record["when"]), record
        return [record for _, record in sorted(records.values(), key=lambda found: found[0])]

    def discard(self, id: str) -> None:
        """Remove a manifest for good, without a record; nothing happens when it is gone."""
        self._fs.remove("manifests", check_id(id) + _SUFFIX)

    def _read(self, folder: str, id: str) -> Manifest:
        data = self._fs.read(folder, check_id(id) + _SUFFIX)
        manifest = unseal(data, f"The description of backup {id}")
        if manifest.get("id") != id:
            raise DamagedData(f"The description of backup {id} is that of another backup.")
        return manifest


def seal(manifest: Manifest) -> bytes:
    """Encode a manifest with its format version and checksum."""
    envelope = {"format": FORMAT, "manifest": manifest}
    check = digest(canonical(envelope)).hex()
    text = json.dumps(envelope | {"checksum": check}, indent=1, allow_nan=False)
    return text.encode("ascii")


def unseal(data: bytes, what: str) -> Manifest:
    """Decode and check a manifest; `what` begins the sentence when it is damaged."""
    damaged = DamagedData(f"{what} is damaged.", "Run %backup verify to see what is affected.")
    try:
        envelope = json.loads(data)
        check = envelope.pop("checksum")
        if digest(canonical(envelope)).hex() != check:
            raise damaged
        format, manifest = envelope["format"], envelope["manifest"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged from error
    if type(format) is not int or format > FORMAT:
        raise StoreTooNew(
            f"{what} was written by a newer version of dfbackup-jupyter.",
            "Upgrade with: pip install --upgrade dfbackup-jupyter",
        )
    if not isinstance(manifest, dict) or not valid_objects(manifest.get("objects")):
        raise damaged
    return manifest


def valid_objects(objects: object) -> bool:
    """Whether this is ``{object hash: [pack IDs]}``."""
    return isinstance(objects, dict) and all(
        re.fullmatch("[0-9a-f]{64}", hash)
        and isinstance(packs, list)
        and all(isinstance(pack, str) and re.fullmatch("[0-9a-z]{1,64}", pack) for pack in packs)
        for hash, packs in objects.items()
    )


def check_id(id: object) -> str:
    """Refuse what cannot safely be a file name."""
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise InvalidRequest(
            f"{str(id)[:60]!r} is not a backup ID.", "See the IDs with %backup list."
        )
    return id


def not_found(id: str) -> BackupNotFound:
    """Say that no live manifest has this ID."""
    return BackupNotFound(f"There is no backup {id}.", "See the backups with %backup list --all.")


def age_key(id: str) -> tuple[str, str]:
    """Sort key: IDs carry the local time after their kind."""
    kind, _, rest = id.partition("_")
    return rest, kind


def _by_age(found: tuple[str, object]) -> tuple[str, str]:
    return age_key(found[0])
