"""A child process and the parent's end of its wire.

Always exec, never fork: the layout of its address space is part of what a launch samples. The child
has a session (process group) of its own, so Ctrl-C reaches only the parent, which then ends it.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.timing import stopwatch
from harness.wire import ClosedError, Message, receive, send

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from engines.contract import Arrays

_BOOTSTRAP = (
    "import sys; sys.path[:0] = filter(None, [sys.argv[2]]); from importlib import import_module; "
    "import_module(sys.argv[1]).main(int(sys.argv[3]), int(sys.argv[4]))"
)
_LAST_WORDS_BYTES = 2000
_END_S = 5.0
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""The disk is full, the user's part of it is, or it may only be read."""
_MODULE_PATH = ("PYTHONPATH", "PYTHONHOME", "PYTHONPLATLIBDIR", "VIRTUAL_ENV")
"""They lead this interpreter to its modules, and another one astray."""
_NOT_STARTED = "Free memory, process numbers or disk space, or choose another --store."
_alive: set[Child] = set()


class ChildError(Exception):
    """The child failed, died or hung. `kind` is a failure kind of `results/record.py`.

    `stale` says that its engine is another device's, driver's or version's.
    """

    def __init__(self, kind: str, message: str, hint: str, *, stale: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.stale = stale


class Child:
    """A running child; `with` ends it, whatever happened."""

    _exit_fd = -1

    def __init__(
        self,
        program: str,
        *,
        log: Path,
        path: Path | None = None,
        python: str = sys.executable,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start `program`'s main under `python`, with `path` first on its module path.

        What the child prints is appended to `log`. `variables` are added to the environment that it
        inherits; another interpreter than this one does not inherit where this one has its modules.
        `age_ns` tells the time since just before the exec.
        """
        to_child, self._write_fd = os.pipe()
        self._read_fd, from_child = os.pipe()
        command = [python, "-P", "-c", _BOOTSTRAP, program, str(path or "")]
        self._log = log
        self._variables = variables or {}
        self.age_ns = stopwatch()
        try:
            self._process = self._start([*command, str(to_child), str(from_child)])
        except OSError as error:
            self._close_wire()
            kind = "disk" if error.errno in DISK_ERRORS else "environment"
            raise ChildError(kind, f"{python}: {error}", _NOT_STARTED) from error
        finally:
            os.close(to_child)
            os.close(from_child)
        os.set_blocking(self._write_fd, False)
        self._exit_fd = os.pidfd_open(self._process.pid)
        _alive.add(self)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start the child; the two last words of the command are its ends of the wire."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as words:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                pass_fds=[int(fd) for fd in command[-2:]],
                start_new_session=True,
                env={**_inherited(command[0]), **self._variables},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end(wait_s=0.0 if kind else _END_S)

    def ask(
        self, verb: str, *, timeout_s: float, arrays: Arrays | None = None, **fields: Any
    ) -> Message:
        """Return the child's answer to a verb.

        Raises ChildError for an answer that is a failure, for a death, and past `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        try:
            request = Message(header={"verb": verb, **fields}, arrays=arrays or {})
            send(self._write_fd, request, deadline=deadline, exit_fd=self._exit_fd)
            reply = receive(self._read_fd, deadline=deadline, exit_fd=self._exit_fd)
        except ClosedError:
            raise self._death(verb) from None
        except TimeoutError:
            self.end(wait_s=0.0)
            raise ChildError(
                "timeout",
                f"no answer to {verb!r} within {timeout_s:g} s",
                "Raise measure.timeout_s if the model is that slow.",
            ) from None
        if "error" in reply.header:
            told = reply.header["error"]
            hint, stale = told["hint"] or f"See {self._log}.", told.get("stale", False)
            raise ChildError(told["kind"], told["message"], hint, stale=stale)
        return reply

    def end(self, *, wait_s: float) -> None:
        """Close the wire, wait for the child, then kill what is left of its process group."""
        _alive.discard(self)
        self._close_wire()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_s)
        self.kill()
        self._process.wait()

    def kill(self) -> None:
        """Kill the process group now; whoever waits for an answer sees the death."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _close_wire(self) -> None:
        for fd in (self._write_fd, self._read_fd, self._exit_fd):
            if fd >= 0:
                os.close(fd)
        self._write_fd = self._read_fd = self._exit_fd = -1

    def _death(self, verb: str) -> ChildError:
        """Return what the end of the process says."""
        try:
            status = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return ChildError("crash", f"the wire broke in {verb!r}", f"See {self._log}.")
        words = self._last_words()
        hint = f"The runtime's last words: {words}" if words else "The runtime said nothing."
        if status == -signal.SIGKILL:
            hint = f"The kernel kills so when memory is out. {hint}"
        return ChildError("crash", f"{_cause(status)} in {verb!r}", hint)

    def _last_words(self) -> str:
        """Return the last line of this child's part of the log that says something."""
        with self._log.open("rb") as log:
            log.seek(max(self._log_start, self._log.stat().st_size - _LAST_WORDS_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _inherited(python: str) -> dict[str, str]:
    """Return this process's variables, for a child under that interpreter."""
    hidden = () if _is_ours(Path(python)) else _MODULE_PATH
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _is_ours(python: Path) -> bool:
    """Return whether that is this interpreter, by whichever of its names in the same folder.

    Interpreters of two environments are often links to one file.
    """
    own = Path(sys.executable)
    return python.parent == own.parent and python.resolve() == own.resolve()


def _cause(status: int) -> str:
    """Return how a process ended, from its return code."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def kill_all() -> None:
    """Kill every child that is alive, in whichever thread it was started."""
    for child in tuple(_alive):
        child.kill()


@contextmanager
def child_pool() -> Iterator[ThreadPoolExecutor]:
    """Yield a pool with a thread per usable core, for work that waits on children.

    When the body is left by an exception (Ctrl-C), the children are killed, not waited for.
    """
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            kill_all()
            raise
