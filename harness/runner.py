"""A run: prepare, build, then rotate launches until every case is closed; each step is stored."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engines import registry
from harness.accuracy.check import Checker, judged
from harness.child import ChildError
from harness.launch import Workplace, launch
from harness.ledger import Ledger
from harness.outcome import failed
from harness.plan import PROCESS_START_S, own_pass_s
from harness.records import case_record
from harness.resume import check_inputs, check_models
from harness.rotation import CaseProgress, round_order, seconds_left, stopped_by
from harness.staging import Ready, Staging
from harness.telemetry.own_pass import run_own_pass
from harness.telemetry.watch import watching
from harness.timing import stopwatch
from results import metrics
from results.record import Measured
from results.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from engines.cache.cache import EngineCache
    from harness.folders import Folders
    from harness.observer import Observer
    from harness.plan import Plan
    from harness.prepare.datasets import Datasets
    from harness.resume import Earlier
    from harness.staging import Supplies
    from harness.telemetry.watch import Watch
    from results.accuracy import AccuracyRecord
    from results.record import CaseRecord, LaunchRecord, Outcome, RunRecord
    from results.store import Store


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
    data: Datasets
    earlier: Earlier | None = None
    _records: dict[int, CaseRecord] = field(default_factory=dict)
    _rebuilt: dict[str, str] = field(default_factory=dict)
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
        supplies = None if self.earlier is None else self._prepare()
        self._ledger.start()
        closed = len(self.earlier.closed) if self.earlier else None
        self.observer.started(self.run.id, self.plan, closed=closed)
        try:
            self._measure(self.ready(supplies))
        except StoreError as error:
            raise StoreError(f"{error} What was measured is kept; go on with --resume.") from error
        except BaseException:
            self._ledger.end("interrupted")
            raise
        self._ledger.end("done")

    def ready(self, supplies: Supplies | None = None) -> list[Ready]:
        """Prepare, build and check; store and close the cases that fail, return the others."""
        self._settle()
        return self._check(self._build(self._prepare() if supplies is None else supplies))

    def _settle(self) -> None:
        """Store and tell the cases that the plan itself has closed."""
        known = self.earlier.closed if self.earlier else frozenset()
        settled = [
            (case, case.outcome)
            for case in self.plan.cases
            if case.outcome is not None and case.position not in known
        ]
        self._ledger.settle([(case_record(case), outcome) for case, outcome in settled])
        self.observer.settled([(case.case, outcome) for case, outcome in settled])

    def _prepare(self) -> Supplies:
        """Prepare what the cases are made of. Raises ResumeError."""
        supplies = self._staging.prepare(self.observer.preparing)
        if self.earlier is not None:
            check_models(self.earlier.records, supplies.models)
            check_inputs(self.earlier.records, supplies.ready_inputs)
        return supplies

    def _build(self, supplies: Supplies) -> list[Ready]:
        """Build each case's engine; those that fail are closed."""
        ready: list[Ready] = []
        total = len(self.plan.runnable)
        with closing(self._staging.build(supplies)) as staged:
            for done, (record, result) in enumerate(staged, 1):
                self._ledger.add_case(record)
                if isinstance(result, Ready):
                    ready.append(result)
                else:
                    self._close(record.position, result)
                self.observer.preparing("engines", done, total)
        from_cache = {entry.built.key: entry.built.cached for entry in ready}
        cached = sum(from_cache.values())
        built_now = len(from_cache) - cached
        self.observer.prepared(len(ready), total, built=built_now, cached=cached)
        return sorted(ready, key=lambda entry: entry.planned.position)

    def _check(self, ready: list[Ready]) -> list[Ready]:
        """Store what the cases' answers are worth; close those that fail the gate, or to answer."""
        if not self.plan.suite.measure.accuracy:
            return ready
        checker = Checker(plan=self.plan, workplace=self.workplace)
        kept = {entry.planned.position: entry for entry in ready}
        with closing(checker.check_all(ready)) as checked:
            for done, (entry, found) in enumerate(checked, 1):
                outcome = self._judge(kept, entry, found, checker)
                if outcome is not None:
                    del kept[entry.planned.position]
                    self._close(entry.planned.position, outcome)
                self.observer.preparing("answers", done, len(ready))
        return list(kept.values())

    def _judge(
        self,
        cases: dict[int, Ready],
        ready: Ready,
        found: AccuracyRecord | ChildError | None,
        checker: Checker,
    ) -> Outcome | None:
        """Store what a case's answers are worth, and return the outcome if they close it."""
        if isinstance(found, ChildError) and found.stale:
            if cases[ready.planned.position].built is ready.built:  # not for another case since
                outcome = self._build_again(cases, ready, refused=found.message)
                if outcome is not None:
                    return outcome
            found = checker.check(cases[ready.planned.position])
        if isinstance(found, ChildError):
            return failed(found)
        position, precision = ready.planned.position, ready.planned.case.precision
        if found is not None:
            self._ledger.add_accuracy(position, found)
        return judged(found, self.plan.suite.gate, precision)

    def _measure(self, ready: list[Ready]) -> None:
        """Rotate launches over the open cases until none is open."""
        cases = {entry.planned.position: entry for entry in ready}
        progress = {position: CaseProgress(position=position) for position in cases}
        number = 0
        while progress:
            for position in round_order(tuple(progress), seed=self.run.seed, number=number):
                outcome = self._launch(cases, position, progress)
                if outcome is not None:
                    del progress[position]
                    self._finish(cases[position], outcome)
            number += 1

    def _launch(
        self, cases: dict[int, Ready], position: int, progress: dict[int, CaseProgress]
    ) -> Outcome | None:
        """Run the case's next launch, store it, and return the outcome if that closes the case."""
        measure, before = self.plan.suite.measure, progress[position]
        ready, case = cases[position], cases[position].planned.case
        guess_s = PROCESS_START_S + measure.launch_s
        left_s = seconds_left(tuple(progress.values()), measure, launch_s=guess_s)
        left_s += self._passes_left_s(progress)
        self.observer.launching(case, before, left_s=left_s)
        passed_ns = stopwatch()
        try:
            record = launch(ready, before.launches, workplace=self.workplace)
        except ChildError as error:
            if error.stale and ready.built.key not in self._rebuilt:
                return self._build_again(cases, ready, refused=error.message)
            return failed(error)
        self._ledger.add_launch(position, self._noted(record, ready))
        after = before.after(metrics.launch_statistic(record), passed_ns() / 1e9)
        progress[position] = after
        self.observer.launched(case, after)
        rule = stopped_by(after, measure)
        return None if rule is None else Measured(stopped_by=rule)

    def _build_again(
        self, cases: dict[int, Ready], ready: Ready, *, refused: str
    ) -> Outcome | None:
        """Replace an engine that the runtime refused, once, for all cases that share it."""
        key = ready.built.key
        self._rebuilt[key] = refused
        result = self._staging.rebuild(ready)
        if not isinstance(result, Ready):
            return result
        for position, case in cases.items():
            if case.built.key == key:
                cases[position] = replace(case, built=result.built)
        return None

    def _noted(self, record: LaunchRecord, ready: Ready) -> LaunchRecord:
        """Return the launch with a note where its engine was built again."""
        refused = self._rebuilt.get(ready.built.key)
        notes = [] if refused is None else [f"its engine was built again: {refused}"]
        facts = {**record.facts, "notes": [*record.facts.get("notes", ()), *notes]}
        return replace(record, facts=facts)

    def _passes_left_s(self, positions: Collection[int]) -> float:
        """Return a guess of what the telemetry of these cases takes."""
        waiting = [case for case in self.plan.runnable if case.position in positions]
        kinds = [registry.get(planned.case.backend).device for planned in waiting]
        return sum(own_pass_s(kind, self.plan.suite.measure) for kind in kinds)

    def _finish(self, ready: Ready, outcome: Outcome) -> None:
        """Close the case; one that is measured has its telemetry pass before, beside no launch."""
        watch = self.workplace.watch(ready)
        if isinstance(outcome, Measured) and watch and self.plan.suite.measure.telemetry_s:
            self.observer.watching(ready.planned.case)
            record = run_own_pass(ready, watch, self.workplace)
            self._ledger.add_telemetry(ready.planned.position, record)
        self._close(ready.planned.position, outcome)

    @property
    def _staging(self) -> Staging:
        return Staging(
            plan=self.plan,
            data=self.data,
            seed=self.run.seed,
            folders=self.folders,
            cache=self.cache,
            closure=self.closure,
        )

    @property
    def workplace(self) -> Workplace:
        """Return what the run's launches share."""
        return Workplace(
            measure=self.plan.suite.measure,
            closure=self.closure,
            folders=self.folders,
            devices=self.plan.devices,
            watches=self._watches,
        )

    @property
    def _ledger(self) -> Ledger:
        return Ledger(store=self.store, run=self.run, earlier=self.earlier, records=self._records)

    def _close(self, position: int, outcome: Outcome) -> None:
        self._ledger.close(position, outcome)
        self.observer.closed(self._records[position].case, outcome)
