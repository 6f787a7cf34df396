"""The plan of a run: every case of a suite, and which of them are settled before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engines import registry
from engines.contract import resolve_options
from harness.devices import find_devices
from harness.folders import DEFAULT_STORE
from harness.inspect import Inspected, inspect_models
from harness.machine.reading import Tree
from harness.protocol import warmup_rule
from harness.room import Room
from harness.rotation import CaseProgress, seconds_left
from results.record import Failed, Skipped
from suites.case import PRECISIONS
from suites.inputs import check_input_files
from suites.matrix import Planned, expand, select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engines.contract import Backend, Device
    from results.record import Outcome
    from suites.case import Case, OptionValue
    from suites.suite import Measure, Suite
    from suites.vocabulary import Vocabulary

PROCESS_START_S = 0.35
"""Start, imports and open of a worker; seen on two shared cores with ONNX Runtime."""
BUILD_S = 0.5
WARMUP_WINDOWS_S = 0.4
"""Eight blocks of 50 ms, the fewest that show a steady state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCase:
    """A case with its backend's options resolved. `outcome` is None where it is to be tried."""

    position: int
    case: Case
    options: Mapping[str, OptionValue]
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A suite expanded and judged on this machine. `estimate_s` is a guess of the whole run.

    `devices` has the device of each kind that a backend of the suite runs on.
    """

    suite: Suite
    models: Mapping[str, Inspected]
    devices: Mapping[str, Device]
    cases: tuple[PlannedCase, ...]
    estimate_s: float

    @property
    def runnable(self) -> tuple[PlannedCase, ...]:
        """Return the cases that are to be tried."""
        return tuple(case for case in self.cases if case.outcome is None)


def make_plan(
    suite: Suite,
    vocabulary: Vocabulary,
    *,
    only: Sequence[tuple[str, str]] = (),
    store: Path = DEFAULT_STORE,
    keep: bool = False,
) -> Plan:
    """Return the plan. Raises SuiteError for a suite that cannot be expanded.

    `store` has the fetched models; with `keep` it takes those that Python functions build.
    """
    models = inspect_models(suite, store=store, keep=keep)
    signatures = {name: model.signature for name, model in models.items()}
    planned = select(expand(suite, signatures, vocabulary), only)
    check_input_files(suite, planned, signatures)
    room = Room(signatures, Tree())
    backends = {name: registry.get(name) for name in {entry.case.backend for entry in planned}}
    devices = find_devices({backend.device for backend in backends.values()})
    missing = {name: backend.unavailable() for name, backend in backends.items()}
    cases = tuple(
        PlannedCase(
            position=position,
            case=entry.case,
            options=resolve_options(backends[entry.case.backend], entry.case),
            outcome=_settled(
                entry,
                backends[entry.case.backend],
                missing[entry.case.backend],
                devices[backends[entry.case.backend].device],
                models[entry.case.model].precision,
                required=entry.case.backend in suite.require,
            )
            or models[entry.case.model].outcome
            or room.refusal(entry.case),
        )
        for position, entry in enumerate(planned)
    )
    plan = Plan(suite=suite, models=models, devices=devices, cases=cases, estimate_s=0.0)
    return replace(plan, estimate_s=_estimate_s(plan.runnable, suite.measure, backends))


def _settled(
    entry: Planned,
    backend: Backend,
    missing: str | None,
    device: Device,
    own: str,
    *,
    required: bool,
) -> Skipped | Failed | None:
    """Return why the case need not be tried, or None."""
    case = entry.case
    if entry.skip is not None:
        return Skipped(reason=entry.skip)
    if missing is not None and required:
        return Failed(
            kind="environment",
            message=f"{case.backend}: {missing}",
            hint=f"The suite requires {case.backend}.",
        )
    if missing is not None:
        return Skipped(reason=f"{case.backend}: {missing}")
    if (reason := backend.unsupported(case, device)) is not None:
        return Skipped(reason=reason)
    if case.precision != own:
        advice = (
            f"ask for {own}" if own in PRECISIONS else f"convert it; {own} is no precision here"
        )
        reason = f"the model is {own}; dyno cannot make it {case.precision} yet: {advice}"
        return Skipped(reason=reason)
    return None


def _estimate_s(
    cases: Sequence[PlannedCase], measure: Measure, backends: Mapping[str, Backend]
) -> float:
    """Return a guess of the run's time, for queries that are short beside a block."""
    total = 0.0
    for name, backend in backends.items():
        count = sum(case.case.backend == name for case in cases)
        warmup_s = max(warmup_rule(backend.device).seconds, WARMUP_WINDOWS_S)
        launch_s = PROCESS_START_S + warmup_s + measure.launch_s
        fresh = CaseProgress(position=0)
        total += count * (BUILD_S + seconds_left([fresh], measure, launch_s=launch_s))
    return total
