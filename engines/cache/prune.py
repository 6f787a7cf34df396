"""Making room: the entries used longest ago go first, never one that a live run may still open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engines.cache.entry import ENTRY
from engines.cache.folder import remove
from engines.lock import Lock, is_held, noted
from suites.errors import reason

if TYPE_CHECKING:
    from engines.cache.folder import CacheFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What of an entry can be told without reading it. `used_ns` is since the epoch."""

    path: Path
    bytes: int
    used_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """An entry that the system did not let go: the path that it refused, and what it said."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What pruning did: entries that went and their bytes; what is left, and why it had to stay.

    `in_use` are entries that would have gone but for a live run.
    """

    removed: int
    freed_bytes: int
    left: int
    left_bytes: int
    in_use: int
    stuck: tuple[Stuck, ...]


def uses(folder: CacheFolder) -> tuple[Use, ...]:
    """Return all entries, the one used longest ago first."""
    found = (_use(path) for path in folder.entries())
    return tuple(sorted(found, key=lambda use: (use.used_ns, use.path)))


def prune(folder: CacheFolder, *, to_bytes: int) -> Pruned:
    """Remove entries until the rest is at most `to_bytes`, and what the dead left. Raises OSError.

    The order is that of last use by the clock; whether a live run may open an entry is not.
    """
    folder.make_parts()
    _sweep(folder)
    entries = uses(folder)
    left_bytes = sum(use.bytes for use in entries)
    removed = freed_bytes = in_use = 0
    stuck: list[Stuck] = []
    for use in entries:
        if left_bytes <= to_bytes:
            break
        try:
            gone = _remove(folder, use.path)
        except OSError as error:
            stuck.append(Stuck(path=Path(error.filename or use.path), reason=reason(error)))
            continue
        if gone:
            removed += 1
            freed_bytes += use.bytes
            left_bytes -= use.bytes
        else:
            in_use += 1
    return Pruned(
        removed=removed,
        freed_bytes=freed_bytes,
        left=len(entries) - removed,
        left_bytes=left_bytes,
        in_use=in_use,
        stuck=tuple(stuck),
    )


def _use(path: Path) -> Use:
    """Return the entry's size and last use; one that cannot be read was used long ago."""
    size = used_ns = 0
    if not path.is_symlink():
        with suppress(OSError):
            used_ns = (path / ENTRY).lstat().st_mtime_ns
        with suppress(OSError):
            size = sum(file.lstat().st_size for file in path.iterdir())
    return Use(path=path, bytes=size, used_ns=used_ns)


def _remove(folder: CacheFolder, path: Path) -> bool:
    """Remove the entry unless a live run may open it; return whether it went. Raises OSError.

    Who uses it is read under its lock, under which users note it.
    """
    lock = Lock.take(folder.lock(path.name))
    if lock is None:
        return False
    try:
        if any(path.name in keys for keys in _live_keys(folder)):
            return False
        folder.discard(path)
    finally:
        lock.release(remove=True)
    return True


def _live_keys(folder: CacheFolder) -> Iterator[frozenset[str]]:
    """Yield what each live user of the cache has looked up. Raises OSError."""
    for path in folder.users.glob("*.lock"):
        if is_held(path):
            with suppress(FileNotFoundError):  # it has just ended
                yield noted(path)


def _sweep(folder: CacheFolder) -> None:
    """Remove what dead builders left in `tmp`, and the lock files of the dead."""
    for key, path in folder.leftovers():
        with suppress(OSError):
            lock = Lock.take(folder.lock(key))
            if lock is not None:
                try:
                    remove(path)
                finally:
                    lock.release(remove=True)
    for path in (*folder.users.glob("*.lock"), *folder.locks.glob("*.lock")):
        with suppress(OSError):
            if not is_held(path) and (lock := Lock.take(path)) is not None:
                lock.release(remove=True)
