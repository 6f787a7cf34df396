"""Locks between processes: flock on a file, which the kernel frees when its holder dies."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

_HOLDER_BYTES = 1000
_TRIES = 3
_TRY_S = 0.01
"""A lock may seem taken while `is_held` looks at it, for microseconds."""


class Lock:
    """An exclusive lock, held from `take` to `release`; the file's text says who holds it."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd

    @classmethod
    def take(cls, path: Path, *, holder: str = "", wait: bool = False) -> Self | None:
        """Return the lock, or None where another holds it and `wait` is False.

        The folder must be there. Raises OSError where the file cannot be opened.
        """
        while True:
            fd = _open(path)
            try:
                if not _lock(fd, wait=wait):
                    return None
                if _is_at(fd, path):
                    lock, fd = cls(path, fd), -1
                    lock._write(holder)
                    return lock
            finally:
                if fd >= 0:
                    os.close(fd)

    def release(self, *, remove: bool = False) -> None:
        """Free the lock; with `remove`, its file goes too."""
        if remove:
            self._path.unlink(missing_ok=True)
        else:
            self._write("")
        os.close(self._fd)

    def note(self, word: str) -> None:
        """Add a word to the file's text, for `noted`. Raises OSError, as on a full disk."""
        line = f"{word}\n".encode()
        if os.write(self._fd, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def _write(self, holder: str) -> None:
        with suppress(OSError):  # a file of another user's that may only be read
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, holder.encode("utf-8", "backslashreplace"), 0)


def holder(path: Path) -> str:
    """Return what the last holder of a lock's file said of itself; empty where nothing is told."""
    try:
        with path.open("rb") as file:
            return file.read(_HOLDER_BYTES).decode(errors="replace")
    except OSError:
        return ""


def noted(path: Path) -> frozenset[str]:
    """Return the words that the last holder of a lock's file noted. Raises OSError."""
    return frozenset(path.read_text(encoding="utf-8", errors="replace").split())


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock of an existing file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _lock(fd: int, *, wait: bool) -> bool:
    if wait:
        fcntl.flock(fd, fcntl.LOCK_EX)
        return True
    for _ in range(_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_TRY_S)
    return False


def _open(path: Path) -> int:
    """Return a descriptor of the file, made where it is missing, open to all users.

    An existing file is opened without O_CREAT: in a folder such as /tmp the kernel refuses that
    for the file of another user (sysctl fs.protected_regular).
    """
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    with suppress(FileNotFoundError):
        try:
            return os.open(path, os.O_RDWR | flags)
        except PermissionError:
            return os.open(path, os.O_RDONLY | flags)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666)
    with suppress(OSError):
        os.fchmod(fd, 0o666)  # other users' dyno must be able to lock it
    return fd


def _is_at(fd: int, path: Path) -> bool:
    """Return whether the descriptor is still the file at the path: its holder may remove it."""
    try:
        there, here = path.stat(), os.fstat(fd)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
