"""Which runs of a store are going on: each holds the lock of a file named by its id."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engines.lock import Lock, is_held

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIX = ".lock"


class AliveError(Exception):
    """The run goes on in another process."""


@contextmanager
def alive(store: Path, run_id: str) -> Iterator[None]:
    """Mark the run as going on while the body runs. Raises AliveError, OSError."""
    folder = _folder(store)
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock.take(folder / f"{run_id}{_SUFFIX}")
    if lock is None:
        raise AliveError(
            f"{store}: expected a run that has ended, got {run_id!r}, which goes on in another "
            "process. Wait for it, or end it."
        )
    _sweep(folder)
    try:
        yield
    finally:
        lock.release(remove=True)


def live_runs(store: Path) -> set[str]:
    """Return the ids of the runs that go on, as far as this machine's processes tell."""
    return {
        path.name.removesuffix(_SUFFIX)
        for path in _folder(store).glob(f"*{_SUFFIX}")
        if is_held(path)
    }


def _sweep(folder: Path) -> None:
    """Remove the files of runs that were killed."""
    for path in folder.glob(f"*{_SUFFIX}"):
        if not is_held(path) and (lock := Lock.take(path)) is not None:
            lock.release(remove=True)


def _folder(store: Path) -> Path:
    return store / "alive"
