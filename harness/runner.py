"""A run: prepare, build, then rotate launches until every case is closed; each step is stored."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engines import registry
from harness.build import Builder, Built
from harness.child import ChildError
from harness.launch import Ready, Workplace, launch
from harness.outcome import failed
from harness.plan import PROCESS_START_S, own_pass_s
from harness.prepare import Inputs, Prepared, prepare_models, store_inputs
from harness.records import case_record
from harness.resume import check_inputs, check_models
from harness.room import engine_refusal
from harness.rotation import CaseProgress, round_order, seconds_left, stopped_by
from harness.telemetry.own_pass import run_own_pass
from harness.telemetry.watch import watching
from harness.timing import stopwatch
from results import metrics, summaries
from results.record import Failed, Measured, RunEnd
from results.store import StoreError
from suites.errors import reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from engines.cache.cache import EngineCache
    from harness.folders import Folders
    from harness.observer import Observer
    from harness.plan import Plan, PlannedCase
    from harness.resume import Earlier
    from harness.telemetry.watch import Watch
    from results.record import CaseRecord, Outcome, RunRecord
    from results.store import Store
    from suites.suite import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Carries out a plan. `closure` is the worker's copy that every child starts from.

    `earlier` is None but where the run is resumed; then the plan holds the outcomes of the cases
    that are closed.
    """

    plan: Plan
    run: RunRecord
    store: Store
    folders: Folders
    cache: EngineCache
    closure: Path
    observer: Observer
    earlier: Earlier | None = None
    _inputs: dict[int, Inputs] = field(default_factory=dict)
    _without_inputs: dict[int, Failed] = field(default_factory=dict)
    _records: dict[int, CaseRecord] = field(default_factory=dict)
    _watches: dict[str, Watch] = field(default_factory=dict)

    def execute(self) -> None:
        """Run to the end. On KeyboardInterrupt the run ends as interrupted, and that is raised.

        Raises StoreError; the run is then left without an end, as a killed one is. Raises
        ResumeError before anything of a resume is stored.
        """
        kinds = {registry.get(planned.case.backend).device for planned in self.plan.runnable}
        devices = [self.plan.devices[kind] for kind in sorted(kinds)]
        idle = self.plan.suite.measure.telemetry_s > 0
        with watching(devices, idle=idle) as watches:
            self._watches.update(watches)
            self._execute()

    def _execute(self) -> None:
        if self.earlier is None:
            prepared = None
            self.store.add_run(self.run)
        else:
            prepared = self._prepare()
            self.store.add_resume(self.run.id, self.earlier.resume)
        closed = len(self.earlier.closed) if self.earlier else None
        self.observer.started(self.run.id, self.plan, closed=closed)
        try:
            self._measure(self.ready(prepared))
        except StoreError as error:
            raise StoreError(f"{error} What was measured is kept; go on with --resume.") from error
        except BaseException:
            self._end("interrupted")
            raise
        self._end("done")

    def ready(self, prepared: Mapping[str, Prepared | Failed] | None = None) -> list[Ready]:
        """Prepare and build; store and close the cases that fail, return the others."""
        self._settle()
        return self._build(self._prepare() if prepared is None else prepared)

    def _settle(self) -> None:
        """Store and tell the cases that the plan itself has closed."""
        known = self.earlier.closed if self.earlier else frozenset()
        settled = [
            (case, case.outcome)
            for case in self.plan.cases
            if case.outcome is not None and case.position not in known
        ]
        records = [(case_record(case), outcome) for case, outcome in settled]
        self.store.add_settled(self.run.id, records)
        for case, outcome in settled:
            self.observer.closed(case.case, outcome)

    def _prepare(self) -> Mapping[str, Prepared | Failed]:
        """Prepare the models and inputs of the cases that are to be tried. Raises ResumeError."""
        runnable = self.plan.runnable
        names = sorted({planned.case.model for planned in runnable})
        self.observer.preparing("models", 0, len(names))
        prepared = prepare_models(self.plan.suite, self.plan.models, names, self.folders)
        models = {model.name: model for model in self.plan.suite.models}
        for planned in runnable:
            if isinstance(prepared[planned.case.model], Prepared):
                found = self._store_inputs(planned, models[planned.case.model])
                if isinstance(found, Inputs):
                    self._inputs[planned.position] = found
                else:
                    self._without_inputs[planned.position] = found
        if self.earlier is not None:
            check_models(self.earlier.records, prepared)
            check_inputs(self.earlier.records, self._inputs)
        return prepared

    def _store_inputs(self, planned: PlannedCase, model: Model) -> Inputs | Failed:
        try:
            return store_inputs(
                model,
                self.plan.models[model.name],
                planned.case,
                seed=self.run.seed,
                folders=self.folders,
            )
        except ChildError as error:
            return failed(error)
        except OSError as error:
            hint = "Mend that, or name another folder with --store."
            message = f"{error.filename}: {reason(error)}"
            return Failed(kind="disk", message=message, hint=hint)

    def _build(self, prepared: Mapping[str, Prepared | Failed]) -> list[Ready]:
        """Build each case's engine; those that fail are closed."""
        waiting: list[tuple[PlannedCase, Prepared]] = []
        for planned in self.plan.runnable:
            model = prepared[planned.case.model]
            if isinstance(model, Prepared) and planned.position in self._inputs:
                waiting.append((planned, model))
                continue
            self._add_case(case_record(planned))
            failure = (
                self._without_inputs[planned.position] if isinstance(model, Prepared) else model
            )
            self._close(planned, failure)
        ready: list[Ready] = []
        builder = Builder(
            cache=self.cache,
            closure=self.closure,
            folders=self.folders,
            devices=self.plan.devices,
            timeout_s=self.plan.suite.measure.timeout_s,
        )
        with closing(builder.build_all(waiting)) as building:
            for done, (planned, model, result) in enumerate(building, 1):
                inputs = self._inputs[planned.position]
                built = result if isinstance(result, Built) else None
                sha256 = inputs.sha256
                record = case_record(planned, prepared=model, inputs_sha256=sha256, built=built)
                self._add_case(record)
                if not isinstance(result, Built):
                    self._close(planned, result)
                elif (refusal := self._refusal(planned, result)) is not None:
                    self._close(planned, refusal)
                else:
                    ready.append(Ready(planned=planned, built=result, inputs=inputs))
                self.observer.preparing("engines", done, len(waiting))
        from_cache = {entry.built.key: entry.built.cached for entry in ready}
        cached = sum(from_cache.values())
        built_now = len(from_cache) - cached
        self.observer.prepared(len(ready), len(waiting), built=built_now, cached=cached)
        return sorted(ready, key=lambda entry: entry.planned.position)

    def _refusal(self, planned: PlannedCase, built: Built) -> Outcome | None:
        """Return that the built engine is more than its device has room for, or None."""
        device = self.plan.devices[registry.get(planned.case.backend).device]
        return engine_refusal(planned, built, self.plan.models[planned.case.model], device)

    def _measure(self, ready: list[Ready]) -> None:
        """Rotate launches over the open cases until none is open."""
        cases = {entry.planned.position: entry for entry in ready}
        progress = {position: CaseProgress(position=position) for position in cases}
        number = 0
        while progress:
            for position in round_order(tuple(progress), seed=self.run.seed, number=number):
                outcome = self._launch(cases[position], progress)
                if outcome is not None:
                    del progress[position]
                    self._finish(cases[position], outcome)
            number += 1

    def _launch(self, ready: Ready, progress: dict[int, CaseProgress]) -> Outcome | None:
        """Run the case's next launch, store it, and return the outcome if that closes the case."""
        suite, planned = self.plan.suite, ready.planned
        before = progress[planned.position]
        guess_s = PROCESS_START_S + suite.measure.launch_s
        left_s = seconds_left(tuple(progress.values()), suite.measure, launch_s=guess_s)
        left_s += self._passes_left_s(progress)
        self.observer.launching(planned.case, before, left_s=left_s)
        passed_ns = stopwatch()
        try:
            record = launch(
                ready,
                before.launches,
                workplace=self._workplace,
            )
        except ChildError as error:
            return failed(error)
        record = replace(record, attempt=self._attempt)
        self.store.add_launch(self.run.id, planned.position, record)
        after = before.after(metrics.launch_statistic(record), passed_ns() / 1e9)
        progress[planned.position] = after
        self.observer.launched(planned.case, after)
        rule = stopped_by(after, suite.measure)
        return None if rule is None else Measured(stopped_by=rule)

    def _passes_left_s(self, positions: Collection[int]) -> float:
        """Return a guess of what the telemetry of these cases takes."""
        waiting = [case for case in self.plan.runnable if case.position in positions]
        kinds = [registry.get(planned.case.backend).device for planned in waiting]
        return sum(own_pass_s(kind, self.plan.suite.measure) for kind in kinds)

    def _finish(self, ready: Ready, outcome: Outcome) -> None:
        """Close the case; one that is measured has its telemetry pass before, beside no launch."""
        watch = self._workplace.watch(ready)
        if isinstance(outcome, Measured) and watch and self.plan.suite.measure.telemetry_s:
            self.observer.watching(ready.planned.case)
            record = run_own_pass(ready, watch, self._workplace)
            record = replace(record, attempt=self._attempt)
            self.store.add_telemetry(self.run.id, ready.planned.position, record)
        self._close(ready.planned, outcome)

    @property
    def _workplace(self) -> Workplace:
        return Workplace(
            measure=self.plan.suite.measure,
            closure=self.closure,
            folders=self.folders,
            devices=self.plan.devices,
            watches=self._watches,
        )

    @property
    def _attempt(self) -> int:
        return self.earlier.resume.number if self.earlier else 0

    def _end(self, state: str) -> None:
        """Store the end, never before the start: the clock may have been set back meanwhile."""
        began_at = self.earlier.resume.resumed_at if self.earlier else self.run.started_at
        end = RunEnd(ended_at=max(time.time(), began_at), state=state)
        self.store.end_run(self.run.id, end)

    def _add_case(self, record: CaseRecord) -> None:
        """Add the case, unless an earlier attempt of the run has."""
        known = self.earlier.records.get(record.position) if self.earlier else None
        self._records[record.position] = known or record
        if known is None:
            self.store.add_case(self.run.id, record)

    def _close(self, planned: PlannedCase, outcome: Outcome) -> None:
        self.store.add_outcome(self.run.id, planned.position, outcome)
        if isinstance(outcome, Measured):
            summaries.close(self.store, self.run.id, self._records[planned.position])
        self.observer.closed(planned.case, outcome)
