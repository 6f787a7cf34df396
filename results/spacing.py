"""How far apart in time a case's launches were: those in a row see one mood of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.record import LaunchRecord


def own_time_share(launches: Sequence[LaunchRecord]) -> float | None:
    """Return the fraction of the time from first start to last end that the launches took.

    Near 1 nothing else ran between them; the launches of n like cases in turn have about 1/n. None
    for a single launch. The starts are of the machine's own clock, which may have been set back
    meanwhile: a fraction above 1 counts as 1.
    """
    if len(launches) < 2:
        return None
    starts = [launch.started_at for launch in launches]
    taken = [_taken_s(launch) for launch in launches]
    ends = [start + length for start, length in zip(starts, taken, strict=True)]
    return min(sum(taken) / (max(ends) - min(starts)), 1.0)


def _taken_s(launch: LaunchRecord) -> float:
    timed_ns = sum(block.elapsed_ns for block in launch.blocks)
    return (launch.start_ns + launch.open_ns + launch.warmup_ns + timed_ns) / 1e9
