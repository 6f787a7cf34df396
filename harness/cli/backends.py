"""`dyno backends`: which runtimes can run here, and what is missing for the others."""

from __future__ import annotations

import sys


def command() -> None:
    """List the backends: available or why not, and options."""
    from engines import registry

    for name in registry.names():
        backend = registry.get(name)
        reason = backend.unavailable()
        state = "available" if reason is None else f"unavailable: {reason}"
        sys.stdout.write(f"{name}  {state}{' (simulated)' if backend.simulated else ''}\n")
        for option in backend.options:
            values = "|".join(_spell(choice) for choice in option.choices)
            kind = values or type(option.default).__name__
            sys.stdout.write(
                f"    {option.name}: {kind}, default {_spell(option.default)} - {option.help}\n"
            )


def _spell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
