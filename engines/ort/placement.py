"""Which nodes of a session run where, and whether some of them quietly ran off to the CPU."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.contract import EngineError, Placement

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnxruntime as ort

CPU = "CPUExecutionProvider"
RECORDING = "session.record_ep_graph_assignment_info"
"""The session's config entry without which it cannot tell where its nodes run."""
_EXAMPLES = 5
_SHAPE_OPS = frozenset(
    (
        "Add",
        "And",
        "Cast",
        "Ceil",
        "Concat",
        "Constant",
        "ConstantOfShape",
        "Div",
        "Equal",
        "Expand",
        "Flatten",
        "Floor",
        "Gather",
        "GatherND",
        "Greater",
        "GreaterOrEqual",
        "Identity",
        "Less",
        "LessOrEqual",
        "Max",
        "Min",
        "Mod",
        "Mul",
        "Neg",
        "Not",
        "Or",
        "Range",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceSum",
        "Reshape",
        "Shape",
        "Size",
        "Slice",
        "Split",
        "Squeeze",
        "Sub",
        "Tile",
        "Unsqueeze",
        "Where",
    )
)
"""What graphs reckon shapes with. ONNX Runtime puts such nodes on the CPU on purpose, where their
results are wanted, so they are no fallback; any other operator there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """A node of the optimized graph and its provider; `name` is empty for one without."""

    provider: str
    name: str
    op: str

    def __str__(self) -> str:
        return f"{self.name!r} ({self.op})" if self.name else self.op


def assigned(session: ort.InferenceSession) -> tuple[Assigned, ...]:
    """Return the nodes of a session that was made with the config entry `RECORDING`."""
    return tuple(
        Assigned(provider=subgraph.ep_name, name=node.name, op=node.op_type)
        for subgraph in session.get_provider_graph_assignment_info()
        for node in subgraph.get_nodes()
    )


def placement(nodes: Sequence[Assigned]) -> tuple[Placement, ...]:
    """Return how many nodes run on which provider, most first."""
    counts = Counter(node.provider for node in nodes)
    return tuple(
        Placement(provider=provider, nodes=count, examples=_examples(nodes, provider))
        for provider, count in counts.most_common()
    )


def require_on(provider: str, nodes: Sequence[Assigned], *, cpu_fallback: bool) -> tuple[str, ...]:
    """Return notes on nodes that run on the CPU, where `cpu_fallback` allows them.

    Raises EngineError of kind `fallback` for nodes that compute there and may not, and where the
    provider has none at all.
    """
    if nodes and not any(node.provider == provider for node in nodes):
        raise EngineError(
            "fallback",
            f"{_none_of(len(nodes))} on {provider}: {_listed(nodes)}",
            "Use another backend for this model.",
        )
    strays = [node for node in nodes if node.provider == CPU and node.op not in _SHAPE_OPS]
    if not strays:
        return ()
    told = f"{len(strays)} of {len(nodes)} nodes run on the CPU instead of {provider}"
    if not cpu_fallback:
        raise EngineError(
            "fallback",
            f"{told}: {_listed(strays)}",
            "Change the model, or set `cpu_fallback: allow` to measure it as it is.",
        )
    return (f"{told}: {_listed(strays)}",)


def _none_of(count: int) -> str:
    return "the only node does not run" if count == 1 else f"none of the {count} nodes runs"


def _listed(nodes: Sequence[Assigned]) -> str:
    shown = ", ".join(str(node) for node in nodes[:_EXAMPLES])
    more = len(nodes) - _EXAMPLES
    return f"{shown} and {more} more" if more > 0 else shown


def _examples(nodes: Sequence[Assigned], provider: str) -> tuple[str, ...]:
    names = [node.name or node.op for node in nodes if node.provider == provider]
    return tuple(names[:_EXAMPLES])
