"""A gate: every case of a suite here against its baseline, pair by pair, each step stored."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engines import registry
from harness.baseline.changes import changes
from harness.paired.known import known
from harness.paired.pace import pair_s
from harness.paired.rounds import Rounds, joined
from results.comparable import gate_difference
from results.compare import LOOKS
from results.paired import BASELINE
from results.record import Failed, RunEnd
from results.store import StoreError
from results.verdict import CaseVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.baseline.restore import Restorer
    from harness.paired.observer import GateObserver
    from harness.paired.rounds import PairedCase
    from harness.paired.side import Side
    from harness.paired.sides import Stage
    from harness.staging import Staging, Supplies
    from results.baseline import Baseline
    from results.gate_record import GateRecord
    from results.gates import Gates
    from results.paired import PairRecord
    from results.verdict import Verdict

    Outcomes = Mapping[str, Verdict | Failed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Carries a gate out. `staging` prepares the candidate's cases, `restorer` the baseline's.

    `record` is still without the changes since the pin; `times_s` takes what the pairs of each case
    took.
    """

    record: GateRecord
    baseline: Baseline
    gates: Gates
    staging: Staging
    restorer: Restorer
    candidates: Stage
    baselines: Stage
    observer: GateObserver
    times_s: dict[str, float] = field(default_factory=dict)
    _stored: list[str] = field(default_factory=list)

    @property
    def is_stored(self) -> bool:
        """Return whether the gate got as far as into the store."""
        return bool(self._stored)

    def execute(self) -> None:
        """Judge every case. On KeyboardInterrupt the gate ends as interrupted, and that is raised.

        Raises StoreError; the gate is then left without an end, as a killed one is.
        """
        supplies = self.staging.prepare(self.observer.preparing)
        found = changes(self.baseline, self.staging.plan, supplies, part=bool(self.record.only))
        self.gates.add_gate(replace(self.record, changes=found))
        self._stored.append(self.record.id)
        positions = self._positions(found.gone)
        settled = known(self.baseline, self.staging.plan, found, supplies)
        rounds = self._rounds()
        try:
            cases, failed = self._ready(supplies, settled)
            settled |= failed
            self._start(_verdicts(settled, positions), cases)
            verdicts = rounds.measure(cases)
        except StoreError:
            raise
        except BaseException:
            self._end([*_verdicts(settled, positions), *rounds.so_far().values()], "interrupted")
            raise
        self._end([*_verdicts(settled, positions), *verdicts.values()], "done")

    def _positions(self, gone: Sequence[str]) -> dict[str, int]:
        """Return each case's place: the suite's, then those that it no longer has."""
        here = {planned.case.id: planned.position for planned in self.staging.plan.cases}
        after = 1 + max(here.values(), default=-1)
        return here | {case_id: after + k for k, case_id in enumerate(gone)}

    def _ready(
        self, supplies: Supplies, settled: Outcomes
    ) -> tuple[list[PairedCase], dict[str, Failed]]:
        """Return the cases with both sides ready, and what the others failed of."""
        plan = self.staging.plan
        tried = tuple(each for each in plan.cases if each.case.id not in settled)
        staging = replace(self.staging, plan=replace(plan, cases=tried))
        built = self.candidates.staged(staging, supplies)
        candidates = self._counted("engines", built, len(tried))
        wanted = [
            pinned
            for pinned in self.baseline.cases
            if pinned.case.id in candidates and not isinstance(candidates[pinned.case.id], Failed)
        ]
        restored = self.baselines.restored(wanted, self.restorer)
        baselines = self._counted("engines of the baseline", restored, len(wanted))
        return joined(self._positions(()), baselines, candidates)

    def _counted(
        self, what: str, sides: Iterable[tuple[str, Side | Failed]], total: int
    ) -> dict[str, Side | Failed]:
        found: dict[str, Side | Failed] = {}
        for case_id, side in sides:
            found[case_id] = side
            self.observer.preparing(what, len(found), total)
        return found

    def _rounds(self) -> Rounds:
        return Rounds(
            theta=self.record.threshold,
            seed=self.staging.seed,
            observer=self.observer,
            difference=gate_difference,
            rebuild=self._rebuild,
            keep=self._keep,
            times_s=self.times_s,
            confirms=self.record.kind != "rebase",
        )

    def _rebuild(self, side: Side) -> Side | Failed:
        stage = self.baselines if side.role == BASELINE else self.candidates
        return stage.rebuild(side)

    def _keep(self, case_id: str, pair: PairRecord) -> None:
        self.gates.add_pair(self.record.id, case_id, pair)

    def _start(self, settled: Sequence[CaseVerdict], cases: Sequence[PairedCase]) -> None:
        """Tell what is about to be measured, and what need not be."""
        devices = [registry.get(case.candidate.ready.planned.case.backend).device for case in cases]
        estimate_s = LOOKS[0] * sum(map(pair_s, devices))
        what = f"gate {self.record.id}: {self.record.suite} against {self.baseline.name}"
        self.observer.started(what, len(cases) + len(settled), estimate_s=estimate_s)
        self.observer.settled(settled)

    def _end(self, cases: Sequence[CaseVerdict], state: str) -> None:
        """Store every verdict, and the end, never before the start."""
        for case in sorted(cases, key=lambda case: case.position):
            self.gates.add_verdict(self.record.id, case)
        ended_at = max(time.time(), self.record.started_at)
        self.gates.end_gate(self.record.id, RunEnd(ended_at=ended_at, state=state))


def _verdicts(outcomes: Outcomes, positions: Mapping[str, int]) -> list[CaseVerdict]:
    return [
        CaseVerdict(position=positions[case_id], case_id=case_id, outcome=outcome)
        for case_id, outcome in outcomes.items()
    ]
