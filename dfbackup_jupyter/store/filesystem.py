"""Every system call of a store: durable, create-only, private to the user.

Files appear whole or not at all: written under a temporary name, fsynced, published by `link`
(`rename` where links are not supported), and then the folder is fsynced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dfbackup_jupyter.errors import StoreError, StoreUnavailable

FOLDERS = ("packs", "aside", "manifests", "trash", "deletions", "damaged", "tmp")

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

_SENTENCES = {
    errno.ENOSPC: (
        "The disk that holds the backups is full: {place}.",
        "Free some space, or delete old backups with %backup delete, and try again.",
    ),
    errno.EDQUOT: (
        "Your disk quota is used up, so nothing more can be backed up in {place}.",
        "Free some space, or delete old backups with %backup delete, and try again.",
    ),
    errno.EROFS: (
        "The backups lie on a read-only disk: {place}.",
        "Make it writable, or choose another folder with DFBACKUP_STORE.",
    ),
    errno.EIO: (
        "The disk that holds the backups reports an error: {place}.",
        "Check the disk, or choose another folder with DFBACKUP_STORE.",
    ),
}
_FORBIDDEN = (
    "You are not allowed to use the folder that holds the backups: {place}.",
    "Check its owner and permissions, or choose another folder with DFBACKUP_STORE.",
)
_TOO_MANY = (
    "Too many files are open in this process, so the backups in {place} cannot be reached.",
    "Close some files (or raise `ulimit -n`) and try again.",
)
_UNUSABLE = (
    "The folder that holds the backups cannot be used: {place} ({why}).",
    "Check that it exists and is reachable, or choose another one with DFBACKUP_STORE.",
)
_SENTENCES |= {errno.EACCES: _FORBIDDEN, errno.EPERM: _FORBIDDEN}
_SENTENCES |= {errno.EMFILE: _TOO_MANY, errno.ENFILE: _TOO_MANY}


class AlreadyExists(StoreError):
    """The name is taken; nothing was written."""


def unavailable(error: OSError, place: str | Path) -> StoreUnavailable:
    """Say in one sentence, with a next step, why the disk refused at a place."""
    sentence, hint = _SENTENCES.get(error.errno or 0, _UNUSABLE)
    why = error.strerror or error
    return StoreUnavailable(sentence.format(place=place, why=why), hint)


@contextlib.contextmanager
def explained(place: str | Path) -> Iterator[None]:
    """Turn an `OSError` into `StoreUnavailable`; missing files stay `FileNotFoundError`."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unavailable(error, place) from error


class Reader:
    """An open file, read by position; several threads may share it.

    Parameters
    ----------
    path : str or Path
        The file.
    place : str or Path, optional
        What an error names: the store, or else the file.
    """

    def __init__(self, path: str | Path, place: str | Path = "") -> None:
        self._path = path
        self._place = place or path
        self._fd = os.open(path, os.O_RDONLY | _FLAGS)
        try:
            self.size = os.fstat(self._fd).st_size
        except BaseException:
            self.close()
            raise

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; fewer only at the end of the file."""
        if sys.platform == "win32":
            with explained(self._place), open(self._path, "rb") as file:
                file.seek(offset)
                return file.read(size)
        with explained(self._place):
            data = os.pread(self._fd, size, offset)
            while len(data) < size and (
                more := os.pread(self._fd, size - len(data), offset + len(data))
            ):
                data += more
        return data

    def close(self) -> None:
        with contextlib.suppress(OSError):  # all that was wanted has been read
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class TemporaryFile:
    """A private file that nobody sees until it is published; errors name `place`, the store."""

    def __init__(self, path: str, place: str | Path) -> None:
        self.path = path
        self._place = place
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        try:
            if sys.platform != "win32":
                os.fchmod(self._fd, 0o600)
        except BaseException:
            self.discard()
            raise

    def write(self, data: bytes | memoryview) -> None:
        with explained(self._place):
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]

    def changed(self) -> float:
        """Return when the storage saw it change, in seconds, even if others have cleaned it up."""
        return os.fstat(self._fd).st_mtime

    def finish(self, *, durable: bool = True) -> None:
        """Bring the content to the disk and close the file."""
        with explained(self._place):
            if durable:
                os.fsync(self._fd)
            fd, self._fd = self._fd, -1
            os.close(fd)

    def discard(self) -> None:
        """Remove the file; never raises, because it runs while another error is on its way."""
        with contextlib.suppress(OSError):
            if self._fd >= 0:
                fd, self._fd = self._fd, -1
                os.close(fd)
        with contextlib.suppress(OSError):
            os.unlink(self.path)


class Filesystem:
    """The folders of one store.

    Parameters
    ----------
    root : Path
        The store's folder; made, with mode 0700, when it is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._root = str(root)

    def prepare(self) -> None:
        """Make the store's folder if it is missing, and refuse one that is not safely ours."""
        with explained(self._root):
            if not os.path.lexists(self.root):
                try:
                    os.makedirs(self.root.parent, exist_ok=True)
                except FileNotFoundError as error:  # a place where no folder can be
                    raise unavailable(error, self._root) from error
                _make_private(self.root)
            found = os.lstat(self.root)
            if not stat.S_ISDIR(found.st_mode):
                raise StoreUnavailable(
                    f"The store {self.root} is a link or a file, not a folder of its own.",
                    "Choose a real folder with DFBACKUP_STORE.",
                )
            if sys.platform != "win32" and found.st_uid != os.geteuid():
                raise StoreUnavailable(
                    f"The store {self.root} belongs to another user.",
                    "Choose a folder of your own with DFBACKUP_STORE.",
                )

    def tighten(self) -> None:
        """Keep other users out, should someone have let them in."""
        if sys.platform != "win32":
            with explained(self._root):
                if stat.S_IMODE(os.lstat(self.root).st_mode) & 0o077:
                    os.chmod(self.root, 0o700)

    def make_folders(self) -> None:
        with explained(self._root):
            for folder in FOLDERS:
                _make_private(self.root / folder)
            sync_folder(self._root)

    def path(self, folder: str, name: str) -> str:
        return os.path.join(self._root, folder, name)

    def temporary(self) -> TemporaryFile:
        """Open a new file in ``tmp/``, making the folders again should they have vanished."""
        path = self.path("tmp", f"{secrets.token_hex(16)}.tmp")
        with explained(self._root):
            try:
                return TemporaryFile(path, self._root)
            except FileNotFoundError:
                self.prepare()
                self.make_folders()
                return TemporaryFile(path, self._root)

    def publish(self, temporary: TemporaryFile, folder: str, name: str) -> None:
        """Give a finished temporary file its name for good.

        Raises
        ------
        AlreadyExists
            The name is taken.
        """
        target = self.path(folder, name)
        with explained(self._root):
            try:
                os.link(temporary.path, target)
            except FileExistsError:
                # A network file system may report this although the link is ours.
                if not os.path.samestat(os.lstat(temporary.path), os.lstat(target)):
                    raise AlreadyExists(f"{name} exists already.") from None
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if os.path.lexists(target):
                    raise AlreadyExists(f"{name} exists already.") from None
                os.rename(temporary.path, target)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary.path)
            sync_folder(self.path(folder, ""))

    def create(self, folder: str, name: str, data: bytes) -> None:
        """Write a whole small file, durably; `AlreadyExists` when the name is taken."""
        self._write(data, lambda temporary: self.publish(temporary, folder, name))

    def replace(self, folder: str, name: str, data: bytes, *, durable: bool = True) -> None:
        """Give a small file other content: whoever reads sees the old or the new.

        Parameters
        ----------
        durable : bool
            Whether to wait until the disk has it; without, a crash may leave any content at all.
        """

        def place(temporary: TemporaryFile) -> None:
            with explained(self._root):
                os.replace(temporary.path, self.path(folder, name))
                if durable:
                    sync_folder(self.path(folder, ""))

        self._write(data, place, durable=durable)

    def _write(
        self, data: bytes, place: Callable[[TemporaryFile], None], *, durable: bool = True
    ) -> None:
        for attempt in range(2):
            temporary = self.temporary()
            try:
                temporary.write(data)
                temporary.finish(durable=durable)
                place(temporary)
                return
            except FileNotFoundError as error:
                # Another process took it for forgotten, or a folder was removed under us.
                if attempt:
                    raise unavailable(error, self._root) from error
            finally:
                temporary.discard()

    def reader(self, folder: str, name: str) -> Reader:
        with explained(self._root):
            return Reader(self.path(folder, name), self._root)

    def read(self, folder: str, name: str) -> bytes:
        with self.reader(folder, name) as reader:
            return reader.read_at(0, reader.size)

    def exists(self, folder: str, name: str) -> bool:
        return self.status(folder, name) is not None

    def status(self, folder: str, name: str) -> os.stat_result | None:
        with explained(self._root):
            try:
                return os.lstat(self.path(folder, name))
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        with explained(self._root):
            try:
                return os.listdir(self.root / folder)
            except FileNotFoundError:
                return []

    def stats(self, folder: str) -> dict[str, os.stat_result]:
        """Name and status of every file in a folder; files that vanish meanwhile are left out."""
        found: dict[str, os.stat_result] = {}
        with explained(self._root), contextlib.suppress(FileNotFoundError), ExitStack() as stack:
            where: Any = self.root / folder
            if os.scandir in os.supports_fd:  # saves the way to the folder, for each file
                where = os.open(where, os.O_RDONLY)
                stack.callback(os.close, where)
            for entry in stack.enter_context(os.scandir(where)):
                try:  # there may be ten thousand: `suppress` takes half as long as `stat`
                    found[entry.name] = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
        return found

    def touch(self, folder: str, name: str) -> None:
        """Set a file's time to the storage's own present."""
        with explained(self._root):
            os.utime(self.path(folder, name))

    def move(self, folder: str, name: str, to_folder: str, to_name: str) -> None:
        with explained(self._root):
            target = self.path(to_folder, to_name)
            os.rename(self.path(folder, name), target)
            sync_folder(self.path(to_folder, ""))
            sync_folder(self.path(folder, ""))

    def remove(self, folder: str, name: str) -> bool:
        """Unlink a file; False when it was gone already."""
        with explained(self._root):
            try:
                os.unlink(self.path(folder, name))
            except FileNotFoundError:
                return False
            return True

    def now(self) -> float:
        """Return the storage's own time in seconds, so that no local clock can mislead us."""
        with explained(self._root):
            temporary = self.temporary()
            try:
                return temporary.changed()
            finally:
                temporary.discard()

    def free(self) -> int:
        """Bytes that this user may still write on the store's disk."""
        if sys.platform == "win32":
            import shutil

            return shutil.disk_usage(self.root).free
        with explained(self._root):
            status = os.statvfs(self.root)
            return status.f_bavail * status.f_frsize


def sync_folder(folder: str) -> None:
    """Bring a folder's names to the disk, where folders can be synced."""
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}:
            raise
    finally:
        os.close(fd)


def _make_private(folder: Path) -> None:
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        return
    os.chmod(folder, 0o700)
