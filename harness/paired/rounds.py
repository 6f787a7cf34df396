"""Rounds of pairs over cases until each has its verdict: pair k of every open case, then k + 1.

Consecutive pairs of one case would all see one mood of the machine. What pairs mean is for
`results/gate.py` to say; here they are made and stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engines import registry
from harness.paired.attempts import Attempts, Sides
from harness.paired.pace import Pace, pair_s, until_next
from harness.paired.pair import run_pair
from harness.paired.side import Side, terms
from harness.rotation import round_order
from harness.timing import stopwatch
from results import gate
from results.comparable import spinning_pool
from results.compare import LOOKS, combine, look, pair_ratio
from results.paired import PairRecord
from results.record import Failed
from results.verdict import INCOMPARABLE, UNSURE, CaseVerdict, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.paired.observer import GateObserver
    from results.comparable import Terms
    from results.verdict import PairRatio


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedCase:
    """A case with both its sides ready."""

    position: int
    case_id: str
    baseline: Side
    candidate: Side


def joined(
    positions: Mapping[str, int],
    baselines: Mapping[str, Side | Failed],
    candidates: Mapping[str, Side | Failed],
) -> tuple[list[PairedCase], dict[str, Failed]]:
    """Return the cases with both sides, in order, and what the others failed of.

    A candidate that failed needs no baseline.
    """
    cases: list[PairedCase] = []
    failed: dict[str, Failed] = {}
    for case_id, candidate in candidates.items():
        if isinstance(candidate, Failed):
            failed[case_id] = candidate
            continue
        baseline = baselines[case_id]
        if isinstance(baseline, Failed):
            failed[case_id] = baseline
            continue
        case = PairedCase(
            position=positions[case_id], case_id=case_id, baseline=baseline, candidate=candidate
        )
        cases.append(case)
    return sorted(cases, key=lambda case: case.position), failed


@dataclass(slots=True, kw_only=True)
class _Open:
    """A case on its way. A pair's place in `looks`, or in `fresh`, is its number."""

    position: int
    sides: Sides
    pace: Pace
    looks: list[PairRecord] = field(default_factory=list)
    ratios: list[PairRatio] = field(default_factory=list)
    fresh: list[PairRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Makes pairs of cases until each is decided.

    `difference` tells why two sides must not be compared, or None; `keep` stores a pair at once;
    `rebuild` and `pair` are as in `Attempts`. `times_s` takes what the pairs of each case took.
    """

    theta: float
    seed: int
    observer: GateObserver
    difference: Callable[[Terms, Terms], str | None]
    rebuild: Callable[[Side], Side | Failed]
    keep: Callable[[str, PairRecord], None]
    confirms: bool = True
    pair: Callable[..., PairRecord] = run_pair
    times_s: dict[str, float] = field(default_factory=dict)
    _open: dict[str, _Open] = field(default_factory=dict)
    _closed: dict[str, CaseVerdict] = field(default_factory=dict)
    _rebuilt: set[str] = field(default_factory=set)

    def measure(self, cases: Sequence[PairedCase]) -> Mapping[str, CaseVerdict]:
        """Return what came of each case by its id. Raises what `keep` does.

        Where it is interrupted, `so_far` has what the pairs until then say.
        """
        for case in cases:
            device = registry.get(case.candidate.ready.planned.case.backend).device
            self._open[case.case_id] = _Open(
                position=case.position,
                sides=Sides(baseline=case.baseline, candidate=case.candidate),
                pace=Pace(pair_s(device)),
            )
            if why := _unfit(case):
                self._close(case.case_id, Verdict(word=INCOMPARABLE, reason=why))
        self._look()
        found = self._judged()
        if self.confirms:
            found = self._confirm(found)
        for case_id, verdict in found.items():
            self._close(case_id, verdict)
        return dict(self._closed)

    def so_far(self) -> Mapping[str, CaseVerdict]:
        """Return what came of the cases until now; changes that nothing confirmed are UNSURE."""
        left = {
            case_id: self._verdict(case_id, gate.interrupted(verdict))
            for case_id, verdict in self._judged().items()
        }
        return {**left, **self._closed}

    def _look(self) -> None:
        """Make pairs until no case wants another."""
        number = 0
        while wanted := self._wanted():
            usable = {case_id: _usable(self._open[case_id].ratios) for case_id in wanted}
            lacking = {case_id: until_next(LOOKS, pairs) for case_id, pairs in usable.items()}
            self._round("look", lacking, number)
            number += 1

    def _confirm(self, found: Mapping[str, Verdict]) -> dict[str, Verdict]:
        """Return the verdicts, changes judged by as many fresh pairs as they were found in."""
        changed = self._unconfirmed(found)
        if changed:
            self.observer.confirming(len(changed))
        number = 0
        while lacking := self._unconfirmed(found):
            self._round("confirm", lacking, number)
            number += 1
        left = {case_id: verdict for case_id, verdict in found.items() if case_id in self._open}
        return {
            case_id: gate.confirmed(verdict, self._open[case_id].fresh, theta=self.theta)
            if case_id in changed
            else verdict
            for case_id, verdict in left.items()
        }

    def _round(self, phase: str, lacking: Mapping[str, int], number: int) -> None:
        """Make a pair of each case; `lacking` are those that each wants until it is judged."""
        left = dict(lacking)
        for case_id in self._order(lacking, number):
            paces = {i: self._open[i].pace for i in left if i in self._open}
            left_s = sum(pace.left_s(left[i]) for i, pace in paces.items())
            left[case_id] -= self._make(case_id, phase, upcoming=left[case_id], left_s=left_s)

    def _unconfirmed(self, found: Mapping[str, Verdict]) -> dict[str, int]:
        """Return how many fresh pairs each case still lacks whose change is to be confirmed."""
        lacking = {}
        for case_id, verdict in found.items():
            case = self._open.get(case_id)
            ratios = [pair_ratio(pair) for pair in case.fresh] if case else []
            if case and verdict.estimate and gate.wants_fresh(verdict, ratios):
                lacking[case_id] = verdict.estimate.pairs - _usable(ratios)
        return lacking

    @property
    def _attempts(self) -> Attempts:
        cases = [case.sides for case in self._open.values()]
        return Attempts(pair=self.pair, rebuild=self.rebuild, cases=cases, rebuilt=self._rebuilt)

    def _judged(self) -> dict[str, Verdict]:
        looks = {case_id: case.looks for case_id, case in self._open.items()}
        return gate.judge(looks, theta=self.theta)

    def _wanted(self) -> frozenset[str]:
        ratios = {case_id: case.ratios for case_id, case in self._open.items()}
        return gate.wanting(ratios, theta=self.theta)

    def _order(self, wanted: Collection[str], number: int) -> list[str]:
        """Return the ids in the order of a round."""
        ids = {self._open[case_id].position: case_id for case_id in wanted}
        return [
            ids[position] for position in round_order(tuple(ids), seed=self.seed, number=number)
        ]

    def _make(self, case_id: str, phase: str, *, upcoming: int, left_s: float) -> bool:
        """Make the case's next pair of that phase; a failure or a difference closes the case.

        Return whether the pair counts. `upcoming` are the pairs until something is decided, this
        one included.
        """
        case = self._open[case_id]
        made = case.looks if phase == "look" else case.fresh
        number, of = len(made), len(made) + upcoming
        self.observer.pairing(case_id, phase=phase, number=number, of=of, left_s=left_s)
        passed_ns = stopwatch()
        found = self._attempts.make(case.sides, phase, number)
        case.pace.took(passed_ns() / 1e9)
        self.times_s[case_id] = case.pace.spent_s
        if isinstance(found, Failed):
            self._close(case_id, found)
            return False
        self.keep(case_id, found)
        made.append(found)
        ratio = pair_ratio(found)
        if phase == "look":
            case.ratios.append(ratio)
            self._after(case_id, case, found)
        return ratio.usable

    def _after(self, case_id: str, case: _Open, pair: PairRecord) -> None:
        """Close a case whose first pair shows that its sides differ; tell what a look says."""
        if len(case.looks) == 1 and (why := self._difference(case, pair)):
            self._close(case_id, Verdict(word=INCOMPARABLE, reason=why))
        elif case.ratios[-1].usable and _usable(case.ratios) in LOOKS:
            estimate = combine(case.ratios)
            last = estimate.pairs == LOOKS[-1]
            word = look(estimate, self.theta) or (UNSURE if last else None)
            self.observer.rested(case_id, word, estimate)

    def _difference(self, case: _Open, pair: PairRecord) -> str | None:
        return self.difference(
            terms(case.sides.baseline, pair.baseline), terms(case.sides.candidate, pair.candidate)
        )

    def _close(self, case_id: str, outcome: Verdict | Failed) -> None:
        self._closed[case_id] = closed = self._verdict(case_id, outcome)
        del self._open[case_id]
        self.observer.closed(closed)

    def _verdict(self, case_id: str, outcome: Verdict | Failed) -> CaseVerdict:
        case = self._open[case_id]
        if isinstance(outcome, Verdict):
            outcome = replace(outcome, notes=(*outcome.notes, *case.sides.notes))
        return CaseVerdict(position=case.position, case_id=case_id, outcome=outcome)


def _unfit(case: PairedCase) -> str | None:
    """Return why the case's sides cannot take turns at all, or None."""
    sides = case.baseline, case.candidate
    return spinning_pool(*(side.ready.planned.options for side in sides))


def _usable(ratios: Sequence[PairRatio]) -> int:
    return sum(ratio.usable for ratio in ratios)
