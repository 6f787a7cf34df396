"""The plan of a run: every case of a suite, and which of them are settled before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engines import registry
from engines.contract import resolve_options
from engines.precision.recipes import RECIPES
from harness.devices import find_devices
from harness.folders import DEFAULT_STORE
from harness.inspect import Inspected, inspect_models
from harness.machine.reading import Tree
from harness.protocol import warmup_rule
from harness.room import Room, device_refusal
from harness.rotation import CaseProgress, seconds_left
from results.record import Failed, Skipped
from suites.case import PRECISIONS
from suites.inputs import check_input_files
from suites.matrix import Planned, expand, select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engines.contract import Backend, Device
    from harness.devices import Aim
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

    @property
    def settled(self) -> tuple[tuple[Case, Outcome], ...]:
        """Return the other cases, with what became of them."""
        return tuple((each.case, each.outcome) for each in self.cases if each.outcome is not None)


def make_plan(
    suite: Suite,
    vocabulary: Vocabulary,
    *,
    only: Sequence[tuple[str, str]] = (),
    store: Path = DEFAULT_STORE,
    keep: bool = False,
    device: str = "",
    aim: Aim | None = None,
) -> Plan:
    """Return the plan. Raises SuiteError for a suite that cannot be expanded.

    `store` has the fetched models; with `keep` it takes those that Python functions build. `device`
    chooses the CUDA device as in `find_devices`; `aim` is None but where engines are only built.
    """
    models = inspect_models(suite, store=store, keep=keep)
    signatures = {name: model.signature for name, model in models.items()}
    planned = select(expand(suite, signatures, vocabulary), only)
    check_input_files(suite, planned, signatures)
    backends = {name: registry.get(name) for name in {entry.case.backend for entry in planned}}
    kinds = {backend.device for backend in backends.values()}
    devices = find_devices(kinds, device) if aim is None else aim.devices(kinds, device)
    judge = _Judge(
        suite=suite,
        models=models,
        backends=backends,
        devices=devices,
        missing={
            name: backend.unavailable() if aim is None else aim.missing(backend, devices)
            for name, backend in backends.items()
        },
        room=Room(signatures, Tree()),
    )
    cases = tuple(judge.planned(position, entry) for position, entry in enumerate(planned))
    plan = Plan(suite=suite, models=models, devices=devices, cases=cases, estimate_s=0.0)
    return replace(plan, estimate_s=_estimate_s(plan.runnable, suite.measure, backends))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """Tells what becomes of each case before anything runs."""

    suite: Suite
    models: Mapping[str, Inspected]
    backends: Mapping[str, Backend]
    devices: Mapping[str, Device]
    missing: Mapping[str, str | None]
    room: Room

    def planned(self, position: int, entry: Planned) -> PlannedCase:
        """Return the case with its options and, where it need not be tried, its outcome."""
        case, backend = entry.case, self.backends[entry.case.backend]
        options, model = resolve_options(backend, case), self.models[case.model]
        device = self.devices[backend.device]
        outcome = (
            _settled(
                entry,
                backend,
                self.missing[case.backend],
                device,
                model.precision,
                required=case.backend in self.suite.require,
            )
            or model.outcome
            or self.room.refusal(case)
            or device_refusal(case, options, model, device)
        )
        return PlannedCase(position=position, case=case, options=options, outcome=outcome)


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
    return _unconvertible(case, own, device)


def _unconvertible(case: Case, own: str, device: Device) -> Skipped | None:
    """Return why no graph of the case's precision can be had of the model, or None."""
    if case.precision == own or _is_own_in_tf32(case, own, device):
        return None
    if own != "fp32":
        remedy = f"ask for {own}" if own in PRECISIONS else "convert that elsewhere"
        return Skipped(
            reason=f"the model is {own}, and dyno makes {case.precision} of fp32 models only; "
            f"{remedy}, or export it in fp32"
        )
    if case.precision not in RECIPES:
        return Skipped(reason=f"dyno makes no {case.precision} graphs of fp32 models; use fp32")
    return None


def _is_own_in_tf32(case: Case, own: str, device: Device) -> bool:
    """Return whether tf32 is asked for: an fp32 graph whose products a CUDA device rounds."""
    return (case.precision, own, device.kind) == ("tf32", "fp32", "cuda")


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
        case_s = seconds_left([fresh], measure, launch_s=launch_s)
        answers_s = PROCESS_START_S if measure.accuracy and not backend.simulated else 0.0
        passes_s = answers_s + own_pass_s(backend.device, measure)
        total += count * (BUILD_S + case_s + passes_s)
    return total


def own_pass_s(device: str, measure: Measure) -> float:
    """Return a guess of what a case's telemetry pass takes; CPUs have none."""
    if device != "cuda" or not measure.telemetry_s:
        return 0.0
    return PROCESS_START_S + warmup_rule(device).seconds + measure.telemetry_s
