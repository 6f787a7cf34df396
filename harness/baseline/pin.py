"""Pinning: an interpreter with its versions, and a suite's models and inputs as they are now."""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from engines import registry
from engines.cache import DEFAULT_CAP_BYTES
from engines.cache.cache import EngineCache
from harness.alive import alive
from harness.baseline.pinned import pinned_case
from harness.baseline.shelf import Shelf
from harness.baseline.site import BaselineError, identities, needed
from harness.closure import copy_closure
from harness.device_lock import devices, hold
from harness.folders import Folders, cache_folder
from harness.paired.interpreter import absolute, probe
from harness.plan import make_plan
from harness.prepare.datasets import load_datasets
from harness.prepare.variants import variant
from harness.staging import Staging
from harness.start import fresh_id
from results.baseline import Baseline, PinnedCase
from results.record import Failed, Skipped
from results.report.wording import sentences
from results.series import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from harness.paired.interpreter import Interpreter
    from harness.plan import Plan, PlannedCase
    from harness.staging import Supplies
    from results.gates import Gates
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary

_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A baseline that is made and not stored yet.

    `failed` are ids of those left out that failed here; the others were skipped.
    """

    baseline: Baseline
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinner:
    """Makes baselines in a store; `waiting` takes whom it waits for."""

    store: Path
    cache: Path | None = None
    cache_bytes: int = DEFAULT_CAP_BYTES
    device: str = ""
    wait: bool = False
    waiting: Callable[[str], None] = field(default=lambda _line: None)

    @property
    def shelf(self) -> Shelf:
        """Return where baselines keep their files."""
        return Shelf.of(self.store.resolve())

    def interpreter(self, name: str, python: str) -> Baseline:
        """Return a baseline of the interpreter alone; its first gate pins the suite's cases.

        Raises BaselineError where it has no runtime, InterpreterError.
        """
        with self._at_work() as folders:
            found = self._probe(python, registry.names(), folders)
        real = [each for each in registry.names() if not registry.get(each).simulated]
        if all(each in found.missing for each in real):
            told = sentences(*(f"{each}: {found.missing[each]}" for each in real))
            raise BaselineError(
                f"{name}: expected a runtime in {found.python}, got none: {told} "
                "Install one there, or name another interpreter with --python."
            )
        return _fresh(name, found)

    def suite(
        self,
        suite: Suite,
        vocabulary: Vocabulary,
        *,
        name: str,
        python: str,
        only: Sequence[tuple[str, str]] = (),
    ) -> Pin:
        """Return a baseline of the suite's cases, whose files are in the store.

        Raises BaselineError where no case can be pinned, InterpreterError, SuiteError,
        CacheError, DeviceChoiceError, DeviceBusyError, OSError.
        """
        plan = make_plan(
            suite, vocabulary, only=only, store=self.store, keep=True, device=self.device
        )
        kept = EngineCache.make(cache_folder(self.store, self.cache), cap_bytes=self.cache_bytes)
        what = f"baseline of suite {suite.name!r} into {self.store.resolve()}"
        locked = hold(devices(plan, building=True), what=what, wait=self.wait, waiting=self.waiting)
        with locked, self._at_work() as folders, kept.in_use():
            wanted = sorted({planned.case.backend for planned in plan.runnable})
            found = self._probe(python, wanted, folders)
            plan = within(plan, found)
            staging = Staging(
                plan=plan,
                data=load_datasets(plan),
                seed=suite.seed,
                folders=folders,
                cache=kept,
                closure=copy_closure(folders.store),
                counts=False,
            )
            supplies = staging.prepare()
            return pin_suite_of(_fresh(name, found), plan, supplies, self.shelf)

    @contextmanager
    def _at_work(self) -> Iterator[Folders]:
        """Yield the folders of this pinning, known to others as going on."""
        folders = Folders(store=self.store.resolve(), run_id=f"pin-{fresh_id(time.time())}")
        with alive(folders.store, folders.run_id):
            yield folders

    def _probe(self, python: str, backends: Sequence[str], folders: Folders) -> Interpreter:
        closure = copy_closure(folders.store)
        return probe(absolute(python), backends, closure=closure, folders=folders)


def pin_suite_of(interpreter: Baseline, plan: Plan, supplies: Supplies, shelf: Shelf) -> Pin:
    """Return a baseline of the plan's cases, in the interpreter of another baseline.

    Cases whose backend is missing there must be settled in the plan (`within`). Raises
    BaselineError where no case can be pinned, OSError.
    """
    cases: list[PinnedCase] = []
    left_out: dict[str, str] = {}
    failed: list[str] = []
    for planned in plan.cases:
        result = planned.outcome or _pinned(planned, supplies, shelf)
        if isinstance(result, Failed):
            failed.append(planned.case.id)
            left_out[planned.case.id] = sentences(f"{result.kind}: {result.message}", result.hint)
        elif isinstance(result, Skipped):
            left_out[planned.case.id] = sentences(result.reason)
        elif isinstance(result, PinnedCase):
            cases.append(result)
    if not cases:
        raise BaselineError(_nothing(interpreter, plan, left_out))
    now = time.time()
    made = replace(
        interpreter,
        id=fresh_id(now),
        suite=plan.suite.name,
        suite_sha256=plan.suite.sha256,
        pinned_at=now,
        versions=needed(interpreter.versions, {pinned.case.backend for pinned in cases}),
        seed=plan.suite.seed,
        devices=identities(plan),
        dyno_version=version("engine-dyno"),
        cases=tuple(cases),
        left_out=left_out,
    )
    return Pin(baseline=made, failed=tuple(failed))


def within(plan: Plan, interpreter: Interpreter) -> Plan:
    """Return the plan with those cases skipped whose backend the interpreter does not have."""

    def judged(planned: PlannedCase) -> PlannedCase:
        reason = interpreter.lacking(planned.case.backend)
        if planned.outcome is not None or reason is None:
            return planned
        return replace(planned, outcome=Skipped(reason=reason))

    return replace(plan, cases=tuple(map(judged, plan.cases)))


def check_name(gates: Gates, name: str, suite: str) -> None:
    """Raise BaselineError for a name that no baseline of the suite may have, or that is taken."""
    if not _NAME.fullmatch(name):
        raise BaselineError(
            f"baseline: expected a name of letters, digits, '-', '_' and '.', got {name!r}. "
            "Choose such a name."
        )
    for baseline in newest(gates.baselines(), name, suite):
        of = f"suite {suite!r}" if suite else "an interpreter"
        since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(baseline.pinned_at))
        remedy = f"use 'dyno baseline rebase {name} SUITE'" if suite else "choose another"
        raise BaselineError(
            f"{name}: expected a name that is free for {of}, got one pinned at {since}. "
            f"Baselines are never overwritten: {remedy}."
        )


def interpreter_of(gates: Gates, name: str) -> str:
    """Return the interpreter that is pinned under the name alone, or else dyno's own."""
    for baseline in newest(gates.baselines(), name, ""):
        return baseline.python
    return sys.executable


def _pinned(planned: PlannedCase, supplies: Supplies, shelf: Shelf) -> PinnedCase | Failed:
    """Return the case with its files kept, or what it failed of."""
    model = supplies.models[variant(planned)]
    if isinstance(model, Failed):
        return model
    inputs = supplies.inputs[planned.position]
    if isinstance(inputs, Failed):
        return inputs
    files = shelf.keep_model(model)
    if isinstance(files, Failed):
        return files
    shelf.keep_inputs(inputs)
    return pinned_case(planned, model, inputs, files)


def _fresh(name: str, interpreter: Interpreter) -> Baseline:
    now = time.time()
    return Baseline(
        id=fresh_id(now),
        name=name,
        suite="",
        suite_sha256="",
        pinned_at=now,
        python=interpreter.python,
        versions=interpreter.versions,
        devices={},
        seed=0,
        dyno_version=version("engine-dyno"),
    )


def _nothing(baseline: Baseline, plan: Plan, left_out: dict[str, str]) -> str:
    """Return that no case could be pinned, with the first reason."""
    case_id, why = next(iter(left_out.items()))
    return (
        f"{baseline.name}: expected a case of suite {plan.suite.name!r} to pin, got none of "
        f"{len(left_out)}: {case_id}: {why}"
    )
