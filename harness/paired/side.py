"""One side of a pair: a case made ready, and the place where its workers live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engines import registry
from harness.machine.cpu import read_cpu
from harness.machine.reading import Tree
from results.comparable import Terms

if TYPE_CHECKING:
    from harness.launch import Workplace
    from harness.staging import Ready
    from harness.telemetry.watch import Watch
    from results.paired import SideLaunch


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A case on one side; `role` is `BASELINE` or `CANDIDATE` of `results/paired.py`."""

    role: str
    ready: Ready
    workplace: Workplace

    @property
    def own_workplace(self) -> Workplace:
        """Return the workplace whose workers write a log of this side's own."""
        return replace(self.workplace, role=self.role)

    @property
    def watch(self) -> Watch | None:
        """Return the watch of the side's device, None where it is not asked about itself."""
        return self.workplace.watch(self.ready)


def terms(side: Side, launch: SideLaunch) -> Terms:
    """Return what must be equal on both sides, as the side's launch found it."""
    ready = side.ready
    return Terms(
        protocol=launch.protocol,
        device=device_name(side),
        inputs_sha256=ready.inputs.sha256,
        precision=ready.planned.case.precision,
        effective_precision=launch.facts.get("effective_precision") or ready.prepared.precision,
    )


def device_name(side: Side) -> str:
    """Return a GPU's UUID; of another device its kind and the CPU's model."""
    backend = registry.get(side.ready.planned.case.backend)
    device = side.workplace.devices[backend.device]
    model = read_cpu_model()
    return device.uuid or (f"{device.kind} ({model})" if model else device.kind)


def read_cpu_model() -> str:
    """Return what the CPU calls itself, "" where the machine does not tell."""
    return read_cpu(Tree()).values["model"] or ""
