"""How a store's file can be opened: to write, or to read from where nothing can be written."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from urllib.parse import quote

_ROOM_BYTES = 1 << 16
"""The index of a write-ahead log alone takes half of it."""


class Access(Enum):
    """What the place of a store allows; the value is what SQLite is asked for in a URI.

    A write-ahead log needs its index beside it, a file that cannot be made in a folder that cannot
    be written: where there is none, the database is read as if nobody could change it.
    """

    WRITE = "mode=rwc"
    READ = "mode=ro"
    FROZEN = "immutable=1"


def access(path: Path) -> Access:
    """Return how the database can be opened now."""
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return Access.WRITE
    return Access.READ if _beside(path, "-shm").exists() else Access.FROZEN


def readable(path: Path) -> Access:
    """Return how the database can be read now: a full disk has no room for the index of a log."""
    found = access(path)
    frozen = found is Access.WRITE and is_full(path.parent) and not _has_log(path)
    return Access.FROZEN if frozen else found


def is_full(folder: Path) -> bool:
    """Return whether the disk has no room for the index of a write-ahead log. Raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < _ROOM_BYTES


def uri(path: Path, how: Access) -> str:
    """Return SQLite's address of the database."""
    return f"file:{quote(os.fsencode(path.absolute()))}?{how.value}"


def caution(path: Path) -> str | None:
    """Return what a reader of the database must know of the way it is opened, or None."""
    if access(path) is not Access.FROZEN or not _has_log(path):
        return None
    return (
        f"{_beside(path, '-wal')}: cannot be applied in a read-only folder, so the newest results "
        "are missing. Copy the folder to where you may write, and name the copy instead."
    )


def _has_log(path: Path) -> bool:
    log = _beside(path, "-wal")
    return log.exists() and log.stat().st_size > 0


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
