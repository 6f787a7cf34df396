"""`dyno suites`: the suites that come with dyno."""

from __future__ import annotations

import sys


def command() -> None:
    """Show the shipped suites, for `dyno run NAME`."""
    from suites.load import shipped

    entries = shipped()
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        sys.stdout.write(f"{entry.name:<{width}}  {entry.description}\n")
