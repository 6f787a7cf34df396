"""What a recipe really did to a graph, counted on the graph that it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A graph at its precision beside the one it was made of.

    `nodes` compute in another type than before, of `all_nodes` that have floating-point
    operations. `weights` and `flops` are the fractions of the weights' elements, and of the
    operations at the sizes asked for, that each type has (`int8`, `fp16`, …), largest first.
    `bytes_before` and `bytes_after` are those of the weights. `kept` are `Converted.kept`.
    """

    nodes: int
    all_nodes: int
    weights: Mapping[str, float]
    flops: Mapping[str, float]
    bytes_before: int
    bytes_after: int
    kept: tuple[str, ...] = ()
