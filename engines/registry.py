"""The names of the backends, from the folder `backends/` and from installed packages."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.contract import Backend

GROUP = "dyno.backends"


class UnknownBackendError(Exception):
    """No file and no installed package brings a backend of that name."""


@cache
def names() -> tuple[str, ...]:
    """Return every backend's name, sorted; imports none of them."""
    return tuple(sorted({*_shipped(), *_installed()}))


def get(name: str) -> Backend:
    """Return the backend of that name. Raises UnknownBackendError."""
    if name in _shipped():
        module = importlib.import_module(f"engines.backends.{name.replace('-', '_')}")
        backend: type[Backend] = module.BACKEND
        return backend()
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=name):
        loaded: type[Backend] = entry.load()
        return loaded()
    import difflib

    close = difflib.get_close_matches(name, names(), n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(names())}."
    raise UnknownBackendError(f"backend: expected a known name, got {name!r}. {hint}")


@cache
def _shipped() -> frozenset[str]:
    folder = Path(__file__).parent / "backends"
    return frozenset(
        path.stem.replace("_", "-") for path in folder.glob("*.py") if path.stem != "__init__"
    )


def _installed() -> frozenset[str]:
    from importlib.metadata import entry_points

    return frozenset(entry.name for entry in entry_points(group=GROUP))
