"""A case's telemetry: the same loop in a pass of its own, while its device is asked about it.

Asking disturbs the queries, so nothing of the pass counts as a timing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.child import ChildError
from harness.launch import warm_worker
from harness.machine.reading import Facts, UnknownFactError, collect
from harness.records import telemetry_record
from harness.telemetry.energy import energy_within
from harness.telemetry.gpu import worker_among
from harness.telemetry.sampling import sampling
from harness.telemetry.watch import PERIOD_S
from harness.timing import stopwatch
from results.telemetry import TelemetryRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.launch import Warm, Workplace
    from harness.staging import Ready
    from harness.telemetry.energy import Energy
    from harness.telemetry.gpu import Gpu
    from harness.telemetry.sampling import Reading
    from harness.telemetry.watch import Watch
    from harness.wire import Message

COUNTER_PERIOD_S = 0.01
"""Between two readings of the energy counter: 0.2 % of a loop of 5 s."""
LEAST_BUSY = 0.9
"""Of the loop: with more time without queries, between its blocks, its energy is not theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A loop and the readings beside it; it ran from `start_ns` to `end_ns` on their clock."""

    block: Message
    start_ns: int
    end_ns: int
    samples: Sequence[Reading]
    counters: Sequence[Reading]


def run_own_pass(ready: Ready, watch: Watch, workplace: Workplace) -> TelemetryRecord:
    """Return what the case's device told, or why nothing: what goes wrong is in the record."""
    started_at, uuid = time.time(), watch.device.uuid
    if watch.gpu is None:
        return _nothing(uuid, started_at, watch.reason)
    before = watch.processes()
    try:
        with warm_worker(ready, workplace) as warm:
            seen = _observe(watch.gpu, warm, before, total_s=workplace.measure.telemetry_s)
    except ChildError as error:
        return _nothing(uuid, started_at, f"its worker failed: {error.message}")
    is_flushed = ready.planned.options.get("l2") == "flushed"
    return telemetry_record(
        started_at=started_at,
        device_uuid=uuid,
        block=seen.block,
        samples=[each for each in seen.samples if seen.start_ns <= each.at_ns <= seen.end_ns],
        start_ns=seen.start_ns,
        idle=watch.idle,
        energy=collect({"energy_joules": lambda: _energy(seen, is_flushed=is_flushed)}),
    )


def _observe(gpu: Gpu, warm: Warm, before: Collection[int], *, total_s: float) -> Observed:
    """Run the loop for `total_s` between readings. Raises ChildError."""
    clock = stopwatch()
    worker = worker_among(warm.pid, before)

    def count() -> Facts:
        return collect({"millijoules": gpu.millijoules})

    def look() -> Facts:
        return gpu.sample(worker)

    with (
        sampling(count, period_s=COUNTER_PERIOD_S, clock=clock) as counters,
        sampling(look, period_s=PERIOD_S, clock=clock) as samples,
    ):
        start_ns = clock()
        block = warm.block(total_s)
    end_ns = start_ns + int(block.header["span_ns"])
    return Observed(
        block=block, start_ns=start_ns, end_ns=end_ns, samples=samples, counters=counters
    )


def _energy(seen: Observed, *, is_flushed: bool) -> Energy:
    if is_flushed:
        raise UnknownFactError("flushing the caches between queries takes energy of its own")
    header = seen.block.header
    timed_ns = sum(elapsed_ns for _, elapsed_ns, *_ in header["blocks"])
    # with several slots untimed queries run around a block's timed ones, and count as much
    busy_ns = timed_ns * header["span_queries"] / sum(queries for queries, *_ in header["blocks"])
    span_ns = seen.end_ns - seen.start_ns
    if busy_ns < LEAST_BUSY * span_ns:
        raise UnknownFactError(
            f"queries ran in {100 * busy_ns / span_ns:.0f} % of the loop only, so its energy is "
            "not theirs alone"
        )
    return energy_within(seen.counters, start_ns=seen.start_ns, end_ns=seen.end_ns)


def _nothing(uuid: str, started_at: float, reason: str) -> TelemetryRecord:
    return TelemetryRecord(
        attempt=0,
        started_at=started_at,
        elapsed_ns=0,
        queries=0,
        device_uuid=uuid,
        unknown={"telemetry": reason},
    )
