"""Whether a CUDA device was disturbed while a block of a pair ran, by what NVML tells between them.

Not within a block: asking disturbs. The limits are those of docs/measuring.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.machine.reading import collect
from harness.telemetry.gpu import others, worker_among
from results.paired import SIDES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.telemetry.watch import Watch

SLOWED_BY = frozenset(
    {"hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown"}
)
"""Reasons for a clock that mean a disturbance (NVML's 0x8, 0x20, 0x40, 0x80).

A power cap (0x4) is none: a device under load sits at it, on both sides alike.
"""
CLOCK_TOLERANCE = 0.02
"""A quad's blocks of both sides that ran side by side may differ in SM clock by this fraction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What NVML told at one moment; None where it did not. `others` are pids of no worker."""

    reasons: Sequence[str] | None
    sm_mhz: int | None
    others: Sequence[int] | None

    @property
    def is_told(self) -> bool:
        """Return whether both are known that a device must tell of."""
        return self.sm_mhz is not None and self.reasons is not None

    @property
    def is_disturbed(self) -> bool:
        """Return whether the device was slowed down or had another process."""
        return not SLOWED_BY.isdisjoint(self.reasons or ()) or bool(self.others)


class Disturbance:
    """Reads the device before the first block of a pair and after each; made before the workers."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch
        self._gpu = watch.gpu if watch else None
        self._before = self._processes()
        self._workers: set[int] = set()
        self._states: list[_State] = []

    def arrived(self, pid: int) -> None:
        """Take note of a worker that is on the device by now; `pid` is what it calls itself."""
        now = self._processes()
        worker = worker_among(pid, self._before)(dict.fromkeys(now))
        self._before = now
        if worker is not None:
            self._workers.add(worker)

    def read(self) -> None:
        """Read the device, just before the first block and just after each one."""
        gpu = self._gpu
        if gpu is None:
            return
        state = gpu.state()
        told = collect(
            {
                "clock_reasons": state["clock_reasons"],
                "sm_mhz": state["sm_mhz"],
                "others": lambda: self._strangers(others(gpu.processes(), lambda _: None)),
            }
        ).values
        self._states.append(
            _State(reasons=told["clock_reasons"], sm_mhz=told["sm_mhz"], others=told["others"])
        )

    def disturbed(self) -> NDArray[np.bool_] | None:
        """Return which blocks were disturbed, in run order; None where NVML does not tell.

        What is told at some readings and not at others counts as a disturbance there. Other
        processes are often hidden from containers: where they are, they are not looked for.
        """
        states = self._states
        if len(states) < 2 or not any(state.is_told for state in states):
            return None
        at_edges = np.array([state.is_disturbed or not state.is_told for state in states])
        mhz = self.sm_mhz()
        partner = mhz.reshape(-1, 2)[:, ::-1].ravel()
        apart = np.abs(mhz - partner) > CLOCK_TOLERANCE * np.maximum(mhz, partner)
        found: NDArray[np.bool_] = at_edges[:-1] | at_edges[1:] | apart
        return found

    def sm_mhz(self) -> NDArray[np.float64]:
        """Return the SM clock just after each block [MHz], NaN where it is not told."""
        told = [state.sm_mhz for state in self._states[1:]]
        return np.array([np.nan if mhz is None else mhz for mhz in told], np.float64)

    def covariates(self) -> dict[str, Any]:
        """Return `gpu`, as a launch's covariates have it; nothing without a device."""
        if self._gpu is None:
            return {}
        state: dict[str, Any] = collect(self._gpu.state()).values
        pids = self._states[-1].others if self._states else None
        count = None if pids is None else len(pids)
        return {"gpu": {**state, "other_pids": pids, "other_processes": count}}

    def _processes(self) -> frozenset[int]:
        return self._watch.processes() if self._watch else frozenset()

    def _strangers(self, pids: Sequence[int]) -> list[int] | None:
        """Return the pids of no worker; None where not both workers are known among them."""
        known = len(self._workers) == len(SIDES)
        return [pid for pid in pids if pid not in self._workers] if known else None
