"""What preparing did to a case's graph, and what a query of it costs, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a recipe changed, counted on the graph that it made.

    `nodes` compute in another type than before, of `all_nodes` that have floating-point
    operations. `weights` and `flops` are fractions by type (`int8`, `fp16`, …), largest first.
    `bytes_before` and `bytes_after` are those of all constants; `kept` tells what was left alone,
    and why.
    """

    nodes: int
    all_nodes: int
    weights: Mapping[str, float]
    flops: Mapping[str, float]
    bytes_before: int
    bytes_after: int
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCost:
    """What one query of a case costs by its graph, whatever a runtime makes of that.

    `flops` counts floating-point operations of the model as it came, a multiply and an add as two;
    `parameter_bytes` and `activation_bytes` are those that the prepared graph reads and writes.
    `uncounted` has operators, by type, whose operations are not known. `ceiling` is `compute` or
    `memory` for a model that is there to find this machine's limits, else "".
    """

    flops: int
    parameter_bytes: int
    activation_bytes: int
    uncounted: Mapping[str, int] = field(default_factory=dict)
    ceiling: str = ""
