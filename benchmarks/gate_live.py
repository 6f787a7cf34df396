"""Whether a live gate tells a small change from none, and in what time.

    python benchmarks/gate_live.py [--parts aa,small,large,burner] [--cases 20] [--repeats 5]

aa      the same code on both sides. Bar: no SLOWER, no FASTER
small   an LSTM with 33 steps instead of 32. Bar: SLOWER in 4 of 5, never SAME or FASTER
large   an LSTM with 34 steps instead of 32. Bar: always SLOWER
burner  as aa, with a process that spins on a core from half-way on. Bar: no SLOWER, no FASTER

Every part prints what five pairs of a case took, and 5 × (2 × (start + warm-up) + 42 blocks) with
the case's own times. Bar: at most 20 s for models of at most 15 ms a query, but beside the burner.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from machine import heading

from harness.observer import Silent
from harness.paired import observer
from harness.paired.pair import run_pair
from harness.paired.rounds import PairedCase, Rounds
from harness.paired.side import Side
from harness.start import starting
from harness.timing import stopwatch
from harness.vocabulary import installed_vocabulary
from results.comparable import compare_difference
from results.paired import BASELINE, CANDIDATE
from results.record import Failed
from results.verdict import FASTER, SAME, SLOWER, CaseVerdict, Verdict
from suites.load import parse_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.runner import Runner
    from harness.staging import Ready
    from results.paired import PairRecord, SideLaunch

PARTS = ("aa", "small", "large", "burner")
PAIRS = 5
BAR_S = 20.0
QUICK_NS = 15e6
BLOCKS = 42
BURNER = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
"""Spins until the benchmark is gone, however that ends."""
STEPS = "{}/onnxruntime-cpu/fp32/b1/sequence={{}}"
LSTMS = ("small-lstm", "lstm")
"""One as in the A/A study (0.1 ms a query, in the core's own cache), and one of 3 MB of weights."""
SUITE = {
    "suite": "gate-live",
    "models": {
        "lstm": {"builtin": "lstm"},
        "small-lstm": {"builtin": "lstm", "hidden": 128, "layers": 1},
        "gru": {"builtin": "gru"},
        "text": {"builtin": "bilstm-text"},
        "transformer": {"builtin": "transformer", "inputs": {"mask": {"value": True}}},
        "mlp": {"builtin": "mlp"},
        "cnn": {"builtin": "cnn"},
    },
    "matrix": {
        "model": ["lstm", "gru", "text", "transformer", "mlp", "cnn"],
        "backend": "onnxruntime-cpu",
        "batch": [1, 4],
        "sequence": [16, 64],
    },
    "include": [{"model": list(LSTMS), "batch": 1, "sequence": [32, 33, 34]}],
    "measure": {"accuracy": False},
}


@dataclass(slots=True, kw_only=True)
class Taken:
    """The pairs of a part and their times. `half` is the pair after which the burner starts."""

    half: int | None = None
    burner: subprocess.Popen[bytes] | None = None
    last_s: float = 0.0
    pairs: dict[str, list[tuple[PairRecord, float]]] = field(default_factory=dict)

    def pair(self, baseline: Side, candidate: Side, **where: Any) -> PairRecord:
        """Return the pair that `run_pair` makes."""
        passed_ns = stopwatch()
        record = run_pair(baseline, candidate, **where)
        self.last_s = passed_ns() / 1e9
        return record

    def keep(self, case_id: str, record: PairRecord) -> None:
        """Keep the pair that was just made; after the half of all, start the burner."""
        self.pairs.setdefault(case_id, []).append((record, self.last_s))
        if self.half is not None and sum(map(len, self.pairs.values())) == self.half:
            self.burner = subprocess.Popen([sys.executable, "-c", BURNER])

    def five(self, case_id: str) -> tuple[float, float] | None:
        """Return the seconds of a case's first five pairs, and what the formula says of them."""
        first = self.pairs.get(case_id, [])[:PAIRS]
        if len(first) < PAIRS:
            return None
        sides = [side for record, _ in first for side in (record.baseline, record.candidate)]
        return sum(taken_s for _, taken_s in first), sum(map(side_s, sides))

    def quick(self, case_id: str) -> bool:
        """Return whether a query took at most 15 ms on both sides of every pair."""
        records = [record for record, _ in self.pairs[case_id]]
        sides = [side for each in records for side in (each.baseline, each.candidate)]
        return all(query_ns(side) <= QUICK_NS for side in sides)


def query_ns(side: SideLaunch) -> float:
    return float(statistics.median(side.blocks.median_ns))


def side_s(side: SideLaunch) -> float:
    """Return what a side should take of a pair: its start, its warm-up and half of the blocks."""
    protocol = side.protocol
    block_s = max(protocol.block_s, protocol.block_queries * query_ns(side) / 1e9)
    fixed_ns = side.start_ns + side.open_ns + side.first_query_ns + side.warmup_ns
    return fixed_ns / 1e9 + BLOCKS / 2 * block_s


@contextmanager
def burning(taken: Taken) -> Iterator[None]:
    """End the burner at the end, if it was started."""
    try:
        yield
    finally:
        if taken.burner is not None:
            taken.burner.kill()
            taken.burner.wait()


def paired(name: str, position: int, sides: tuple[Ready, Ready], runner: Runner) -> PairedCase:
    side = partial(Side, workplace=runner.workplace)
    return PairedCase(
        position=position,
        case_id=name,
        baseline=side(role=BASELINE, ready=sides[0]),
        candidate=side(role=CANDIDATE, ready=sides[1]),
    )


def no_rebuild(side: Side) -> Failed:
    return Failed(kind="build", message=f"{side.role}: its engine was refused", hint="Run again.")


def measure(cases: Sequence[PairedCase], seed: int, taken: Taken) -> Mapping[str, CaseVerdict]:
    rounds = Rounds(
        theta=0.02,
        seed=seed,
        observer=observer.Silent(),
        difference=compare_difference,
        rebuild=no_rebuild,
        keep=taken.keep,
        pair=taken.pair,
    )
    with burning(taken):
        return rounds.measure(cases)


def words(verdicts: Mapping[str, CaseVerdict]) -> list[str]:
    outcomes = [each.outcome for each in verdicts.values()]
    return [each.word if isinstance(each, Verdict) else "FAILED" for each in outcomes]


def row(case: CaseVerdict, taken: Taken) -> str:
    name, outcome = f"  {case.case_id:<44}", case.outcome
    if isinstance(outcome, Failed):
        return f"{name} FAILED  {outcome.message}"
    estimate, five = outcome.estimate, taken.five(case.case_id)
    if estimate is None or five is None:
        return f"{name} {outcome.word:<7} {outcome.reason}"
    ratio = f"{estimate.ratio:.4f} ({estimate.low:.4f}…{estimate.high:.4f})"
    times = f"5 pairs {five[0]:5.1f} s, formula {five[1]:5.1f} s"
    again = f"; {outcome.reason}" if outcome.confirmation else ""
    disturbed = 100 * (outcome.disturbed_share or 0)
    told = f"{estimate.pairs:2} pairs, {disturbed:2.0f} % disturbed; {times}{again}"
    return f"{name} {outcome.word:<7} {ratio} {told}"


def judged(part: str, verdicts: Mapping[str, CaseVerdict]) -> tuple[str, bool]:
    """Return the part's bar in words, and whether it was met."""
    found = words(verdicts)
    if part in ("aa", "burner"):
        return "no SLOWER, no FASTER, none failed", not {SLOWER, FASTER, "FAILED"} & set(found)
    if part == "large":
        return "all SLOWER", set(found) == {SLOWER}
    enough = found.count(SLOWER) >= 0.8 * len(found)
    return "4 of 5 SLOWER, none SAME or FASTER", enough and not {SAME, FASTER} & set(found)


def time_line(taken: Taken) -> tuple[str, bool]:
    """Return the five pairs' times over the cases of quick queries, and whether the bar was met."""
    quick = [five[0] for each in taken.pairs if (five := taken.five(each)) and taken.quick(each)]
    if not quick:
        return "no case of at most 15 ms a query had five pairs", True
    median, longest = statistics.median(quick), max(quick)
    told = f"five pairs, {len(quick)} cases of at most 15 ms a query: median {median:.1f} s"
    return f"{told}, longest {longest:.1f} s; bar {BAR_S:.0f} s", longest <= BAR_S


def sides_of(
    part: str, ready: Mapping[str, Ready], args: argparse.Namespace
) -> dict[str, tuple[Ready, Ready]]:
    """Return the two sides of each case of a part."""
    if part in ("aa", "burner"):
        names = [name for name in ready if not name.endswith(("=32", "=33", "=34"))]
        count = min(args.cases, len(names))
        chosen = [names[rank * len(names) // count] for rank in range(count)]
        return {name: (ready[name], ready[name]) for name in chosen}
    steps = 33 if part == "small" else 34
    case_id = STEPS.format(args.lstm)
    sides = (ready[case_id.format(32)], ready[case_id.format(steps)])
    return {f"{args.lstm}, {steps} steps over 32, {n + 1}": sides for n in range(args.repeats)}


def run_part(
    part: str, runner: Runner, ready: Mapping[str, Ready], args: argparse.Namespace
) -> bool:
    named = sides_of(part, ready, args)
    taken = Taken(half=len(named) * PAIRS // 2 if part == "burner" else None)
    cases = [paired(name, rank, sides, runner) for rank, (name, sides) in enumerate(named.items())]
    verdicts = measure(cases, args.seed, taken)
    print(f"{part}: {len(cases)} cases")
    for case in verdicts.values():
        print(row(case, taken))
    counts = Counter(words(verdicts))
    told = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    (bar, met), (times, in_time) = judged(part, verdicts), time_line(taken)
    print(f"  {told}; bar: {bar}: {'met' if met else 'missed'}\n  {times}\n", flush=True)
    return met and (in_time or part == "burner")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--lstm", choices=LSTMS, default=LSTMS[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    parts = args.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--parts: expected some of {', '.join(PARTS)}, got {sorted(unknown)}")
    print(heading("A live gate"), flush=True)
    vocabulary = installed_vocabulary()
    suite = parse_suite(
        SUITE, where="gate-live", base=Path(), sha256="0", path=None, vocabulary=vocabulary
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        starting(suite, vocabulary, store=Path(folder), observer=Silent()) as runner,
    ):
        runner.store.add_run(runner.run)
        ready = {each.planned.case.id: each for each in runner.ready()}
        met = [run_part(part, runner, ready, args) for part in parts]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
