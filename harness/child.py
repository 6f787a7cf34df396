"""A child process and the parent's end of its wire.

Always exec, never fork: the layout of its address space is part of what a launch samples. The child
has a session (process group) of its own, so Ctrl-C reaches only the parent, which then ends it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.timing import stopwatch
from harness.wire import ClosedError, Message, receive, send

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_BOOTSTRAP = (
    "import sys; sys.path[:0] = filter(None, [sys.argv[2]]); from importlib import import_module; "
    "import_module(sys.argv[1]).main(int(sys.argv[3]), int(sys.argv[4]))"
)
_LAST_WORDS_BYTES = 2000
_END_S = 5.0
_alive: set[Child] = set()


class ChildError(Exception):
    """The child failed, died or hung. `kind` is a failure kind of `results/record.py`."""

    def __init__(self, kind: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint


class Child:
    """A running child; `with` ends it, whatever happened."""

    def __init__(
        self, program: str, *, log: Path, path: Path | None = None, python: str = sys.executable
    ) -> None:
        """Start `program`'s main under `python`, with `path` first on its module path.

        What the child prints is appended to `log`. `age_ns` tells the time since just before the
        exec.
        """
        to_child, from_parent = os.pipe()
        to_parent, from_child = os.pipe()
        command = [python, "-P", "-c", _BOOTSTRAP, program, str(path or "")]
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        self.age_ns = stopwatch()
        with log.open("ab") as words:
            self._process = subprocess.Popen(
                [*command, str(to_child), str(from_child)],
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                pass_fds=(to_child, from_child),
                start_new_session=True,
            )
        os.close(to_child)
        os.close(from_child)
        self._write_fd, self._read_fd = from_parent, to_parent
        _alive.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end(wait_s=0.0 if kind else _END_S)

    def ask(self, verb: str, *, timeout_s: float, **fields: Any) -> Message:
        """Return the child's answer to a verb.

        Raises ChildError for an answer that is a failure, for a death, and past `timeout_s`.
        """
        try:
            send(self._write_fd, Message(header={"verb": verb, **fields}))
            reply = receive(self._read_fd, timeout_s=timeout_s)
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
            raise ChildError(**reply.header["error"])
        return reply

    def end(self, *, wait_s: float) -> None:
        """Close the wire, wait for the child, and kill its process group if it stays."""
        _alive.discard(self)
        for fd in (self._write_fd, self._read_fd):
            if fd >= 0:
                os.close(fd)
        self._write_fd = self._read_fd = -1
        try:
            self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def kill(self) -> None:
        """Kill the process group now; whoever waits for an answer sees the death."""
        os.killpg(self._process.pid, signal.SIGKILL)

    def _death(self, verb: str) -> ChildError:
        """Return what the end of the process says."""
        try:
            status = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return ChildError("crash", f"the wire broke in {verb!r}", "Run the case again.")
        cause = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        words = self._last_words()
        hint = f"The runtime's last words: {words}" if words else "The runtime said nothing."
        if status == -signal.SIGKILL:
            hint = f"The kernel kills so when memory is out. {hint}"
        return ChildError("crash", f"{cause} in {verb!r}", hint)

    def _last_words(self) -> str:
        """Return the last line of the log that says something."""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - _LAST_WORDS_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


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
