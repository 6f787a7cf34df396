"""The only translator from what children answer to what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from results.record import Block, CaseRecord, LaunchRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.build import Built
    from harness.plan import PlannedCase
    from harness.prepare import Prepared
    from harness.wire import Message
    from results.record import Protocol


def case_record(
    planned: PlannedCase,
    *,
    prepared: Prepared | None = None,
    inputs_sha256: str | None = None,
    built: Built | None = None,
) -> CaseRecord:
    """Return the stored form of a case, as far as it got."""
    return CaseRecord(
        position=planned.position,
        case=planned.case,
        options=dict(planned.options),
        model_sha256=prepared.sha256 if prepared else None,
        inputs_sha256=inputs_sha256,
        effective_precision=prepared.precision if prepared else None,
        build_ns=built.build_ns if built else None,
        engine_bytes=built.engine_bytes if built else None,
        engine_key=built.key if built else None,
        engine_cached=built.cached if built else None,
        facts=_facts(built) if built else {},
    )


def _facts(built: Built) -> dict[str, Any]:
    """Return what the build learned, and what was wrong with the cache entry that it replaced."""
    return {**built.facts, **({"cache_damage": built.damage} if built.damage else {})}


def launch_record(
    *,
    number: int,
    started_at: float,
    protocol: Protocol,
    start_ns: int,
    opened: Message,
    warm: Message,
    block: Message,
    closed: Message,
    covariates: Mapping[str, Any],
) -> LaunchRecord:
    """Return the stored form of a launch from the answers of its worker."""
    arrays: Any = block.arrays
    return LaunchRecord(
        number=number,
        started_at=started_at,
        protocol=protocol,
        wall_ns=arrays["wall_ns"],
        enqueue_ns=arrays.get("enqueue_ns"),
        gpu_compute_ns=arrays.get("gpu_compute_ns"),
        h2d_ns=arrays.get("h2d_ns"),
        d2h_ns=arrays.get("d2h_ns"),
        blocks=tuple(_block(row) for row in block.header["blocks"]),
        start_ns=start_ns,
        open_ns=opened.header["open_ns"],
        first_query_ns=warm.header["first_query_ns"],
        warmup_ns=warm.header["elapsed_ns"],
        warmup_queries=warm.header["queries"],
        steady=warm.header["steady"],
        peak_rss_bytes=block.header["peak_rss_bytes"],
        facts=closed.header["facts"],
        covariates=covariates,
    )


def _block(row: list[int]) -> Block:
    queries, elapsed_ns, cpu_ns, voluntary, involuntary = row
    return Block(
        queries=queries,
        elapsed_ns=elapsed_ns,
        cpu_ns=cpu_ns,
        voluntary_switches=voluntary,
        involuntary_switches=involuntary,
    )
