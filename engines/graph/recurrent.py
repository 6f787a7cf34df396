"""The floating-point operations of RNN, GRU and LSTM nodes, by ONNX's definition of each."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.graph.tensors import Step

_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4, "DynamicQuantizeLSTM": 4}
_MIXING = {"RNN": 0, "GRU": 5, "LSTM": 5, "DynamicQuantizeLSTM": 5}
"""Beside the gates, per element of the state.

LSTM: f · c + i · g takes 3, its tanh 1, the product with o 1. GRU: (1 − z) · n + z · h takes 4, the
product with r 1.
"""
_BIAS, _PEEPHOLES = 3, 7
_PER_PEEPHOLE = 6


def recurrent(step: Step) -> int:
    """Return the operations of all directions over the whole length; ends of sequences skip none.

    A gate of n inputs and h states takes, per state, 2 · (n + h), the sum of both products, a bias
    (its two halves folded into one), and its activation. A GRU with `linear_before_reset` adds the
    bias of its third gate in two halves. Peepholes are a product and a sum in three gates.
    """
    op = step.node.op_type
    given = step.attributes()
    *many, size = step.shape(0)
    directions, hidden = step.shape(2)[0], int(given["hidden_size"])
    bias = step.has(_BIAS)
    gate = 2 * (size + hidden) + 1 + bias + 1
    each: int = (
        _GATES[op] * gate + _MIXING[op] + _PER_PEEPHOLE * (op != "GRU" and step.has(_PEEPHOLES))
    )
    if given.get("linear_before_reset"):
        each += int(bias)
    return prod(many) * directions * hidden * each


def with_input(step: Step) -> int:
    """Return those of the products with the input: 2 · n a gate and state; a part of the above."""
    *many, size = step.shape(0)
    states = step.shape(2)[0] * int(step.attributes()["hidden_size"])
    return prod(many) * states * _GATES[step.node.op_type] * 2 * size
