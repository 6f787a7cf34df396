"""The entry point of `dyno`: signals, errors on one line, exit codes."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from harness.exit_codes import INTERRUPTED, USAGE

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run() -> None:
    """Run the command line and exit; what a user can cause is one line on stderr."""
    for number in _ENDING:
        signal.signal(number, _interrupt)
    try:
        from harness.cli.app import app

        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        told = _for_users(error)
        if told is None:
            raise
        sys.stderr.write(f"{told}\n")
        sys.exit(USAGE)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does; a second press must not cut off what the first one began to save."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _for_users(error: Exception) -> str | None:
    """Return the line that says all a user needs, or None for a defect of dyno's own."""
    from engines.cache.folder import CacheError
    from engines.registry import UnknownBackendError
    from harness.alive import AliveError
    from harness.device_lock import DeviceBusyError
    from harness.resume import ResumeError
    from results.store import StoreError
    from suites.errors import SuiteError

    known = SuiteError | CacheError | StoreError | UnknownBackendError
    if isinstance(error, known | AliveError | DeviceBusyError | ResumeError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        reason = (error.strerror or "unusable").lower()
        return f"{error.filename}: {reason}. Mend that, or name another folder with --store."
    return None
