"""`dyno suites`: the suites that come with dyno."""

from __future__ import annotations

import sys


def command() -> None:
    """List the shipped suites."""
    from suites.load import shipped

    entries = shipped()
    width = max(len(name) for name, _ in entries)
    for name, description in entries:
        sys.stdout.write(f"{name:<{width}}  {description}\n")
