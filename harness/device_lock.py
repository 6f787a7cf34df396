"""One dyno at a time measures on a device: a lock a device, for all users and stores of a machine.

The files lie in `/tmp/dyno-locks`, or in the folder that DYNO_LOCKS names. A container with a /tmp
of its own is not seen; `dyno doctor` shows its load.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engines import registry
from engines.lock import Lock, holder
from results.report.wording import one_line
from suites.errors import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.plan import Plan

VARIABLE = "DYNO_LOCKS"
FOLDER = "/tmp/dyno-locks"  # noqa: S108 - one place for everybody, whatever their TMPDIR


class DeviceBusyError(Exception):
    """Another dyno measures on the device, or its lock cannot be had."""


def devices(plan: Plan, *, building: bool = False) -> tuple[str, ...]:
    """Return what names the devices of the plan's cases, sorted; simulated ones need no lock.

    With `building`, only those count that engines are built on.
    """
    backends = [registry.get(name) for name in {p.case.backend for p in plan.runnable}]
    return tuple(
        sorted(
            {
                plan.devices[backend.device].uuid or backend.device
                for backend in backends
                if not backend.simulated and (backend.builds_on_device or not building)
            }
        )
    )


@contextmanager
def hold(
    names: Sequence[str], *, what: str, wait: bool, waiting: Callable[[str], None]
) -> Iterator[None]:
    """Hold the devices' locks while the body runs; `what` tells others who does.

    With `wait`, calls `waiting` with who holds a device before it blocks. Raises DeviceBusyError.
    """
    said = f"{what}, pid {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S %z')}"
    with ExitStack() as stack:
        for name in names:
            lock = _take(name, said, wait=wait, waiting=waiting)
            stack.callback(lock.release)
        yield


def _take(name: str, said: str, *, wait: bool, waiting: Callable[[str], None]) -> Lock:
    path = _folder() / f"{name}.lock"
    try:
        _make_folder(path.parent)
        lock = Lock.take(path, holder=said)
        if lock is None and wait:
            waiting(f"{name}: waiting for {_holder(path)}")
            lock = Lock.take(path, holder=said, wait=True)
    except OSError as error:
        raise DeviceBusyError(
            f"{path}: expected a lock for {name}, got: {reason(error)}. "
            f"Name another folder with {VARIABLE}, the same for everybody who measures here."
        ) from error
    if lock is None:
        raise DeviceBusyError(
            f"{name}: expected to measure alone, got {_holder(path)}. "
            "Wait for it with --wait, or end it."
        )
    return lock


def _holder(path: Path) -> str:
    """Return who holds the lock, fit for a terminal: any user may have written it."""
    return one_line(holder(path)) or "another dyno"


def _folder() -> Path:
    return Path(os.environ.get(VARIABLE) or FOLDER)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(0o1777)  # like /tmp: every user's dyno locks the same files
