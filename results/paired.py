"""What a pair is: two live sides of one case that took turns, as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from results.record import Protocol

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

BASELINE = "baseline"
CANDIDATE = "candidate"
SIDES = (BASELINE, CANDIDATE)
"""A and B of ABBA. Ratios are candidate over baseline: above 1 the candidate is slower."""
PHASES = ("look", "confirm")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SideBlocks:
    """The blocks of one side of a pair in run order, two a quad: arrays of shape (blocks,).

    The block that warms a side up again before its quads is not among them. `median_ns` to `p99_ns`
    are of the wall times of a block's queries; with several streams all four are elapsed time over
    queries, as in a run. `disturbed` is None where nothing tells (several threads on a CPU).
    """

    median_ns: Floats
    mean_ns: Floats
    p95_ns: Floats
    p99_ns: Floats
    queries: Integers
    elapsed_ns: Integers
    cpu_ns: Integers
    involuntary_switches: Integers
    disturbed: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SideLaunch:
    """One side of a pair: a fresh process, its cold path and its blocks.

    `p95_ns` is over all queries of its blocks, `clean_p99_ns` over the `clean_queries` of those
    undisturbed (of all, where nothing tells), None where there are none. `gpu_compute_ns` is the
    median of the device's own times, None without its clock. `facts` is what the session said of
    itself.
    """

    protocol: Protocol
    blocks: SideBlocks
    start_ns: int
    open_ns: int
    first_query_ns: int
    warmup_ns: int
    warmup_queries: int
    steady: bool | None
    p95_ns: float
    clean_p99_ns: float | None
    clean_queries: int
    gpu_compute_ns: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairRecord:
    """One pair of a case. `number` counts from 0 within case and phase.

    `first` is the side whose process started first. `watched` says that a device's clocks were
    read around each block; a watched pair counts only with enough undisturbed quads
    (`results/compare.py`). `covariates` are readings of the machine before and after.
    """

    phase: str
    number: int
    started_at: float
    first: str
    baseline: SideLaunch
    candidate: SideLaunch
    watched: bool = False
    covariates: Mapping[str, Any] = field(default_factory=dict)
