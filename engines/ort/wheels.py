"""Which ONNX Runtime is installed, told from its files: nothing of it is imported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

OLDEST = (1, 24)
"""The first version that tells which nodes run on which provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A distribution that owns the package `onnxruntime`."""

    name: str
    version: str


def folder() -> Path | None:
    """Return the folder of the package `onnxruntime`, or None where it is not installed."""
    spec = find_spec("onnxruntime")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def missing(extra: str) -> str | None:
    """Return why no backend of ONNX Runtime can run here and what to install, or None.

    There are many wheels (-gpu, -directml, nightly ones) with the same package: of two of them the
    one installed last runs, and removing either breaks the other.
    """
    package = folder()
    if package is None:
        return f"onnxruntime is not installed. Install dyno with the '{extra}' extra."
    found = wheels(package)
    if len(found) > 1:
        told = " and ".join(f"{wheel.name} {wheel.version}" for wheel in found)
        names = " ".join(wheel.name for wheel in found)
        return (
            f"{told} are both installed and overwrite each other's files. "
            f"Run `pip uninstall {names}`, then install dyno with the '{extra}' extra."
        )
    if found and _numbers(found[0].version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        told = f"{found[0].name} {found[0].version}"
        return f"{told} cannot tell where nodes run. Install {found[0].name} {oldest} or newer."
    return None


def wheels(package: Path) -> tuple[Wheel, ...]:
    """Return the distributions that own the package, sorted; none for a build of one's own."""
    infos = {
        *package.parent.glob("*onnxruntime*.dist-info"),
        *package.parent.glob("ort_*.dist-info"),
    }
    return tuple(_wheel(info) for info in sorted(infos) if _owns_package(info))


def lacks(provider: str) -> str | None:
    """Return that the installed wheel brings no library of that provider, or None.

    `provider` is the word in the library's name, such as `cuda`.
    """
    library = provider_library(provider)
    if library is not None and library.exists():
        return None
    package = folder()
    found = wheels(package) if package else ()
    name = found[0].name if found else "onnxruntime"
    cuda = provider_library("cuda")
    if library is not None and cuda is not None and cuda.exists():
        return f"the installed {name} was made without that provider: it has no {library.name}."
    return (
        f"the installed {name} is the CPU one: it has no libonnxruntime_providers_{provider}.so. "
        f"Run `pip uninstall {name}`, then install dyno with the 'gpu' extra."
    )


def provider_library(provider: str) -> Path | None:
    """Return where the library of a provider is or would be; None without the package."""
    package = folder()
    return package and package / "capi" / f"libonnxruntime_providers_{provider}.so"


def cuda_version() -> str:
    """Return the CUDA version that the wheel was made for, such as `13.0`; empty where untold."""
    package = folder()
    told = package / "capi" / "build_and_package_info.py" if package else None
    if told is None or not told.exists():
        return ""
    found = re.search(
        r"""^cuda_version\s*=\s*["']([\d.]+)""", told.read_text("utf-8"), re.MULTILINE
    )
    return found[1] if found else ""


def needs_newer_driver(driver_cuda: str) -> str | None:
    """Return that the driver is too old for the wheel's CUDA, or None. `driver_cuda` as in `13.0`.

    A driver runs what was made for its own major version of CUDA and for older ones.
    """
    wheel_cuda = cuda_version()
    if not wheel_cuda or not driver_cuda or _numbers(driver_cuda)[0] >= _numbers(wheel_cuda)[0]:
        return None
    major = _numbers(driver_cuda)[0]
    return (
        f"the installed onnxruntime is made for CUDA {wheel_cuda}, the NVIDIA driver runs CUDA "
        f"{driver_cuda} and older. Update the driver, or install an onnxruntime-gpu for CUDA "
        f"{major}."
    )


def _wheel(info: Path) -> Wheel:
    name, _, version = info.name.removesuffix(".dist-info").partition("-")
    return Wheel(name=name.replace("_", "-"), version=version)


def _owns_package(info: Path) -> bool:
    record = info / "RECORD"
    if not record.exists():
        return False
    lines = record.read_text("utf-8").splitlines()
    return any(line.startswith("onnxruntime/__init__.py,") for line in lines)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
