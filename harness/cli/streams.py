"""Standard streams whose reader went away, as `head` does: what is said then goes nowhere."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


def give_up(stream: TextIO) -> None:
    """Send what is still buffered nowhere, and all that follows: at exit it would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def tell(line: str) -> None:
    """Write a line on stderr now; a measurement goes on where nobody reads it."""
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except BrokenPipeError:
        give_up(sys.stderr)


@contextmanager
def heard_or_not() -> Iterator[None]:
    """Print on stdout for whoever still reads: the exit code of what was measured stands.

    Rich makes an exit of 1 of a reader that went away.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        give_up(sys.stdout)
    except SystemExit as ending:
        if not isinstance(ending.__context__, BrokenPipeError):
            raise
        give_up(sys.stdout)
