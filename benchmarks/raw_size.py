"""What raw timings take in the store, on launches of the built-in lstm, mlp and cnn.

Timings are kept to the nanosecond, so those of a long query cannot be small: normal noise of a
standard deviation of 16 µs alone is 16 bits. Bar: at most 2 bytes a query in launches whose
quartiles are at most 2 % of the median apart.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from cli_speed import dyno
from machine import heading

from results.record import LaunchRecord
from results.store import Store
from results.timings import encode

MODELS = ("lstm", "mlp", "cnn")
STEADY = 0.02
BAR = 2


def measured(folder: Path, model: str) -> Iterator[LaunchRecord]:
    backend = ["--backend", "onnxruntime-cpu"]
    command = [dyno(), "bench", model, *backend, "--store", str(folder), "--wait"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    store = Store(folder)
    run = store.read_run(store.find_run(None))
    for case in run.cases:
        yield from store.launches(run.record.id, case.record.position)


def spread(launch: LaunchRecord) -> float:
    """Return the distance of the quartiles, as a fraction of the median."""
    low, middle, high = np.percentile(launch.wall_ns, [25, 50, 75])
    return float((high - low) / middle)


def line(title: str, launches: list[LaunchRecord]) -> float:
    queries = sum(len(launch.wall_ns) for launch in launches)
    size = sum(len(encode(launch.wall_ns)) for launch in launches)
    if not queries:
        print(f"  {title:<24}no launch")
        return 0.0
    middle_us = np.median([np.median(launch.wall_ns) for launch in launches]) / 1e3
    print(
        f"  {title:<24}{len(launches):3} launches, {queries:6} queries of {middle_us:6.0f} µs, "
        f"quartiles {100 * np.median([spread(launch) for launch in launches]):4.1f} % apart: "
        f"{size / queries:.2f} bytes a query"
    )
    return size / queries


def main() -> None:
    print(heading("Raw timings"))
    verdicts = []
    with tempfile.TemporaryDirectory() as name:
        for model in MODELS:
            launches = list(measured(Path(name), model))
            line(f"{model}, all", launches)
            steady = [launch for launch in launches if spread(launch) <= STEADY]
            size = line(f"{model}, steady", steady)
            verdicts.append(
                f"{model} {'met' if size <= BAR else 'missed'}" if size else f"{model} —"
            )
        print(f"  dyno.db                 {(Path(name) / 'dyno.db').stat().st_size} bytes")
    print(f"  bar                     at most {BAR} bytes: {', '.join(verdicts)}")


if __name__ == "__main__":
    main()
