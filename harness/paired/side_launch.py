"""From what a side's worker answered in a pair to what is stored of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.protocol import resolve_protocol
from results.paired import SideBlocks, SideLaunch
from results.rules import UNDISTURBED_CPU
from results.tails import tail_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.launch import Warm
    from harness.paired.side import Side
    from harness.wire import Message
    from results.record import Protocol


def resolved(side: Side, warm: Warm) -> Protocol:
    """Return the protocol that a side is measured under."""
    return resolve_protocol(
        measure=side.workplace.measure,
        options=side.ready.planned.options,
        rule=warm.rule,
        loop=warm.opened.header["loop"],
        clock=warm.opened.header["clock"],
    )


def block_time_ns(block: Message, protocol: Protocol) -> float:
    """Return the time of a query that a block gives [ns]: the statistic that pairs compare.

    It is the median of the wall times; with several streams elapsed time over queries, because
    there a query's own time grows with those it shares the device with.
    """
    return float(np.median(_times_ns(block, protocol)))


def side_launch(
    side: Side,
    warm: Warm,
    blocks: Sequence[Message],
    closed: Message,
    disturbed: NDArray[np.bool_] | None,
) -> SideLaunch:
    """Return the stored form of a side of a pair.

    `disturbed` is by its device, None where that does not tell; then the host's own rule applies.
    """
    protocol = resolved(side, warm)
    times = [_times_ns(block, protocol) for block in blocks]
    found = _side_blocks(blocks, times, disturbed)
    if disturbed is None and side.ready.planned.options.get("threads") == 1:
        found = _judged_by_cpu(found, protocol)
    p95_ns, clean_p99_ns, clean_queries = tail_of(times, found.disturbed)
    return SideLaunch(
        protocol=protocol,
        blocks=found,
        start_ns=warm.start_ns,
        open_ns=warm.opened.header["open_ns"],
        first_query_ns=warm.warmed.header["first_query_ns"],
        warmup_ns=warm.warmed.header["elapsed_ns"],
        warmup_queries=warm.warmed.header["queries"],
        steady=warm.warmed.header["steady"],
        p95_ns=p95_ns,
        clean_p99_ns=clean_p99_ns,
        clean_queries=clean_queries,
        gpu_compute_ns=_gpu_compute_ns(blocks),
        facts=closed.header["facts"],
    )


def _times_ns(block: Message, protocol: Protocol) -> NDArray[np.int64]:
    """Return the time of each query of a block; with several streams the same for all."""
    wall_ns: NDArray[np.int64] = np.asarray(block.arrays["wall_ns"], np.int64)
    if protocol.streams == 1:
        return wall_ns
    return np.full(len(wall_ns), round(_row(block)[1] / len(wall_ns)), np.int64)


def _row(block: Message) -> list[int]:
    """Return queries, elapsed and CPU time [ns], voluntary and involuntary switches."""
    row: list[int]
    (row,) = block.header["blocks"]
    return row


def _side_blocks(
    blocks: Sequence[Message],
    times: Sequence[NDArray[np.int64]],
    disturbed: NDArray[np.bool_] | None,
) -> SideBlocks:
    queries, elapsed_ns, cpu_ns, _, involuntary = np.array([_row(b) for b in blocks], np.int64).T
    p95, p99 = (np.array([_order_statistic(each, q) for each in times]) for q in (0.95, 0.99))
    return SideBlocks(
        median_ns=np.array([np.median(each) for each in times]),
        mean_ns=np.array([np.mean(each) for each in times]),
        p95_ns=p95,
        p99_ns=p99,
        queries=queries,
        elapsed_ns=elapsed_ns,
        cpu_ns=cpu_ns,
        involuntary_switches=involuntary,
        disturbed=disturbed,
    )


def _order_statistic(times_ns: NDArray[np.int64], share: float) -> float:
    return float(np.quantile(times_ns, share, method="inverted_cdf"))


def _judged_by_cpu(blocks: SideBlocks, protocol: Protocol) -> SideBlocks:
    """Return the blocks of a single thread, disturbed where it had too little of a CPU.

    Only where the thread that is timed computes: one that waits for a device needs no CPU.
    """
    if protocol.loop != "blocking":
        return blocks
    return replace(blocks, disturbed=blocks.cpu_ns < UNDISTURBED_CPU * blocks.elapsed_ns)


def _gpu_compute_ns(blocks: Sequence[Message]) -> float | None:
    """Return the median of the device's own times, None without its clock."""
    times = [block.arrays["gpu_compute_ns"] for block in blocks if "gpu_compute_ns" in block.arrays]
    return float(np.median(np.concatenate(times))) if times else None
