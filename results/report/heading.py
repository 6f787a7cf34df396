"""The lines around the tables: which run, on what machine, under which protocol, how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from results.record import Protocol, RunRecord, RunResult
from results.report.units import duration
from results.totals import Totals, state_word, totals

INTERVAL_RULE = (
    "Intervals are 95 % over fresh launches of this run; "
    "they do not carry over to another hour or machine."
)
BENCH = "bench-"
"""How the suite of a `dyno bench` begins."""
BEST_RULE = "Lowest p50 and most samples/s of the table, by their estimates alone."


def heading(
    run: RunResult, machine: str, *, live: bool = False, shown: str = ""
) -> tuple[tuple[str, str], ...]:
    """Return the labelled lines that say which run this is.

    `live` is whether it goes on; `shown` says which part of it follows.
    """
    record = run.record
    name = f" ({record.name})" if record.name and record.name != record.suite else ""
    only = f", only {record.only}" if record.only else ""
    state = f"{moment(record.started_at)}, {state_word(run.end, live=live)}"
    lines = {
        "run": f"{record.id}{name}",
        "suite": f"{record.suite}{only}",
        "when": f"{state}, dyno {record.dyno_version}",
        "resumed": _resumed(run),
        "machine": machine,
        "shown": shown,
    }
    return tuple((label, text) for label, text in lines.items() if text)


def protocols(found: Iterable[Protocol]) -> tuple[tuple[str, str], ...]:
    """Return each protocol once: its fingerprint and its words."""
    return tuple((protocol.fingerprint, _words(protocol)) for protocol in dict.fromkeys(found))


def closing(run: RunResult, *, part: bool = False) -> str:
    """Return the last line: cases counted by outcome, and the estimate beside the actual time.

    A `part` of a run has no time of its own; nor had one that had nothing to run an estimate.
    """
    counts = totals(run)
    parts = [f"{counts.measured} measured", f"{counts.skipped} skipped", f"{counts.failed} failed"]
    if counts.open:
        parts.append(f"{counts.open} open")
    estimate_ns = run.record.estimate_s * 1e9
    times = [f"estimated {duration(estimate_ns)}"] if estimate_ns else []
    times += [_took(counts)] if counts.elapsed_s is not None else []
    return " · ".join([", ".join(parts), *([] if part or not times else [", ".join(times)])])


def resume_hint(run: RunResult, *, live: bool) -> str:
    """Return how to go on with a run that ended before all its cases did, or nothing."""
    left = totals(run).open
    if live or not left or (run.end is not None and run.end.state == "done"):
        return ""
    return f"{left} case{'s' if left > 1 else ''} left to measure: {resume_command(run.record)}"


def resume_command(record: RunRecord) -> str:
    """Return the command that goes on with a run; the store does not know where a file lies."""
    from suites.load import LIBRARY

    if record.suite.startswith(BENCH):
        return f"dyno bench MODEL --resume {record.id}"
    suite = record.suite if (LIBRARY / f"{record.suite}.yaml").exists() else "FILE.yaml"
    return f"dyno run {suite} --resume {record.id}"


def moment(epoch_s: float) -> str:
    """Return a time in UTC, such as `2026-01-02 03:04:05 UTC`."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _resumed(run: RunResult) -> str:
    if not run.resumes:
        return ""
    often = "once" if len(run.resumes) == 1 else f"{len(run.resumes)} times, last"
    return f"{often} {moment(run.resumes[-1].resumed_at)}"


def _took(counts: Totals) -> str:
    took = f"took {duration((counts.elapsed_s or 0) * 1e9)}"
    if counts.timed_starts < counts.starts:
        known = f"{counts.timed_starts} of {counts.starts} starts"
        return f"{took} in {known}; of the rest no end is known"
    return took if counts.starts == 1 else f"{took} in {counts.starts} starts without the gaps"


def _words(protocol: Protocol) -> str:
    launches = f"{protocol.launches_min}–{protocol.launches_max} launches"
    if protocol.launches_min == protocol.launches_max:
        launches = f"{protocol.launches_max} launch{'' if protocol.launches_max == 1 else 'es'}"
    gated = "wall time" if protocol.streams == 1 else "elapsed time per query"
    parts = [
        f"{gated} by {protocol.clock}, {protocol.loop}, I/O {protocol.transfers}",
        f"{protocol.streams} stream{'s' if protocol.streams > 1 else ''}",
        f"queue depth {protocol.queue_depth}",
        *(["CUDA graph"] if protocol.cuda_graph else []),
        *([f"waits by {protocol.sync}"] if protocol.sync != "none" else []),
        *([f"L2 {protocol.l2}"] if protocol.l2 != "n/a" else []),
        f"{launches} × {protocol.launch_s:g} s after ≥ {protocol.warmup_s:g} s warm-up",
        f"target ± {100 * protocol.target:g} %",
    ]
    return ", ".join(parts)
