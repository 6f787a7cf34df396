"""The cache as a run uses it: an engine is looked up, or built once whoever asks at that time."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engines.cache import DEFAULT_CAP_BYTES
from engines.cache.entry import (
    ENGINE,
    ENTRY,
    DamagedError,
    Entry,
    built_files,
    key_of,
    verify,
    write_entry,
)
from engines.cache.folder import FORMAT, CacheFolder, make_folder
from engines.cache.prune import Pruned, prune
from engines.durable import sync
from engines.lock import Lock

if TYPE_CHECKING:
    from pathlib import Path

    from engines.contract import Fact

_POLL_S = 0.05


class GivenUpError(Exception):
    """The wait for another builder was ended from outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a build learned, beside the files that it wrote."""

    facts: Mapping[str, Fact]
    build_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An engine that is wanted: what its bytes depend on, and what to tell people about it."""

    fields: Mapping[str, Any]
    about: Mapping[str, str]
    dyno_version: str

    @property
    def key(self) -> str:
        """Return the engine's key."""
        return key_of(self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An engine in the cache, whole.

    `cached` is False where it has just been built; `damage` is what was wrong with an entry that
    had to be built anew.
    """

    path: Path
    entry: Entry
    cached: bool
    damage: str | None = None


Build = Callable[["Path"], Draft]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCache:
    """A folder's cache, for one user; any number of processes and threads may share it."""

    folder: CacheFolder
    cap_bytes: int = DEFAULT_CAP_BYTES
    _users: list[Lock] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def make(cls, root: Path, *, cap_bytes: int = DEFAULT_CAP_BYTES) -> EngineCache:
        """Return the cache at `root`, made where there is none. Raises CacheError."""
        return cls(folder=make_folder(root), cap_bytes=cap_bytes)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep what is looked up from now on from being pruned while the body runs.

        The keys are noted in a file that this process holds locked: no clock can be wrong there.
        """
        path = self.folder.users / f"{os.getpid()}-{secrets.token_hex(4)}.lock"
        while (lock := Lock.take(path, wait=True)) is None:
            continue
        self._users.append(lock)
        try:
            yield
        finally:
            self._users.remove(lock)
            lock.release(remove=True)

    def obtain(
        self,
        request: Request,
        build: Build,
        *,
        given_up: Callable[[], bool] = lambda: False,
        anew: bool = False,
    ) -> Found:
        """Return the engine, out of the cache or from `build`, which writes to a path it is given.

        Every byte is checked. With `anew` it is built whatever there is: its runtime refuses that.
        While another builds the same, `given_up` is asked whether to wait on. Raises OSError,
        BadBuildError, GivenUpError, and what `build` does.
        """
        key = request.key
        with self._locked(key, given_up):
            for user in self._users:
                user.note(key)
            path, damage = self.folder.entry(key), None
            if os.path.lexists(path) and not anew:
                try:
                    entry = verify(path)
                except DamagedError as error:
                    damage = str(error)
                else:
                    os.utime(path / ENTRY)
                    return Found(path=path / ENGINE, entry=entry, cached=True)
            entry = self._built(request, build)
            return Found(path=path / ENGINE, entry=entry, cached=False, damage=damage)

    def prune(self) -> Pruned:
        """Remove the engines used longest ago until the rest fits; live runs keep theirs."""
        return prune(self.folder, to_bytes=self.cap_bytes)

    @contextmanager
    def _locked(self, key: str, given_up: Callable[[], bool]) -> Iterator[None]:
        """Hold the key's lock; polling, since a blocked thread could not be told to give up."""
        while (lock := Lock.take(self.folder.lock(key))) is None:
            if given_up():
                raise GivenUpError(key)
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            lock.release(remove=True)

    def _built(self, request: Request, build: Build) -> Entry:
        """Build beside the entries, and move the whole into its place in one step."""
        fresh = self.folder.fresh(request.key)
        fresh.mkdir()
        try:
            draft = build(fresh / ENGINE)
            entry = Entry(
                format=FORMAT,
                fields=request.fields,
                about=request.about,
                facts=draft.facts,
                build_ns=draft.build_ns,
                built_at=time.time(),
                dyno_version=request.dyno_version,
                files=built_files(fresh),
            )
            write_entry(fresh, entry)
            self._put(fresh, self.folder.entry(request.key))
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return entry

    def _put(self, fresh: Path, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        if os.path.lexists(path):
            self.folder.discard(path)
        fresh.rename(path)
        sync(path.parent)
        sync(self.folder.root)
