"""Making room: the entries used longest ago go first, never one that a live run may still open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.cache.entry import ENTRY
from engines.cache.folder import remove
from engines.lock import Lock, is_held

if TYPE_CHECKING:
    from pathlib import Path

    from engines.cache.folder import CacheFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What of an entry can be told without reading it. `used_ns` is since the epoch."""

    path: Path
    bytes: int
    used_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What pruning did: entries that went and their bytes; what is left, and why it had to stay.

    `in_use` are entries that would have gone but for a live run, `stuck` those that the system did
    not let go.
    """

    removed: int
    freed_bytes: int
    left: int
    left_bytes: int
    in_use: int
    stuck: int


def uses(folder: CacheFolder) -> tuple[Use, ...]:
    """Return all entries, the one used longest ago first."""
    found = (_use(path) for path in folder.entries())
    return tuple(sorted(found, key=lambda use: (use.used_ns, use.path)))


def prune(folder: CacheFolder, *, to_bytes: int) -> Pruned:
    """Remove entries until the rest is at most `to_bytes`, and what dead builders left."""
    _sweep(folder)
    entries = uses(folder)
    left_bytes = sum(use.bytes for use in entries)
    freed_bytes, ends = 0, Counter[str]()
    for use in entries:
        if left_bytes <= to_bytes:
            break
        end = _remove(folder, use)
        ends[end] += 1
        if end == "removed":
            freed_bytes += use.bytes
            left_bytes -= use.bytes
    return Pruned(
        removed=ends["removed"],
        freed_bytes=freed_bytes,
        left=len(entries) - ends["removed"],
        left_bytes=left_bytes,
        in_use=ends["in use"],
        stuck=ends["stuck"],
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


def _remove(folder: CacheFolder, use: Use) -> str:
    """Remove the entry unless a live run may open it; return `removed`, `in use` or `stuck`.

    Its last use is read again under its lock: uses are noted under that lock only, by runs that
    are live then.
    """
    try:
        lock = Lock.take(folder.lock(use.path.name))
        if lock is None:
            return "in use"
        try:
            begun_ns = min(_live_users(folder), default=None)
            if begun_ns is not None and _use(use.path).used_ns >= begun_ns:
                return "in use"
            folder.discard(use.path)
        finally:
            lock.release(remove=True)
    except OSError:
        return "stuck"
    return "removed"


def _live_users(folder: CacheFolder) -> Iterator[int]:
    """Yield when each live user of the cache began [ns since the epoch]; forget dead ones."""
    for path in folder.users.glob("*.lock"):
        with suppress(OSError):
            begun_ns = path.stat().st_mtime_ns
            if is_held(path):
                yield begun_ns
            elif (lock := Lock.take(path)) is not None:
                lock.release(remove=True)


def _sweep(folder: CacheFolder) -> None:
    """Remove what builders left in `tmp` that no longer hold their key's lock."""
    for key, path in folder.leftovers():
        with suppress(OSError):
            lock = Lock.take(folder.lock(key))
            if lock is not None:
                try:
                    remove(path)
                finally:
                    lock.release(remove=True)
