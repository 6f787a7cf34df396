"""The two modules of TensorRT: their names, what they lack, whether they are here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """A Python module of TensorRT.

    `library` is what its bindings link, `targets` the compute capabilities that it can build for
    without such a device, empty where it builds on the device alone.
    """

    name: str
    module: str
    extra: str
    library: str
    distributions: tuple[str, ...]
    targets: tuple[str, ...] = ()

    @property
    def ahead(self) -> bool:
        """Return whether it builds for devices that are not here."""
        return bool(self.targets)

    def missing(self) -> str | None:
        """Return why the module cannot be imported and what to install, or None."""
        if find_spec(self.module) is None:
            return f"{self.module} is not installed. Install dyno with the '{self.extra}' extra."
        if find_spec(f"{self.module}_bindings") and not _finds_library(self.module, self.library):
            return (
                f"{self.module} is installed without its library lib{self.library}.so. "
                f"Install dyno with the '{self.extra}' extra."
            )
        return None

    def load(self) -> Any:
        """Return the module. Raises ImportError."""
        return importlib.import_module(self.module)

    def versions(self) -> str:
        """Return the installed distributions with their versions; imports no runtime."""
        return _versions(self.distributions)


@cache
def _finds_library(module: str, library: str) -> bool:
    """Return whether there is the package of libraries, or else the loader knows one."""
    if find_spec(f"{module}_libs"):
        return True
    from ctypes.util import find_library

    return find_library(library) is not None


@cache
def _versions(distributions: tuple[str, ...]) -> str:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in distributions:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found) or "unknown"


TENSORRT = Flavour(
    name="TensorRT",
    module="tensorrt",
    extra="tensorrt",
    library="nvinfer",
    distributions=(
        "tensorrt",
        "tensorrt-cu13",
        "tensorrt-cu13-bindings",
        "tensorrt-cu13-libs",
        "tensorrt-cu12",
        "tensorrt-cu12-bindings",
        "tensorrt-cu12-libs",
    ),
)
RTX = Flavour(
    name="TensorRT-RTX",
    module="tensorrt_rtx",
    extra="rtx",
    library="tensorrt_rtx",
    distributions=(
        "tensorrt-rtx-cu13",
        "tensorrt-rtx-cu13-bindings",
        "tensorrt-rtx-cu13-libs",
        "tensorrt-rtx-cu12",
        "tensorrt-rtx-cu12-bindings",
        "tensorrt-rtx-cu12-libs",
    ),
    targets=("sm75", "sm80", "sm86", "sm89", "sm120", "sm121"),
)
