"""Do the intervals of a quick run cover? Rotated launches beside consecutive ones.

A quick suite of 10 cases is measured as often each way, by turns: launches rotated over the cases
as `dyno run --quick` does, and all launches of a case after each other. An interval covers when it
holds its case's median over all launches of all repeats of both ways.
Bar: at least 80 % of the rotated intervals cover.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from machine import heading

from harness.launch import launch
from harness.observer import Silent
from harness.rotation import round_order
from harness.start import quickened, starting
from harness.vocabulary import installed_vocabulary
from results.metrics import launch_interval
from suites.load import parse_suite

if TYPE_CHECKING:
    from harness.runner import Runner
    from harness.staging import Ready

LAUNCHES = 3
SUITE = {
    "suite": "coverage",
    "models": {name: {"builtin": name} for name in ("rnn", "lstm", "gru", "mlp", "cnn")},
    "matrix": {
        "model": ["rnn", "lstm", "gru", "mlp", "cnn"],
        "backend": ["onnxruntime-cpu"],
        "batch": [1, 4],
    },
}

Medians = dict[int, list[float]]


def one(runner: Runner, ready: Ready, number: int) -> float:
    record = launch(
        ready,
        number,
        workplace=runner.workplace,
    )
    return float(np.median(record.wall_ns))


def rotated(runner: Runner, cases: dict[int, Ready], seed: int) -> Medians:
    medians: Medians = {position: [] for position in cases}
    for number in range(LAUNCHES):
        for position in round_order(tuple(cases), seed=seed, number=number):
            medians[position].append(one(runner, cases[position], number))
    return medians


def consecutive(runner: Runner, cases: dict[int, Ready], seed: int) -> Medians:
    order = round_order(tuple(cases), seed=seed, number=0)
    return {
        position: [one(runner, cases[position], number) for number in range(LAUNCHES)]
        for position in order
    }


def report(title: str, repeats: list[Medians], truth: dict[int, float]) -> None:
    covered, widths = [], []
    for medians in repeats:
        for position, launches in medians.items():
            interval = launch_interval(launches)
            if interval is None:
                raise RuntimeError("coverage: expected more than one launch a case")
            covered.append(interval.low_ns <= truth[position] <= interval.high_ns)
            widths.append(interval.half_width)
    share = 100 * statistics.mean(covered)
    width = 100 * statistics.median(widths)
    print(
        f"  {title:<12} {share:5.1f} % of {len(covered)} intervals cover; "
        f"median half-width {width:.1f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    print(heading("Coverage of quick intervals"))
    vocabulary = installed_vocabulary()
    suite = parse_suite(
        SUITE, where="coverage", base=Path(), sha256="0", path=None, vocabulary=vocabulary
    )
    start = time.monotonic()
    both: dict[str, list[Medians]] = {"rotated": [], "consecutive": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        starting(quickened(suite), vocabulary, store=Path(folder), observer=Silent()) as runner,
    ):
        runner.store.add_run(runner.run)
        cases = {ready.planned.position: ready for ready in runner.ready()}
        for repeat in range(repeats):
            both["rotated"].append(rotated(runner, cases, seed=repeat))
            both["consecutive"].append(consecutive(runner, cases, seed=repeat))
    everything = [medians for repeated in both.values() for medians in repeated]
    truth = {
        position: statistics.median(ns for medians in everything for ns in medians[position])
        for position in cases
    }
    taken_s = time.monotonic() - start
    print(f"  {len(cases)} cases, {repeats} repeats each way by turns, {taken_s:.0f} s")
    for title, repeated in both.items():
        report(title, repeated, truth)
    print("  bar          at least 80 % of the rotated intervals")


if __name__ == "__main__":
    sys.exit(main())
