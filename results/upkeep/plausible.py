"""Whether what is stored agrees with itself and with what it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from results.accuracy import AccuracyRecord, OutputParity, TaskScore
from results.paired import SIDES, PairRecord, SideBlocks
from results.record import CaseRecord, LaunchRecord
from results.summary import Summary
from results.telemetry import TelemetryRecord

_TOLERANCE = 0.001
_OF = ("precision", "recall", "f1")
_DEVICE = ("enqueue_ns", "gpu_compute_ns", "h2d_ns", "d2h_ns")


def launch_problem(launch: LaunchRecord) -> str | None:
    """Return how raw timings and blocks of a launch disagree, or None."""
    timed = sum(block.queries for block in launch.blocks)
    for name in ("wall_ns", *_DEVICE):
        found = getattr(launch, name)
        if found is not None and len(found) != timed:
            return f"expected {name} of its {timed} queries, got {len(found)}"
        if found is not None and (found < 0).any():
            return f"expected {name} of 0 and up, got {int(found.min())}"
    return _time_problem(launch)


def _time_problem(launch: LaunchRecord) -> str | None:
    """Return that the queries together took longer than their blocks, or None.

    Where enqueue blocks, queries fill the blocks; elsewhere each slot may hold one query at a time,
    of which the first may have begun before its block.
    """
    elapsed_ns = sum(block.elapsed_ns for block in launch.blocks)
    taken_ns = int(launch.wall_ns.sum())
    slots = launch.protocol.streams * launch.protocol.queue_depth
    if launch.protocol.loop == "blocking":
        agree = abs(taken_ns - elapsed_ns) <= _TOLERANCE * elapsed_ns
    else:
        longest_ns = max(launch.wall_ns.tolist(), default=0)
        agree = taken_ns <= slots * (elapsed_ns + len(launch.blocks) * longest_ns)
    if agree:
        return None
    return f"expected queries of {elapsed_ns} ns together, as its blocks took, got {taken_ns} ns"


def telemetry_problem(record: TelemetryRecord) -> str | None:
    """Return how a record of telemetry disagrees with itself, or None."""
    for name, series in record.samples.items():
        least = min((value for value in series if value is not None), default=0)
        if least < 0:
            return f"expected {name} of 0 and up, got {least!r}"
    for name, share in record.clock_reasons.items():
        if not 0 <= share <= 1:
            return f"expected a fraction of its samples with {name!r}, got {share!r}"
    if (record.energy_joules is None) is not (record.energy_queries is None):
        return "expected energy and the queries it was for, got one without the other"
    return None


def accuracy_problem(record: AccuracyRecord) -> str | None:
    """Return how a record of accuracy disagrees with itself, or None."""
    for parity in record.parity:
        if problem := _parity_problem(parity):
            return f"{problem} of {parity.output!r}"
    return None if record.task is None else _task_problem(record.task)


def _parity_problem(parity: OutputParity) -> str | None:
    if not 0 <= parity.nan + parity.inf <= parity.values:
        return f"expected NaN and infinities among {parity.values} values"
    if parity.cosine is not None and not -1 - _TOLERANCE <= parity.cosine <= 1 + _TOLERANCE:
        return f"expected a cosine from -1 to 1, got {parity.cosine!r}"
    for name in ("max_abs", "max_rel"):
        found = getattr(parity, name)
        if found is not None and found < 0:
            return f"expected {name} of 0 and up, got {found!r}"
    return _share_problem({"top1": parity.top1})


def _task_problem(task: TaskScore) -> str | None:
    """Return what is no fraction; a character error rate may exceed 1."""
    shares = {
        **{name: value for name, value in _scores(task) if not name.startswith("cer")},
        **{f"{name} of {one.label!r}": getattr(one, name) for one in task.classes for name in _OF},
    }
    return _share_problem(shares)


def _scores(task: TaskScore) -> Iterator[tuple[str, float]]:
    yield from task.metrics.items()
    yield from ((f"{name} of the reference", value) for name, value in task.reference.items())


def case_problem(record: CaseRecord) -> str | None:
    """Return how a case's effect or its graph's cost disagrees with itself, or None."""
    effect, cost = record.effect, record.cost
    if effect is not None:
        if not 0 <= effect.nodes <= effect.all_nodes:
            return f"expected at most {effect.all_nodes} changed nodes, got {effect.nodes}"
        if problem := _share_problem(effect.weights) or _share_problem(effect.flops):
            return problem
    counts = () if cost is None else (cost.flops, cost.parameter_bytes, cost.activation_bytes)
    if min(counts, default=0) < 0:
        return f"expected a cost of 0 and up, got {min(counts)}"
    return None


def pair_problem(pair: PairRecord) -> str | None:
    """Return how the blocks of a pair disagree with themselves or with each other, or None."""
    counts = [len(side.blocks.queries) for side in (pair.baseline, pair.candidate)]
    if counts[0] != counts[1]:
        return f"expected as many blocks of both sides, got {counts[0]} and {counts[1]}"
    for name, side in zip(SIDES, (pair.baseline, pair.candidate), strict=True):
        if problem := _blocks_problem(side.blocks):
            return f"{problem} of the {name}"
    return None


def _blocks_problem(blocks: SideBlocks) -> str | None:
    for name in ("queries", "elapsed_ns", "median_ns", "mean_ns"):
        least = min(getattr(blocks, name).tolist(), default=1)
        if least <= 0:
            return f"expected {name} above 0 in each block, got {least!r}"
    for name in ("cpu_ns", "involuntary_switches"):
        least = min(getattr(blocks, name).tolist(), default=0)
        if least < 0:
            return f"expected {name} of 0 and up, got {least!r}"
    rising = (blocks.median_ns <= blocks.p95_ns) & (blocks.p95_ns <= blocks.p99_ns)
    return None if rising.all() else "expected the median, p95 and p99 of each block to rise"


def _share_problem(shares: Mapping[str, float | None]) -> str | None:
    for name, share in shares.items():
        if share is not None and not 0 <= share <= 1 + _TOLERANCE:
            return f"expected a fraction for {name}, got {share!r}"
    return None


def summary_problem(summary: Summary, *, launches: int, queries: int) -> str | None:
    """Return how a summary disagrees with the case's `launches` and their `queries`, or None."""
    if summary.launches > launches:
        return f"expected at most the case's {launches} launches, got {summary.launches}"
    if summary.launches == launches and summary.queries != queries:
        return f"expected the case's {queries} queries, got {summary.queries}"
    return None
