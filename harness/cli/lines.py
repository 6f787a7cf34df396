"""Lines on stdout: whole for a reader such as `grep`, broken between words on a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap

INDENT = " " * 8


def print_line(line: str) -> None:
    """Write the line now; on a terminal what does not fit goes on indented below."""
    if sys.stdout.isatty():
        line = textwrap.fill(
            line,
            shutil.get_terminal_size().columns,
            subsequent_indent=INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
