"""`dyno compare`: two cases side by side, without a baseline; nothing is stored."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engines import registry
from engines.cache import DEFAULT_CAP_BYTES
from engines.cache.cache import EngineCache
from harness.baseline.site import needed
from harness.folders import cache_folder
from harness.paired.bench import bench
from harness.paired.interpreter import absolute, probe
from harness.paired.pace import pair_s
from harness.paired.rounds import PairedCase, Rounds
from harness.paired.side import Side
from harness.paired.sides import named, refused
from harness.plan import make_plan
from harness.start import fresh_id, surroundings
from results.comparable import compare_difference, differences
from results.compare import LOOKS
from results.comparison import Comparison
from results.paired import BASELINE, CANDIDATE, SIDES
from results.record import Failed
from suites.errors import SuiteError, did_you_mean
from suites.selection import axis_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.paired.bench import Bench
    from harness.paired.interpreter import Interpreter
    from harness.paired.observer import GateObserver
    from harness.paired.sides import Stage
    from harness.plan import Plan, PlannedCase
    from results.comparable import Terms
    from results.paired import PairRecord
    from results.verdict import Verdict
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary

_PLAN = "'dyno plan' tells which cases can run here."
_INSTALL = "Install it there, or name another interpreter."


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Carries a comparison out: two cases and their interpreters, by role."""

    made: Bench
    cases: Mapping[str, PlannedCase]
    interpreters: Mapping[str, Interpreter]
    observer: GateObserver
    _differences: list[str] = field(default_factory=list)

    def execute(self) -> Comparison:
        """Return what the pairs say of the second case over the first."""
        stages = {role: self.made.stage(role, self.interpreters[role].python) for role in SIDES}
        sides = {role: self._side(stages[role]) for role in SIDES}
        baseline, candidate = sides[BASELINE], sides[CANDIDATE]
        if isinstance(baseline, Failed):
            return self._compared(baseline)
        if isinstance(candidate, Failed):
            return self._compared(candidate)
        rounds = Rounds(
            theta=self.made.plan.suite.gate.latency,
            seed=self.made.plan.suite.seed,
            observer=self.observer,
            difference=self._difference,
            rebuild=lambda side: stages[side.role].rebuild(side),
            keep=_keep_nothing,
            confirms=False,
        )
        case = PairedCase(position=0, case_id=self._name, baseline=baseline, candidate=candidate)
        estimate_s = LOOKS[0] * pair_s(registry.get(self.cases[BASELINE].case.backend).device)
        self.observer.started("comparison", 1, estimate_s=estimate_s)
        return self._compared(rounds.measure([case])[self._name].outcome)

    @property
    def _name(self) -> str:
        """Return what the comparison is called while it runs."""
        return f"{self.cases[BASELINE].case.id} against {self.cases[CANDIDATE].case.id}"

    @property
    def _unlike(self) -> tuple[str, ...]:
        """Return in what the cases differ by their definition: known without a pair."""
        return tuple(_unlike(self.cases[BASELINE], self.cases[CANDIDATE]))

    def _side(self, stage: Stage) -> Side | Failed:
        """Return the case of that role ready, or what it failed of."""
        planned = self.cases[stage.role]
        if planned.outcome is not None:
            return refused(stage.role, planned.outcome, hint=_PLAN)
        if lacking := self.interpreters[stage.role].lacking(planned.case.backend):
            return named(stage.role, Failed(kind="environment", message=lacking, hint=_INSTALL))
        plan = replace(self.made.plan, cases=(planned,))
        staging = replace(self.made.staging(stage.workplace.python), plan=plan)
        ((_, side),) = stage.staged(staging, staging.prepare(self.observer.preparing))
        return side

    def _versions(self, role: str) -> Mapping[str, str]:
        """Return the versions that the side's backend depends on."""
        return needed(self.interpreters[role].versions, [self.cases[role].case.backend])

    def _difference(self, baseline: Terms, candidate: Terms) -> str | None:
        found = [*differences(baseline, candidate), *self._unlike]
        self._differences.extend({line.partition(":")[0]: line for line in found}.values())
        return compare_difference(baseline, candidate)

    def _compared(self, outcome: Verdict | Failed) -> Comparison:
        plan = self.made.plan
        return Comparison(
            suite=plan.suite.name,
            case_a=self.cases[BASELINE].case.id,
            case_b=self.cases[CANDIDATE].case.id,
            threshold=plan.suite.gate.latency,
            outcome=outcome,
            differences=tuple(self._differences) or self._unlike,
            versions={role: self._versions(role) for role in SIDES},
            environment=surroundings(plan, worker=self.made.closure.name),
        )


@contextmanager
def comparing(
    suite: Suite,
    vocabulary: Vocabulary,
    cases: tuple[str, str],
    *,
    pythons: tuple[str | None, str | None] = (None, None),
    store: Path,
    wait: bool = False,
    cache: Path | None = None,
    cache_bytes: int = DEFAULT_CAP_BYTES,
    device: str = "",
    observer: GateObserver,
) -> Iterator[Contest]:
    """Yield a comparison of two cases of the suite, by id; nothing has run yet.

    `pythons` are the sides' interpreters, None for the one that dyno runs under. Raises SuiteError
    for an id that the suite does not have, InterpreterError, and what `bench` does.
    """
    plan = make_plan(suite, vocabulary, store=store, keep=True, device=device)
    chosen = {role: _find(plan, case_id) for role, case_id in zip(SIDES, cases, strict=True)}
    both = tuple({planned.position: planned for planned in chosen.values()}.values())
    kept = EngineCache.make(cache_folder(store, cache), cap_bytes=cache_bytes)
    store.mkdir(parents=True, exist_ok=True)
    with bench(
        replace(plan, cases=both),
        bench_id=f"compare-{fresh_id(time.time())}",
        store=store,
        cache=kept,
        wait=wait,
        observer=observer,
    ) as made:
        found = _interpreters(made, chosen, pythons)
        yield Contest(made=made, cases=chosen, interpreters=found, observer=observer)


def _interpreters(
    made: Bench, cases: Mapping[str, PlannedCase], pythons: tuple[str | None, str | None]
) -> Mapping[str, Interpreter]:
    """Return the interpreters by role, each asked for its case's backend.

    All are found before one is asked. Raises InterpreterError.
    """
    paths = [absolute(sys.executable if python is None else python) for python in pythons]
    return {
        role: probe(path, [cases[role].case.backend], closure=made.closure, folders=made.folders)
        for role, path in zip(SIDES, paths, strict=True)
    }


def _find(plan: Plan, case_id: str) -> PlannedCase:
    for planned in plan.cases:
        if planned.case.id == case_id:
            return planned
    known = [planned.case.id for planned in plan.cases]
    raise SuiteError(
        f"{plan.suite.name}: expected the id of a case, got {case_id!r}."
        f"{did_you_mean(case_id, known)} List them with 'dyno plan SUITE'."
    )


def _unlike(one: PlannedCase, other: PlannedCase) -> Iterator[str]:
    """Yield in which axes and resolved options two cases differ."""
    there, here = ({**axis_values(each.case), **each.options} for each in (one, other))
    for name in {**there, **here}:
        if there.get(name) != here.get(name):
            yield f"{name}: {there.get(name, 'none')} against {here.get(name, 'none')}"


def _keep_nothing(_case_id: str, _pair: PairRecord) -> None:
    """Store no pair: a comparison belongs to no series."""
