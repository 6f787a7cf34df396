"""A run: prepare, build, then rotate launches until every case is closed; each step is stored."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from engines import registry
from harness.build import Built, build
from harness.child import ChildError, child_pool
from harness.launch import Ready, launch
from harness.outcome import failed
from harness.plan import PROCESS_START_S
from harness.prepare import Inputs, Prepared, prepare_models, store_inputs
from harness.records import case_record
from harness.rotation import CaseProgress, round_order, seconds_left, stopped_by
from harness.timing import stopwatch
from results.record import Failed, Measured, RunEnd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from harness.folders import Folders
    from harness.observer import Observer
    from harness.plan import Plan, PlannedCase
    from results.record import Outcome, RunRecord
    from results.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Carries out a plan. `closure` is the worker's copy that every child starts from."""

    plan: Plan
    run: RunRecord
    store: Store
    folders: Folders
    closure: Path
    observer: Observer
    _inputs: dict[int, Inputs] = field(default_factory=dict)

    def execute(self) -> None:
        """Run to the end. On KeyboardInterrupt the run ends as interrupted, and that is raised."""
        self.store.add_run(self.run)
        self.observer.started(self.run.id, self.plan)
        state = "interrupted"
        try:
            self._measure(self.ready())
            state = "done"
        finally:
            shutil.rmtree(self.folders.engines, ignore_errors=True)
            self.store.end_run(self.run.id, RunEnd(ended_at=time.time(), state=state))

    def ready(self) -> list[Ready]:
        """Prepare and build; store and close the cases that fail, return the others."""
        return self._build(self._prepare())

    def _prepare(self) -> Mapping[str, Prepared | Failed]:
        """Settle what the plan has settled, and prepare the models and inputs of the rest."""
        settled = [(case, case.outcome) for case in self.plan.cases if case.outcome is not None]
        records = [(case_record(case), outcome) for case, outcome in settled]
        self.store.add_settled(self.run.id, records)
        for case, outcome in settled:
            self.observer.closed(case.case, outcome)
        runnable = self.plan.runnable
        names = sorted({planned.case.model for planned in runnable})
        self.observer.preparing("models", 0, len(names))
        prepared = prepare_models(self.plan.suite, self.plan.models, names, self.folders)
        models = {model.name: model for model in self.plan.suite.models}
        for planned in runnable:
            name = planned.case.model
            if isinstance(prepared[name], Prepared):
                self._inputs[planned.position] = store_inputs(
                    models[name],
                    self.plan.models[name],
                    planned.case,
                    seed=self.run.seed,
                    folders=self.folders,
                )
        return prepared

    def _build(self, prepared: Mapping[str, Prepared | Failed]) -> list[Ready]:
        """Build each case's engine; those that fail are closed."""
        waiting: list[tuple[PlannedCase, Prepared]] = []
        for planned in self.plan.runnable:
            model = prepared[planned.case.model]
            if isinstance(model, Prepared):
                waiting.append((planned, model))
            else:
                self.store.add_case(self.run.id, case_record(planned))
                self._close(planned, model)
        ready: list[Ready] = []
        for done, (planned, model, result) in enumerate(self._builds(waiting), 1):
            inputs = self._inputs[planned.position]
            built = result if isinstance(result, Built) else None
            record = case_record(planned, prepared=model, inputs_sha256=inputs.sha256, built=built)
            self.store.add_case(self.run.id, record)
            if isinstance(result, Built):
                ready.append(Ready(planned=planned, built=result, inputs=inputs))
            else:
                self._close(planned, result)
            self.observer.preparing("engines", done, len(waiting))
        self.observer.prepared("engines", len(ready), len(waiting))
        return sorted(ready, key=lambda entry: entry.planned.position)

    def _builds(
        self, waiting: list[tuple[PlannedCase, Prepared]]
    ) -> Iterator[tuple[PlannedCase, Prepared, Built | Failed]]:
        """Yield builds as they end: host builds side by side first, then one by one on devices."""
        on_device = {name: registry.get(name).builds_on_device for name in self._backends()}
        host = [entry for entry in waiting if not on_device[entry[0].case.backend]]
        device = [entry for entry in waiting if on_device[entry[0].case.backend]]
        with child_pool() as pool:
            futures: dict[Future[Built | Failed], tuple[PlannedCase, Prepared]] = {
                pool.submit(self._build_one, *entry): entry for entry in host
            }
            for future in as_completed(futures):
                yield (*futures[future], future.result())
        for planned, model in device:
            yield planned, model, self._build_one(planned, model)

    def _build_one(self, planned: PlannedCase, model: Prepared) -> Built | Failed:
        try:
            return build(
                planned,
                model,
                closure=self.closure,
                folders=self.folders,
                timeout_s=self.plan.suite.measure.timeout_s,
            )
        except ChildError as error:
            return failed(error)

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
                    self._close(cases[position].planned, outcome)
                    cases[position].built.remove()
            number += 1

    def _launch(self, ready: Ready, progress: dict[int, CaseProgress]) -> Outcome | None:
        """Run the case's next launch, store it, and return the outcome if that closes the case."""
        suite, planned = self.plan.suite, ready.planned
        before = progress[planned.position]
        guess_s = PROCESS_START_S + suite.measure.launch_s
        left_s = seconds_left(tuple(progress.values()), suite.measure, launch_s=guess_s)
        self.observer.launching(planned.case, before, left_s=left_s)
        passed_ns = stopwatch()
        try:
            record = launch(
                ready,
                before.launches,
                measure=suite.measure,
                closure=self.closure,
                folders=self.folders,
            )
        except ChildError as error:
            return failed(error)
        self.store.add_launch(self.run.id, planned.position, record)
        after = before.after(float(np.median(record.wall_ns)), passed_ns() / 1e9)
        progress[planned.position] = after
        self.observer.launched(planned.case, after)
        rule = stopped_by(after, suite.measure)
        return None if rule is None else Measured(stopped_by=rule)

    def _close(self, planned: PlannedCase, outcome: Outcome) -> None:
        self.store.add_outcome(self.run.id, planned.position, outcome)
        self.observer.closed(planned.case, outcome)

    def _backends(self) -> set[str]:
        return {planned.case.backend for planned in self.plan.cases}
