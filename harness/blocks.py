"""Blocks: runs of consecutive queries, and what the process used while they ran."""

from __future__ import annotations

import math
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.timing import Loop, Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What this process has used so far: user + system CPU time [ns], context switches."""

    cpu_ns: int
    voluntary_switches: int
    involuntary_switches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedBlock:
    """One block: its timings and what the process used while its timed queries ran."""

    timings: Timings
    used: Usage


def usage() -> Usage:
    """Return what this process, all its threads, has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(
        cpu_ns=round((used.ru_utime + used.ru_stime) * 1e9),
        voluntary_switches=used.ru_nvcsw,
        involuntary_switches=used.ru_nivcsw,
    )


def block_length(block_s: float, block_queries: int, query_ns: float) -> int:
    """Return how many queries fill `block_s` at `query_ns` each, at least `block_queries`."""
    return max(block_queries, math.ceil(block_s * 1e9 / max(query_ns, 1.0)))


def timed_block(loop: Loop, queries: int) -> TimedBlock:
    """Return one block of that many queries, or of the next whole rounds of its slots."""
    readings: list[Usage] = []
    finish = loop(queries, edge=lambda: readings.append(usage()))
    start, end = readings
    used = Usage(
        cpu_ns=end.cpu_ns - start.cpu_ns,
        voluntary_switches=end.voluntary_switches - start.voluntary_switches,
        involuntary_switches=end.involuntary_switches - start.involuntary_switches,
    )
    return TimedBlock(timings=finish(), used=used)


def timed_blocks(
    loop: Loop, *, block_s: float, block_queries: int, total_s: float, query_ns: float
) -> tuple[TimedBlock, ...]:
    """Return one or more blocks of max(`block_s`, `block_queries` queries) that last `total_s`.

    `query_ns` is the first guess of a query's time; then each block's mean sizes the next.
    """
    blocks: list[TimedBlock] = []
    elapsed_ns = 0
    while not blocks or elapsed_ns < total_s * 1e9:
        block = timed_block(loop, block_length(block_s, block_queries, query_ns))
        blocks.append(block)
        elapsed_ns += block.timings.elapsed_ns
        query_ns = block.timings.elapsed_ns / len(block.timings.wall_ns)
    return tuple(blocks)
