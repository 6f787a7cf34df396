"""`dyno models`: the built-in models and their parameters."""

from __future__ import annotations

import sys


def command() -> None:
    """List the built-in models and their parameters."""
    from suites.models.builtin import builtins

    for name, builtin in builtins().items():
        sys.stdout.write(f"{name}  {builtin.summary}\n")
        for parameter in builtin.parameters:
            sys.stdout.write(
                f"    {parameter.name}: default {parameter.default} - {parameter.help}\n"
            )
