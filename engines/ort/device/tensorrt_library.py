"""Which TensorRT the installed ONNX Runtime links, and whether it is here. Imports neither."""

from __future__ import annotations

import mmap
import os
import re
from importlib.util import find_spec
from pathlib import Path

from engines.ort.wheels import provider_library

LIBRARIES = ("libnvinfer", "libnvonnxparser")
_SYSTEM = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/local/lib",
)


def missing() -> str | None:
    """Return that the TensorRT which the provider links is not installed, or None."""
    major = linked_major()
    if major is None or library(f"libnvinfer.so.{major}") is not None:
        return None
    told = f"the installed onnxruntime links TensorRT {major} (libnvinfer.so.{major})"
    others = sorted(found for found in _installed_majors() if found != major)
    extra = "tensorrt10" if major == 10 else "tensorrt"
    if others:
        return (
            f"{told}, and TensorRT {others[-1]} is installed. "
            f"Install dyno with the '{extra}' extra in its place."
        )
    return f"{told}, which is not installed. Install dyno with the '{extra}' extra."


def linked_major() -> int | None:
    """Return the major version of TensorRT that the provider's library names, or None."""
    path = provider_library("tensorrt")
    if path is None or not path.exists() or not path.stat().st_size:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = re.search(rb"libnvinfer\.so\.(\d+)", data)
        return int(found[1]) if found else None


def library(name: str) -> Path | None:
    """Return where a library of TensorRT is: in its wheel, LD_LIBRARY_PATH or the system."""
    return next((path / name for path in _folders() if (path / name).exists()), None)


def _installed_majors() -> set[int]:
    names = (path.name for folder in _folders() for path in folder.glob("libnvinfer.so.*"))
    found = (re.fullmatch(r"libnvinfer\.so\.(\d+)", name) for name in names)
    return {int(match[1]) for match in found if match}


def _folders() -> list[Path]:
    spec = find_spec("tensorrt_libs")
    wheel = spec.submodule_search_locations if spec is not None else None
    given = filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":"))
    return [Path(folder) for folder in (*(wheel or ()), *given, *_SYSTEM)]
