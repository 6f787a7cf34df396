"""What an environment has: versions, backends that can run, and the keys of engines made there.

Asked in the environment itself; no runtime is imported. It travels with the worker.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import registry
from suites.case import Case

if TYPE_CHECKING:
    from engines.contract import Device, Fact


def inventory(backends: Sequence[str], distributions: Sequence[str]) -> dict[str, Any]:
    """Return `versions` of what is installed, and `missing`: why a backend cannot run here.

    `versions` are of Python, numpy, the distributions and those of the backends' runtimes.
    """
    missing = {name: reason for name in backends if (reason := _unavailable(name)) is not None}
    present = [registry.get(name) for name in backends if name not in missing]
    runtimes = [backend.distribution for backend in present if not backend.simulated]
    found = {name: _version(name) for name in sorted({*distributions, *runtimes})}
    return {
        "versions": {
            **{name: told for name, told in found.items() if told is not None},
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "missing": missing,
    }


def engine_keys(
    backend: str, cases: Sequence[Mapping[str, Any]], device: Device
) -> list[dict[str, Fact]]:
    """Return the engine key of each case, given as dictionaries, of one backend here."""
    found = registry.get(backend)
    return [dict(found.engine_key(Case.from_dict(case), device)) for case in cases]


def _unavailable(backend: str) -> str | None:
    """Return why the backend cannot run here, or None."""
    try:
        return registry.get(backend).unavailable()
    except registry.UnknownBackendError as error:
        return str(error)


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
