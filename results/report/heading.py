"""The lines around the tables: which run, on what machine, under which protocol, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from results.record import Protocol, RunResult, Summary
from results.report.units import duration
from results.totals import state_word, totals

INTERVAL_RULE = (
    "Intervals are 95 % over fresh launches of this run; "
    "they do not carry over to another hour or machine."
)
BEST_RULE = "Lowest p50 and most samples/s of the table, by their estimates alone."


def heading(run: RunResult, machine: str) -> tuple[tuple[str, str], ...]:
    """Return the labelled lines that say which run this is."""
    record = run.record
    name = f" ({record.name})" if record.name and record.name != record.suite else ""
    when = datetime.fromtimestamp(record.started_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    state = f"{when}, {state_word(run.end)}, dyno {record.dyno_version}"
    lines = (("run", f"{record.id}{name}"), ("suite", record.suite), ("when", state))
    return (*lines, ("machine", machine)) if machine else lines


def protocols(summaries: Mapping[int, Summary]) -> tuple[tuple[str, str], ...]:
    """Return each protocol once: its fingerprint and its words."""
    found = {summary.protocol.fingerprint: summary.protocol for summary in summaries.values()}
    return tuple((fingerprint, _words(protocol)) for fingerprint, protocol in found.items())


def closing(run: RunResult) -> str:
    """Return the last line: cases counted by outcome, and the estimate beside the actual time."""
    counts = totals(run)
    parts = [f"{counts.measured} measured", f"{counts.skipped} skipped", f"{counts.failed} failed"]
    if counts.open:
        parts.append(f"{counts.open} open")
    estimate = f"estimated {duration(run.record.estimate_s * 1e9)}"
    took = "" if counts.elapsed_s is None else f", took {duration(counts.elapsed_s * 1e9)}"
    return f"{', '.join(parts)} · {estimate}{took}"


def _words(protocol: Protocol) -> str:
    launches = f"{protocol.launches_min}–{protocol.launches_max}"
    if protocol.launches_min == protocol.launches_max:
        launches = f"{protocol.launches_min}"
    parts = [
        f"wall time by {protocol.clock}, {protocol.loop}, I/O {protocol.transfers}",
        f"{protocol.streams} stream{'s' if protocol.streams > 1 else ''}",
        f"queue depth {protocol.queue_depth}",
        *(["CUDA graph"] if protocol.cuda_graph else []),
        *([f"waits by {protocol.sync}"] if protocol.sync != "none" else []),
        *([f"L2 {protocol.l2}"] if protocol.l2 != "n/a" else []),
        f"{launches} launches × {protocol.launch_s:g} s after ≥ {protocol.warmup_s:g} s warm-up",
        f"target ± {100 * protocol.target:g} %",
    ]
    return ", ".join(parts)
