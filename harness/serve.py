"""A child's main loop: answer verbs until `close`, or until the parent is gone."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from engines.contract import EngineError, StaleEngineError
from harness.wire import ClosedError, Message, receive, send

Verb = Callable[[Mapping[str, Any]], Message]
"""Takes the message's header; its arrays, where it has any, are in there under `arrays`."""
Verbs = Mapping[str, Verb]
Explain = Callable[[Exception], EngineError]

_PR_SET_PDEATHSIG = 1
_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


def serve(read_fd: int, write_fd: int, verbs: Verbs, explain: Explain) -> None:
    """Answer each message by the verb it names; an exception becomes an answer with `error`.

    `explain` tells what an exception means that is not plain: no memory, no module, no disk.
    """
    die_with_parent()
    verb = ""
    while verb != "close":
        try:
            message = receive(read_fd)
        except ClosedError:
            return
        verb = message.header["verb"]
        try:
            arrays = {"arrays": message.arrays} if message.arrays else {}
            reply = verbs[verb]({**message.header, **arrays})
        except Exception as error:  # noqa: BLE001 - whatever a runtime raises becomes an answer
            failure = plain_failure(error) or explain(error)
            named = {
                "kind": failure.kind,
                "message": failure.message,
                "hint": failure.hint,
                "stale": isinstance(failure, StaleEngineError),
            }
            reply = Message(header={"error": named})
        send(write_fd, reply)


def plain_failure(error: Exception) -> EngineError | None:
    """Return what an exception means in any child, or None; the log takes its trace."""
    if isinstance(error, EngineError):
        return error
    with suppress(OSError):  # the disk of the log may be full, too
        traceback.print_exc()
    if isinstance(error, MemoryError):
        return EngineError("out-of-memory", str(error) or "no memory", "Lower the batch.")
    if isinstance(error, ImportError):
        return EngineError("import", str(error), "Run `dyno backends` for what to install.")
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        missing = f"{error.filename}: {(error.strerror or 'not found').lower()}"
        return EngineError("disk", missing, "It was there before: run again to have it made anew.")
    if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
        return EngineError("disk", str(error), "Free space, or choose another --store.")
    return None


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, a query that hangs included."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
