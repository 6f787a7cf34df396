"""What an optimized graph depends on beside model and options: the runtime and the CPU.

From the level `layout` on, ONNX Runtime arranges weights for the vector width of the CPU it runs
on; such a graph is wrong, or slow, for another.
"""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu")
"""All of them install the package `onnxruntime`."""
_MODEL = ("vendor_id", "cpu family", "model", "model name", "stepping")
_ARM_MODEL = ("CPU implementer", "CPU architecture", "CPU variant", "CPU part")
_FEATURES = ("flags", "Features")


def runtime_versions() -> str:
    """Return the installed distributions of the runtime, such as `onnxruntime 1.23.0`."""
    return " ".join(f"{name} {found}" for name in _DISTRIBUTIONS if (found := _version(name)))


def cpu_identity(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """Return what tells kinds of CPU apart: architecture, model, and a hash of its features."""
    first = cpuinfo.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    rows = (line.partition(":") for line in first.splitlines())
    found = {name.strip(): value.strip() for name, _, value in rows}
    features = sorted(word for name in _FEATURES for word in found.get(name, "").split())
    return {
        "architecture": platform.machine(),
        "cpu": " / ".join(found[name] for name in (*_MODEL, *_ARM_MODEL) if name in found),
        "cpu_features": hashlib.sha256(" ".join(features).encode()).hexdigest()[:16],
    }


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
