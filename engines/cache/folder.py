"""Where a cache keeps what, and how its folder is told from any other."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.durable import NEW, replacing
from suites.errors import reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT = 1
"""Goes up when an older dyno could not read what a newer one writes, and is part of every key."""
MARK = "cache.json"
TAG = "CACHEDIR.TAG"
_KIND = "dyno engine cache"
_TAG_TEXT = """Signature: 8a477f597d28d172789f06886806bc55
# Engines that dyno has built. Backups may leave them out: dyno builds again what is missing.
"""
_KEY = re.compile(r"[0-9a-f]{64}")
_PROBE_BYTES = 1 << 20


class CacheError(Exception):
    """The folder cannot be used as a cache. The message is one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheFolder:
    """The layout below a cache's root."""

    root: Path

    @property
    def tmp(self) -> Path:
        """Return the folder of engines in the making and of those on their way out."""
        return self.root / "tmp"

    @property
    def locks(self) -> Path:
        """Return the folder of the locks of keys that somebody looks up, builds or removes."""
        return self.root / "locks"

    @property
    def users(self) -> Path:
        """Return the folder of the locks of runs that use the cache."""
        return self.root / "users"

    def make_parts(self) -> None:
        """Make what somebody may have deleted by hand beside the entries. Raises OSError."""
        for path in (self.tmp, self.locks, self.users):
            path.mkdir(exist_ok=True)

    def entry(self, key: str) -> Path:
        """Return the folder of a key's entry."""
        return self.root / key[:2] / key

    def lock(self, key: str) -> Path:
        """Return the lock of a key."""
        return self.locks / f"{key}.lock"

    def entries(self) -> Iterator[Path]:
        """Yield what lies where entries lie, whole or not, in no order."""
        for path in self.root.glob("[0-9a-f][0-9a-f]/*"):
            if _KEY.fullmatch(path.name) and path.name.startswith(path.parent.name):
                yield path

    def leftovers(self) -> Iterator[tuple[str, Path]]:
        """Yield what lies in `tmp`, with the key whose lock its maker holds while it lives."""
        for path in self.tmp.iterdir():
            key = path.name.partition("-")[0]
            if _KEY.fullmatch(key):
                yield key, path

    def fresh(self, key: str) -> Path:
        """Return a path in `tmp` that is not taken, for the holder of the key's lock."""
        return self.tmp / f"{key}-{secrets.token_hex(4)}"

    def discard(self, path: Path) -> None:
        """Remove an entry at once, as others see it; the caller holds its key's lock."""
        aside = self.fresh(path.name)
        path.rename(aside)
        remove(aside)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def make_folder(root: Path) -> CacheFolder:
    """Return the cache at `root`, made where there is nothing yet. Raises CacheError."""
    folder = CacheFolder(root=root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not (root / MARK).exists():
            _mark(root)
        _check_mark(root)
        if not (root / TAG).exists():
            _write(root / TAG, _TAG_TEXT)
        folder.make_parts()
        probe(folder, size=1)
    except OSError as error:
        raise CacheError(
            f"{root}: expected a folder to keep engines in, got: {reason(error)}. "
            "Mend that, or name another folder with --cache."
        ) from error
    return folder


def open_folder(root: Path) -> CacheFolder:
    """Return the cache that is there already. Raises CacheError."""
    try:
        _check_mark(root)
    except OSError as error:
        raise CacheError(
            f"{root}: expected an engine cache, got {MARK}: {reason(error)}. "
            "Runs make one; name its folder with --cache or its store with --store."
        ) from error
    return CacheFolder(root=root)


def probe(folder: CacheFolder, *, size: int = _PROBE_BYTES) -> None:
    """Write and delete a file of `size` bytes. Raises the OSError that an engine would meet."""
    with tempfile.TemporaryFile(dir=folder.tmp) as file:
        file.write(bytes(size))


def _mark(root: Path) -> None:
    """Mark the folder as a cache, unless files of something else are in it."""
    foreign = sorted(path.name for path in root.iterdir() if not path.name.startswith(NEW))
    if foreign and MARK not in foreign:  # another process may have marked it just now
        raise CacheError(
            f"{root}: expected an engine cache or an empty folder, got {foreign[0]!r} in it. "
            "Name another folder with --cache."
        )
    _write(root / MARK, json.dumps({"kind": _KIND, "format": FORMAT}) + "\n")


def _write(path: Path, text: str) -> None:
    with replacing(path) as stream:
        stream.write(text.encode())


def _check_mark(root: Path) -> None:
    try:
        told = json.loads((root / MARK).read_bytes())
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.get("kind") != _KIND:
        raise CacheError(
            f"{root / MARK}: expected the mark of an engine cache, got something else. "
            "Name another folder with --cache."
        )
    if told.get("format") != FORMAT:
        raise CacheError(
            f"{root}: expected an engine cache of format {FORMAT}, got format "
            f"{told.get('format')!r}. Update dyno, or name another folder with --cache."
        )
