"""The entry point of `dyno`: signals, errors on one line, exit codes."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from harness.cli.streams import give_up
from harness.exit_codes import INTERRUPTED, USAGE

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What stdout fails with, which names no file."""
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run() -> None:
    """Run the command line and exit; what a user can cause is one line on stderr."""
    for number in _ENDING:
        signal.signal(number, _interrupt)
    _open_missing_streams()
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        give_up(sys.stdout)
        sys.exit(0)
    except Exception as error:
        told = for_users(error)
        if told is None:
            raise
        if isinstance(error, OSError) and error.filename is None:
            give_up(sys.stdout)
        sys.stderr.write(f"{told}\n")
        sys.exit(USAGE)


def _run() -> None:
    """Run the command line to its last byte of output.

    Typer and rich turn a reader that went away, as `head` does, into an exit of 1.
    """
    from harness.cli.app import app

    try:
        app()
    except SystemExit as ending:
        if isinstance(ending.__context__, BrokenPipeError):
            raise ending.__context__ from None
        raise
    finally:
        sys.stdout.flush()


def _open_missing_streams() -> None:
    """Write nowhere where the shell has closed stdout or stderr (`>&-`)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does; a second press must not cut off what the first one began to save."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def for_users(error: Exception) -> str | None:
    """Return the line that says all a user needs, or None for a defect of dyno's own."""
    from engines.cache.folder import CacheError
    from engines.registry import UnknownBackendError
    from harness.alive import AliveError
    from harness.baseline.site import BaselineError
    from harness.device_lock import DeviceBusyError
    from harness.devices import DeviceChoiceError
    from harness.paired.interpreter import InterpreterError
    from harness.resume import ResumeError
    from results.store import StoreError
    from suites.errors import SuiteError, reason

    known = SuiteError | CacheError | StoreError | UnknownBackendError | DeviceChoiceError
    sides = BaselineError | InterpreterError
    if isinstance(error, known | AliveError | DeviceBusyError | ResumeError | sides):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {reason(error)}. Mend that, or name another folder with --store."
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return f"stdout: {reason(error)}. Mend that, or send the output elsewhere."
    return None
