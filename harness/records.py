"""The only translator from what children answer to what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engines import registry
from results.record import Block, CaseRecord, LaunchRecord
from results.telemetry import SERIES, TelemetryRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.build import Built
    from harness.machine.reading import Facts
    from harness.plan import PlannedCase
    from harness.prepare.models import Prepared
    from harness.telemetry.energy import Energy
    from harness.telemetry.sampling import Reading
    from harness.wire import Message
    from results.effect import GraphCost
    from results.record import Protocol
    from suites.case import Case


def case_record(
    planned: PlannedCase,
    *,
    prepared: Prepared | None = None,
    inputs_sha256: str | None = None,
    built: Built | None = None,
    cost: GraphCost | str | None = None,
) -> CaseRecord:
    """Return the stored form of a case, as far as it got; a `cost` may be why it is not known."""
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
        facts={
            **(_facts(built) if built else {}),
            **({"notes": notes} if (notes := _own_defaults(planned.case)) else {}),
            **({"calibration": prepared.calibration} if prepared and prepared.calibration else {}),
            **({"cost_unknown": cost} if isinstance(cost, str) else {}),
        },
        effect=prepared.effect if prepared else None,
        cost=None if isinstance(cost, str) else cost,
    )


def _facts(built: Built) -> dict[str, Any]:
    """Return what the build learned, and what was wrong with the cache entry that it replaced."""
    return {**built.facts, **({"cache_damage": built.damage} if built.damage else {})}


def _own_defaults(case: Case) -> list[str]:
    """Return a sentence for each option whose default is another one at the case's precision.

    Beside cases of other precisions it would else be a difference that nobody sees.
    """
    given = dict(case.options)
    return [
        f"{option.name} is {own} by default in {case.precision}, {option.default} otherwise"
        for option in registry.get(case.backend).options
        if option.name not in given and (own := option.default_of(case.precision)) != option.default
    ]


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


def telemetry_record(
    *,
    started_at: float,
    device_uuid: str,
    block: Message,
    samples: Sequence[Reading],
    start_ns: int,
    idle: Facts,
    energy: Facts,
) -> TelemetryRecord:
    """Return the stored form of a telemetry pass: its loop and the samples within it.

    `idle` has `idle_watts`, `energy` has an Energy under `energy_joules`. The queries done between
    the counter's two readings are a part of all that ran, by time.
    """
    blocks = [_block(row) for row in block.header["blocks"]]
    facts = [each.facts for each in samples]
    found: Energy | None = energy.values["energy_joules"]
    rate_per_ns = block.header["span_queries"] / max(block.header["span_ns"], 1)
    return TelemetryRecord(
        attempt=0,
        started_at=started_at,
        elapsed_ns=sum(block.elapsed_ns for block in blocks),
        queries=sum(block.queries for block in blocks),
        device_uuid=device_uuid,
        at_s=tuple((each.at_ns - start_ns) / 1e9 for each in samples),
        samples={name: tuple(each.values[name] for each in facts) for name in SERIES},
        idle_watts=idle.values["idle_watts"],
        energy_joules=found.joules if found else None,
        energy_queries=found.elapsed_ns * rate_per_ns if found else None,
        clock_reasons=_shares([each.values["clock_reasons"] for each in facts]),
        other_processes=_greatest([each.values["other_processes"] for each in facts]),
        unknown={**_missing(facts), **idle.unknown, **energy.unknown},
    )


def _shares(reasons: Sequence[Sequence[str] | None]) -> dict[str, float]:
    """Return the fraction of the readings that have each name, of those that were told."""
    told = [names for names in reasons if names is not None]
    names = sorted({name for names in told for name in names})
    return {name: sum(name in names for names in told) / len(told) for name in names}


def _greatest(counts: Sequence[int | None]) -> int | None:
    return max((count for count in counts if count is not None), default=None)


def _missing(facts: Sequence[Facts]) -> dict[str, str]:
    """Return why readings are missing, by name, and in how many samples where not in all."""
    if not facts:
        return {"samples": "no sample fell into the loop"}
    missing: dict[str, str] = {}
    for name in (*SERIES, "clock_reasons", "other_processes"):
        reasons = [each.unknown[name] for each in facts if name in each.unknown]
        if reasons:
            some = "" if len(reasons) == len(facts) else f"{len(reasons)} of {len(facts)} samples: "
            missing[name] = f"{some}{reasons[-1]}"
    return missing


def _block(row: list[int]) -> Block:
    queries, elapsed_ns, cpu_ns, voluntary, involuntary = row
    return Block(
        queries=queries,
        elapsed_ns=elapsed_ns,
        cpu_ns=cpu_ns,
        voluntary_switches=voluntary,
        involuntary_switches=involuntary,
    )
