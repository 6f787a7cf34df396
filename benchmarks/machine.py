"""The machine's name for a benchmark's heading."""

from __future__ import annotations

from harness.environment import capture, describe


def heading(title: str) -> str:
    """Return the title with the machine beside it."""
    return f"{title}\n{describe(capture())}\n"
