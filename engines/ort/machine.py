"""What an optimized graph depends on beside model and options: the runtime and the CPU.

From the level `layout` on, ONNX Runtime arranges weights for the vector width of the CPU it runs
on; such a graph is wrong, or slow, for another.
"""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

_BINDING = "capi/onnxruntime_pybind11_state*"
"""The library that the package `onnxruntime` loads."""
_MODEL = ("vendor_id", "cpu family", "model", "model name", "stepping")
_ARM_MODEL = ("CPU implementer", "CPU architecture", "CPU variant", "CPU part")
_FEATURES = ("flags", "Features")


@cache
def runtime_versions() -> str:
    """Return the distributions that install the runtime, such as `onnxruntime 1.23.0`.

    There are many (-gpu, -openvino, nightly ones); of a runtime without one, such as a build of
    one's own on PYTHONPATH, the hash of its library is told. Costs about 0.1 s, once.
    """
    names = sorted(set(packages_distributions().get("onnxruntime", ())))
    return " ".join(f"{name} {version(name)}" for name in names) or _library_sha256()


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


def _library_sha256() -> str:
    """Return the hash of the runtime's library; empty where there is none, which builds nothing."""
    spec = find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        return ""
    digest = hashlib.sha256()
    for path in sorted(Path(spec.origin).parent.glob(_BINDING)):
        digest.update(path.read_bytes())
    return f"onnxruntime sha256 {digest.hexdigest()}"
