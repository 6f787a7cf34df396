"""What a baseline needs of this machine: its interpreter's versions, and the devices it ran on."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from engines import registry
from harness.machine.cpu import read_cpu
from harness.machine.reading import Tree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from engines.contract import Device
    from harness.paired.interpreter import Interpreter
    from harness.plan import Plan
    from results.baseline import Baseline


_ALWAYS = ("numpy", "python")
_OF_CUDA = ("cuda-", "nvidia-", "onnxruntime-ep-", "pycuda", "tensorrt")
"""How the names begin of what a backend on a CUDA device may load beside its own wheel."""


class BaselineError(Exception):
    """A baseline cannot be pinned or used. The message is one line for the user."""


def backends_of(baseline: Baseline) -> tuple[str, ...]:
    """Return the backends whose versions the baseline has pinned.

    They are all that there are for an interpreter that waits for its first gate.
    """
    if not baseline.suite:
        return registry.names()
    return tuple(sorted({pinned.case.backend for pinned in baseline.cases}))


def needed(versions: Mapping[str, str], backends: Collection[str]) -> dict[str, str]:
    """Return those of the versions that these backends depend on.

    What belongs to CUDA cannot move a time on a CPU, nor one runtime those of another.
    """
    known = [registry.get(name) for name in backends if name in registry.names()]
    runtimes = {each.distribution.removesuffix("-gpu") for each in known}
    names = {*_ALWAYS, *runtimes, *(f"{runtime}-gpu" for runtime in runtimes)}
    prefixes = _OF_CUDA if any(each.device == "cuda" for each in known) else ()
    return {
        name: version
        for name, version in versions.items()
        if name in names or name.startswith(prefixes)
    }


def check_versions(baseline: Baseline, interpreter: Interpreter) -> None:
    """Raise BaselineError where the interpreter no longer holds what was pinned.

    It was probed for `backends_of(baseline)`; only what these need is compared.
    """
    backends = backends_of(baseline)
    pinned, found = needed(baseline.versions, backends), needed(interpreter.versions, backends)
    changed = sorted(name for name in {*pinned, *found} if pinned.get(name) != found.get(name))
    if not changed:
        return
    several = len(changed) > 1
    got = _spell(changed, found) if several else found.get(changed[0], "nothing")
    if baseline.suite:
        remedy = f"pin anew with 'dyno baseline rebase {baseline.name} SUITE --anew'"
    else:
        remedy = "pin it under another name"
    raise BaselineError(
        f"{baseline.name}: expected {_spell(changed, pinned)} in {baseline.python} as pinned, "
        f"got {got}. Restore that environment, or {remedy}."
    )


def identities(plan: Plan) -> dict[str, str]:
    """Return what identifies the device of each kind that a case to be tried runs on."""
    kinds = sorted({registry.get(planned.case.backend).device for planned in plan.runnable})
    return {kind: identity(plan.devices[kind]) for kind in kinds}


@cache
def identity(device: Device) -> str:
    """Return what identifies the device: a GPU's name and UUID, a CPU's model and usable CPUs."""
    if device.kind == "cpu":
        return cpu_identity(Tree())
    return " ".join(part for part in (device.name, device.uuid) if part) or device.kind


def cpu_identity(tree: Tree) -> str:
    """Return the CPU's model, and how much of it this process may use."""
    facts = read_cpu(tree).values
    parts = [facts["model"] or "unknown CPU"]
    if facts["usable_cpus"]:
        count = len(facts["usable_cpus"])
        parts.append(f"{count} usable CPU{'' if count == 1 else 's'}")
    if facts["quota_cpus"]:
        parts.append(f"quota {facts['quota_cpus']:g} CPUs")
    return ", ".join(parts)


def _spell(names: Iterable[str], versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {versions.get(name, 'missing')}" for name in names)
