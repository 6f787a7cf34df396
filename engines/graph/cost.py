"""What one query of a graph costs at given sizes: operations, parameters, and activations moved.

Own code: the published counters of ONNX graphs leave out recurrent operators, the bodies of If,
Loop and Scan, or quantized products, and report what they do not know as nothing. Shapes come from
ONNX's own inference (`infer.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.graph.operations import flops
from engines.graph.parameters import parameters
from engines.graph.trace import every_step, trace
from engines.graph.traffic import activation_bytes

if TYPE_CHECKING:
    from onnx import ModelProto

    from engines.graph.tensors import Block, Step

Runs = Iterator[tuple["Step", int]]
"""Nodes without bodies, each with how often a query runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one query costs by its graph, whatever a runtime makes of it.

    `flops` counts by the rules of `operations.py`: the dearer branch of an If, the body of a Loop
    or Scan as often as it runs, and nothing for what follows from weights and sizes alone.
    `parameter_bytes` are those of all constants, each read once, at the types that an engine keeps
    (`parameters.py`); `activation_bytes` follow the model of `traffic.py`. `uncounted` has how many
    nodes of an operator have unknown operations or sizes; they are in none of the sums.
    """

    flops: int
    parameter_bytes: int
    activation_bytes: int
    uncounted: Mapping[str, int]


def cost(model: ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> Cost:
    """Return what one query costs where the inputs have these shapes. Leaves the model as it is.

    External data need not be loaded.
    """
    block = trace(model, shapes)
    runs = list(executed(block))
    unknown = (step.node.op_type for step in every_step(block) if _is_unknown(step))
    return Cost(
        flops=total_flops(runs),
        parameter_bytes=sum(each.size_bytes for each in parameters(block)),
        activation_bytes=activation_bytes(block, runs),
        uncounted=dict(sorted(Counter(unknown).items())),
    )


def executed(block: Block) -> Runs:
    """Yield the nodes that a query runs, with how often; of an If those of the dearer branch.

    Nodes of a Loop that only a query can count are left out.
    """
    for step in block.steps:
        if not step.blocks:
            yield step, 1
            continue
        branches = [list(executed(body)) for body in step.blocks]
        for inner, times in max(branches, key=total_flops):
            if step.trips is not None:
                yield inner, times * step.trips


def total_flops(runs: Iterable[tuple[Step, int]]) -> int:
    """Return the operations of all that is known."""
    return sum((flops(step) or 0) * times for step, times in runs)


def _is_unknown(step: Step) -> bool:
    if step.blocks:
        return step.trips is None
    return not step.constant and (flops(step) is None or not step.known)
