"""The environment of a run: captured once whole, read in part around each launch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.machine.activity import read_activity, read_covariates, read_memory
from harness.machine.cpu import read_cpu
from harness.machine.gpu import read_gpus
from harness.machine.reading import Facts, Tree
from harness.machine.software import read_packages, read_python, read_source, read_system

_IDENTITY = {
    "cpu": (
        "model",
        "vendor",
        "microcode",
        "sockets",
        "cores",
        "threads_per_core",
        "online_cpus",
        "usable_cpus",
        "quota_cpus",
        "governor",
        "driver",
        "max_mhz",
        "turbo",
        "virtualised",
    ),
    "system": ("kernel", "libc"),
    "python": ("version", "implementation"),
    "source": ("dyno", "worker"),
}
_UUID_SHOWN = len("GPU-01234567")
_GPU_IDENTITY = (
    "uuid",
    "name",
    "driver",
    "cuda",
    "power_cap_watts",
    "ecc",
    "mig",
    "persistence",
    "max_sm_mhz",
    "max_memory_mhz",
)


def capture(
    *, root: Path = Path("/"), suite_file: Path | None = None, nvml: Any = None
) -> dict[str, Any]:
    """Return all that is known of the machine and its software, as nested JSON-ready data.

    What this machine does not tell is None, and `unknown` says why, by dotted path. `suite_file` is
    where the suite was read, for its commit; `nvml` stands in for pynvml, `root` for the real `/`.
    """
    tree = Tree(root=root)
    gpus, no_gpus = read_gpus(nvml)
    sections = {
        "cpu": read_cpu(tree),
        "memory": read_memory(tree),
        "activity": read_activity(tree),
        "system": read_system(tree),
        "source": read_source(suite_file),
    }
    named = {**sections, **{f"gpus.{number}": facts for number, facts in enumerate(gpus)}}
    return {
        **{name: facts.values for name, facts in sections.items()},
        "gpus": [facts.values for facts in gpus],
        "python": read_python(),
        "packages": read_packages(),
        "unknown": {**dict(_reasons(named)), **({"gpus": no_gpus} if no_gpus else {})},
    }


def readings(root: Path = Path("/")) -> dict[str, Any]:
    """Return the covariates of a launch, read before and after it; see `read_covariates`."""
    return read_covariates(Tree(root=root))


def identity(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that must agree before a run is resumed, by dotted path.

    They are the hardware and its settings, the kernel, and the versions of dyno, Python and every
    package that `capture` lists; not load, frequencies of the moment, free memory or the suite.
    """
    named = {
        f"{section}.{name}": environment.get(section, {}).get(name)
        for section, names in _IDENTITY.items()
        for name in names
    }
    packages = {
        f"packages.{name}": value for name, value in environment.get("packages", {}).items()
    }
    gpus = {
        f"gpus.{number}.{name}": gpu.get(name)
        for number, gpu in enumerate(environment.get("gpus", ()))
        for name in _GPU_IDENTITY
    }
    return {**named, **packages, **gpus}


def fingerprint(environment: Mapping[str, Any]) -> str:
    """Return 16 hex digits that differ when any field of `identity` does."""
    text = json.dumps(identity(environment), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe(environment: Mapping[str, Any]) -> str:
    """Return the machine and its software in one line, leaving out what is unknown.

    Another version of dyno, or a merged store, may have kept less than `capture` does.
    """
    kernel = environment.get("system", {}).get("kernel")
    version = environment.get("python", {}).get("version")
    parts = [
        *_describe_gpus(environment),
        *_describe_cpu(environment.get("cpu", {})),
        f"Linux {'.'.join(kernel.split('.')[:2])}" if kernel else None,
        f"Python {version}" if version else None,
        *_describe_runtimes(environment.get("packages", {})),
    ]
    return ", ".join(part for part in parts if part)


def _reasons(sections: Mapping[str, Facts]) -> Iterator[tuple[str, str]]:
    for section, facts in sections.items():
        for name, reason in facts.unknown.items():
            yield f"{section}.{name}", reason


def _describe_gpus(environment: Mapping[str, Any]) -> Iterator[str]:
    """Yield the device that the run used, or all that there are where it used none."""
    gpus, used = environment.get("gpus", ()), environment.get("device")
    if used is None:
        yield from map(_describe_gpu, gpus)
        return
    yield _describe_gpu(used)
    if len(gpus) > 1 and "uuid" in used:
        yield f"{used['uuid'][:_UUID_SHOWN]} of {len(gpus)} GPUs"


def _describe_gpu(gpu: Mapping[str, Any]) -> str:
    name, driver = gpu.get("name") or "an unknown GPU", gpu.get("driver")
    return f"{name} (driver {driver})" if driver else name


def _describe_cpu(cpu: Mapping[str, Any]) -> Iterator[str]:
    yield _short_model(cpu["model"]) if cpu.get("model") else "unknown CPU"
    if cpu.get("cores"):
        yield _describe_cores(cpu)
    if cpu.get("quota_cpus"):
        yield f"quota {cpu['quota_cpus']:g} CPUs"
    if cpu.get("governor"):
        yield f"governor {cpu['governor']}"
    if cpu.get("virtualised"):
        yield "virtual"


def _describe_cores(cpu: Mapping[str, Any]) -> str:
    cores, threads = cpu["cores"], cpu.get("threads_per_core")
    text = f"{cores} core{'s' if cores > 1 else ''}"
    if threads and threads > 1:
        text += f" × {threads} threads"
    usable, online = cpu.get("usable_cpus"), cpu.get("online_cpus")
    if usable and online and len(usable) < online:
        text += f" ({len(usable)} of {online} CPUs usable)"
    return f"{text} up to {cpu['max_mhz'] / 1000:g} GHz" if cpu.get("max_mhz") else text


def _describe_runtimes(packages: Mapping[str, str]) -> Iterator[str]:
    for name, version in packages.items():
        if name.startswith(("onnxruntime", "tensorrt")):
            yield f"{name} {version}"


def _short_model(model: str) -> str:
    """Return the model's name without marks and what the rest of the line says better."""
    plain = re.sub(r"\((R|TM|r|tm)\)|\bCPU\b|\b\d+-Core\b|\bProcessor\b|@.*", "", model)
    return " ".join(plain.split())
