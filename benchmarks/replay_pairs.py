"""Whether the gate cries wolf, and what it finds, on recorded pairs of identical code.

Replays `tests/results/data/aa_pairs.npz` (A/A pairs of two models on two noisy cores, 30 or 40
quads each) through the gate's own sequential path. A drawn pair is one of the recorded ones, ten
consecutive quads of it from a random place, its sides swapped at random, for both ran the same
code. Nothing is measured. Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from results.compare import LOOKS, QUADS, THETA, combine, look, pair_ratio_of
from results.gate import wanting, words
from results.rules import UNDISTURBED_CPU
from results.verdict import FASTER, SAME, SLOWER, PairRatio

DATA = Path(__file__).resolve().parent.parent / "tests" / "results" / "data" / "aa_pairs.npz"
MEDIAN, WALL, CPU = 0, 5, 6
"""Columns of the recorded blocks [ns]."""
WARM_UP_ROWS = 1
CASES = 100
CHANGED = 5
PLANTED = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A share that was found, beside its bar; one without a bar is only told."""

    name: str
    share: float
    bar: str = ""
    holds: bool = True

    def __str__(self) -> str:
        """Return the figure as a row of the table."""
        mark = "" if not self.bar else f"{self.bar:<9} {'ok' if self.holds else 'MISSED'}"
        return f"  {self.name:<52} {100 * self.share:7.2f} %  {mark}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the recorded pairs say from each place: by model, then pair, then first quad."""

    ratios: Mapping[str, Sequence[Sequence[PairRatio]]]
    rng: np.random.Generator

    def drawn(self, model: str, pairs: int, change: float = 0.0) -> list[PairRatio]:
        """Return pairs drawn with replacement; `change` makes every candidate slower (0.03)."""
        return [self._one(self.ratios[model], math.log1p(change)) for _ in range(pairs)]

    def _one(self, recorded: Sequence[Sequence[PairRatio]], shift: float) -> PairRatio:
        places = recorded[self.rng.integers(len(recorded))]
        found = places[self.rng.integers(len(places))]
        sign = 1 if self.rng.random() < 0.5 else -1
        return replace(found, log_ratio=sign * found.log_ratio + shift)


def recorded_ratios() -> dict[str, list[list[PairRatio]]]:
    """Return the ratio of every recorded pair from every quad on which ten can begin."""
    found: dict[str, list[list[PairRatio]]] = {}
    with np.load(DATA) as data:
        for key in data:
            if key.endswith("_A"):
                sides = data[key][WARM_UP_ROWS:], data[f"{key[:-1]}B"][WARM_UP_ROWS:]
                found.setdefault(key.split("_")[1], []).append(list(_ratios(*sides)))
    return found


def _ratios(baseline: np.ndarray, candidate: np.ndarray) -> Iterator[PairRatio]:
    quads = min(len(baseline), len(candidate)) // 2
    for first in range(quads - QUADS + 1):
        rows = slice(2 * first, 2 * (first + QUADS))
        sides = baseline[rows], candidate[rows]
        times = (side[:, MEDIAN] for side in sides)
        disturbed = (side[:, CPU] < UNDISTURBED_CPU * side[:, WALL] for side in sides)
        yield pair_ratio_of(*times, *disturbed, watched=False)


def judged(cases: Mapping[str, Sequence[PairRatio]]) -> tuple[dict[str, str], int]:
    """Return the word of each case, given pairs only as long as it wants some, and how many."""
    had: dict[str, list[PairRatio]] = {case: [] for case in cases}
    while wanted := wanting(had, theta=THETA):
        for case in wanted:
            had[case].append(cases[case][len(had[case])])
    return words(had, theta=THETA), sum(map(len, had.values()))


def suite(recorded: Recorded, changed: int = 0) -> dict[str, list[PairRatio]]:
    """Return the pairs of a suite's cases, models in turn, the first ones changed."""
    models = list(recorded.ratios)
    return {
        str(number): recorded.drawn(
            models[number % len(models)], LOOKS[-1], PLANTED if number < changed else 0.0
        )
        for number in range(CASES)
    }


def alarms(recorded: Recorded, suites: int) -> Iterator[Figure]:
    """Yield what suites of unchanged cases come to."""
    found, pairs, loud = Counter[str](), 0, 0
    for _ in range(suites):
        told, made = judged(suite(recorded))
        counts = Counter(told.values())
        found, pairs = found + counts, pairs + made
        loud += bool(counts[SLOWER] or counts[FASTER])
    yield _at_most(f"A/A suites of {CASES} with any SLOWER or FASTER", loud / suites, 0.01)
    yield Figure(name="  their cases SAME", share=found[SAME] / (suites * CASES))
    yield Figure(name="  their pairs, over 5 a case", share=pairs / (suites * CASES * LOOKS[0]))


def detection(recorded: Recorded, draws: int, suites: int) -> Iterator[Figure]:
    """Yield how often a planted change is found: by case alone, and among unchanged ones."""
    for model in recorded.ratios:
        drawn = [recorded.drawn(model, LOOKS[-1], PLANTED) for _ in range(draws)]
        first = [look(combine(pairs[: LOOKS[0]]), THETA) for pairs in drawn]
        last = [judged({"it": pairs})[0]["it"] for pairs in drawn]
        name = f"{model} +{PLANTED:.0%} found"
        yield _at_least(f"{name} after {LOOKS[0]} pairs", _share(first, SLOWER), 0.90)
        yield _at_least(f"{name} by the last look", _share(last, SLOWER), 0.95)
    among: list[str] = []
    for _ in range(suites):
        told, _ = judged(suite(recorded, CHANGED))
        among.extend(told[str(number)] for number in range(CHANGED))
    name = f"+{PLANTED:.0%} in {CHANGED} of {CASES} cases found"
    yield _at_least(name, _share(among, SLOWER), 0.95)


def coverage(recorded: Recorded, draws: int) -> Iterator[Figure]:
    """Yield how often the 95 % interval of the fewest pairs holds the true ratio, which is 1."""
    shares = []
    for model in recorded.ratios:
        estimates = [combine(recorded.drawn(model, LOOKS[0])) for _ in range(draws)]
        shares.append(float(np.mean([one.low <= 1 <= one.high for one in estimates])))
        yield _at_least(f"{model} 95 % intervals that hold 1", shares[-1], 0.90)
    yield _at_least("pooled 95 % intervals that hold 1", float(np.mean(shares)), 0.93)


def noise(rng: np.random.Generator, draws: int) -> Iterator[Figure]:
    """Yield how often a case looks changed, alone and unconfirmed, whose pairs differ by much."""
    for spread in (0.02, 0.05, 0.25):
        drawn = rng.normal(0, spread, (draws, LOOKS[-1]))
        told = [judged({"it": [_pair(one) for one in logs]})[0]["it"] for logs in drawn]
        changed = _share(told, SLOWER) + _share(told, FASTER)
        yield _at_most(f"synthetic pairs {spread:.0%} apart: changed", changed, 0.04)


def _pair(log_ratio: float) -> PairRatio:
    return PairRatio(log_ratio=log_ratio, se=0.0, quads=QUADS, clean_quads=QUADS)


def _share(found: Sequence[str | None], word: str) -> float:
    return sum(one == word for one in found) / len(found)


def _at_least(name: str, share: float, bar: float) -> Figure:
    return Figure(name=name, share=share, bar=f">= {bar:.0%}", holds=share >= bar)


def _at_most(name: str, share: float, bar: float) -> Figure:
    return Figure(name=name, share=share, bar=f"<= {bar:.0%}", holds=share <= bar)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as they come; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suites", type=int, default=300)
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    recorded = Recorded(ratios=recorded_ratios(), rng=np.random.default_rng(asked.seed))
    parts: tuple[Callable[[], Iterator[Figure]], ...] = (
        lambda: alarms(recorded, asked.suites),
        lambda: detection(recorded, asked.draws // 4, max(asked.suites // 10, 1)),
        lambda: coverage(recorded, asked.draws),
        lambda: noise(recorded.rng, asked.draws // 4),
    )
    print(f"A/A pairs replayed: {asked.suites} suites, {asked.draws} draws, seed {asked.seed}")
    held = True
    for part in parts:
        for figure in part():
            print(figure, flush=True)
            held = held and figure.holds
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
