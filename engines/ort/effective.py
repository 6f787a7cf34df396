"""In which type a graph's matrix operators compute, and what that makes of the precision asked for.

Matrix operators do nearly all of a network's arithmetic: products, convolutions, recurrences and
attention. The others are not counted: what a runtime computes them in hardly moves its speed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.ort.graph_file import INT4, read_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from engines.contract import Fact
    from engines.ort.graph_file import Node
    from engines.ort.placement import Assigned

FLOAT_OPS = frozenset(
    (
        "Attention",
        "CausalConvWithState",
        "Conv",
        "ConvTranspose",
        "DecoderMaskedMultiHeadAttention",
        "DeformConv",
        "Einsum",
        "FusedConv",
        "FusedGemm",
        "FusedMatMul",
        "FusedMatMulActivation",
        "GRU",
        "Gemm",
        "GemmFastGelu",
        "GroupQueryAttention",
        "LSTM",
        "LinearAttention",
        "MatMul",
        "MatMulBnb4",
        "MatMulNBits",
        "MoE",
        "MultiHeadAttention",
        "NhwcConv",
        "NhwcFusedConv",
        "PackedAttention",
        "PackedMultiHeadAttention",
        "QMoE",
        "RNN",
        "SparseAttention",
        "TransposeMatMul",
    )
)
"""They compute in the type of their inputs."""
INTEGER_OPS = frozenset(
    (
        "ConvInteger",
        "DynamicQuantizeLSTM",
        "DynamicQuantizeMatMul",
        "MatMulInteger",
        "MatMulInteger16",
        "MatMulIntegerToFloat",
        "QAttention",
        "QGemm",
        "QLinearConv",
        "QLinearMatMul",
    )
)
"""They multiply 8-bit integers."""
_WANTED = ("fp16", "int8", "fp8")
_UNKNOWN = "unknown"
_PREFIX = "computes:"
_INT4_FACT = "int4:"
_INT8_ACTIVATIONS = 4
"""MatMulNBits rounds its other operand to int8 at this accuracy_level."""

Computed = Counter[tuple[str, str]]
"""How many matrix operators there are, by the type they compute in and by their name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """`SessionFacts.effective_precision`, and what a report should say of it."""

    precision: str | None
    notes: tuple[str, ...] = ()


def facts_of(path: Path) -> dict[str, Fact]:
    """Return what an optimized graph computes in, for `effective_of`."""
    nodes = read_nodes(path)
    counts = Counter((_type_of(node), node.op) for node in nodes if _is_matrix(node.op))
    kept = Counter(node.op for node in nodes if _reads_int4(node))
    return {
        **{f"{_PREFIX}{type_}:{op}": count for (type_, op), count in sorted(counts.items())},
        **{f"{_INT4_FACT}{op}": count for op, count in sorted(kept.items())},
    }


def effective_of(precision: str, facts: Mapping[str, Fact]) -> Effective:
    """Return what a graph of those facts makes of the precision it was prepared for."""
    counts = Computed()
    for name, count in facts.items():
        if name.startswith(_PREFIX):
            type_, _, op = name.removeprefix(_PREFIX).partition(":")
            counts[type_, op] = int(count)
    if precision == "int4":
        kept = {
            name.removeprefix(_INT4_FACT): int(count)
            for name, count in facts.items()
            if name.startswith(_INT4_FACT)
        }
        return _int4(counts, kept)
    return effective(precision, counts)


def assigned_counts(precision: str, nodes: Iterable[Assigned]) -> Computed:
    """Return what a provider's nodes compute in, where nothing converts between them.

    That is so on every provider but the CPU's. Only operators are known of them, no types: those
    that are not of integers compute in what the precision leaves the rest of the graph in.
    """
    rest = "fp16" if precision.endswith("fp16") else "fp32"
    return Computed(
        ("int8" if node.op in INTEGER_OPS else rest, node.op)
        for node in nodes
        if _is_matrix(node.op)
    )


def effective(precision: str, counts: Computed) -> Effective:
    """Return what the matrix operators make of a precision: None is all that it says.

    Where less than half of them compute in the wanted type, it is the type that most of the others
    have; `int8` of `int8-fp16` remains where the rest computes in fp32. Where a type is not known
    nothing is told.
    """
    wanted, _, rest = precision.partition("-")
    by_type = Counter[str]()
    for (type_, _), count in counts.items():
        by_type[type_] += count
    own, total = by_type[wanted], by_type.total()
    if wanted not in _WANTED or _UNKNOWN in by_type or own == total:
        return Effective(precision=None)
    others = [type_ for type_, _ in by_type.most_common() if type_ != wanted]
    lost = rest == "fp16" and "fp16" not in others
    found = others[0] if 2 * own < total else wanted if lost else precision
    note = _told(wanted, counts)
    return Effective(precision=None if found == precision else found, notes=(note,))


def _told(wanted: str, counts: Computed) -> str:
    """Return such as `3 of 5 matrix operators compute in int8; in fp32: 2 LSTM`."""
    own = sum(count for (type_, _), count in counts.items() if type_ == wanted)
    others: dict[str, list[str]] = {}
    for (type_, op), count in sorted(counts.items()):
        if type_ != wanted:
            others.setdefault(type_, []).append(f"{count} {op}")
    listed = "; ".join(f"in {type_}: {', '.join(ops)}" for type_, ops in others.items())
    return f"{own} of {counts.total()} matrix operators compute in {wanted}; {listed}"


def _int4(counts: Computed, kept: Mapping[str, int]) -> Effective:
    """Return how the graph holds its 4-bit weights; fp32 where it holds none any more."""
    if not kept:
        lost = Effective(precision="fp32", notes=("the graph holds no 4-bit weights any more",))
        return lost if counts else Effective(precision=None)
    inside = sum(count for op, count in kept.items() if _is_matrix(op))
    apart = sum(kept.values()) - inside
    note = (
        f"{apart} nodes unpack 4-bit weights into floats in every query; "
        f"{inside} of {counts.total()} matrix operators read them packed"
    )
    return Effective(precision=None, notes=(note,) if apart else ())


def _is_matrix(op: str) -> bool:
    return op in FLOAT_OPS or op in INTEGER_OPS


def _type_of(node: Node) -> str:
    rounds = node.numbers.get("accuracy_level") == _INT8_ACTIVATIONS
    return "int8" if node.op in INTEGER_OPS or rounds else node.computes or _UNKNOWN


def _reads_int4(node: Node) -> bool:
    packed = node.op in ("MatMulNBits", "GatherBlockQuantized") and node.numbers.get("bits") == 4
    return packed or any(type_ in INT4 for type_ in node.reads)
