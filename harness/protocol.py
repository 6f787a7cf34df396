"""The protocol of a case: what the suite, the case's options and the session's loop make of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.warmup import WarmupRule
from results.record import Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suites.case import OptionValue
    from suites.suite import Measure

BLOCK_S = 0.05
BLOCK_QUERIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmth:
    """How long a kind of device warms up: at least, and at most."""

    seconds: float
    queries: int
    cap_s: float


_HOST = Warmth(seconds=0.3, queries=10, cap_s=5.0)
_ACCELERATOR = Warmth(seconds=1.0, queries=50, cap_s=20.0)


def warmup_rule(device: str) -> WarmupRule:
    """Return the warm-up of a kind of device (docs/measuring.md)."""
    warmth = _ACCELERATOR if device == "cuda" else _HOST
    return WarmupRule(
        seconds=warmth.seconds,
        queries=warmth.queries,
        cap_s=warmth.cap_s,
        block_s=BLOCK_S,
    )


def resolve_protocol(
    *,
    measure: Measure,
    options: Mapping[str, OptionValue],
    rule: WarmupRule,
    loop: str,
    clock: str,
) -> Protocol:
    """Return the protocol in full; an option that the backend does not have has its only value."""
    blocking = loop == "blocking"
    return Protocol(
        clock=clock,
        loop=loop,
        transfers=str(options.get("transfers", "bound")),
        streams=int(options.get("streams", 1)),
        queue_depth=int(options.get("queue_depth", 1)),
        cuda_graph=bool(options.get("cuda_graph", False)),
        sync="none" if blocking else str(options.get("sync", "block")),
        l2=str(options.get("l2", "n/a" if blocking else "hot")),
        block_s=rule.block_s,
        block_queries=BLOCK_QUERIES,
        warmup_s=rule.seconds,
        warmup_queries=rule.queries,
        warmup_cap_s=rule.cap_s,
        launch_s=measure.launch_s,
        launches_min=measure.launches_min,
        launches_max=measure.launches_max,
        target=measure.target,
        case_s=measure.case_s,
    )
