"""What an RNN, GRU or LSTM node computes, as arrays and names, or why it is not read so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
_ACTIVATIONS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
_W, _R, _B, _LENGTHS, _H, _C, _PEEPHOLES = range(1, 8)


class NotReadError(Exception):
    """The node does more than a `Recurrence` can say; the message is `expected …, got …`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """One way through the sequence.

    `inputs` [input, gates × hidden] and `states` [hidden, gates × hidden] have their gates in the
    order of ONNX. `bias` [gates × hidden] is all of it but `state_bias` [hidden], which a GRU that
    resets after its product adds before it resets.
    """

    reverse: bool
    inputs: Floats
    states: Floats
    bias: Floats | None = None
    state_bias: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A node, its weights constant and its activations the default ones.

    Names are empty where the node has no such input or output. `batch_first` is ONNX's layout 1.
    """

    op: str
    directions: tuple[Direction, ...]
    x: str
    initial_h: str
    initial_c: str
    y: str
    y_h: str
    y_c: str
    batch_first: bool
    reset_after: bool

    @property
    def hidden(self) -> int:
        """Return the width of the state."""
        return int(self.directions[0].states.shape[0])


def read(node: NodeProto, constants: Mapping[str, TensorProto]) -> Recurrence:
    """Return what the node computes; raises NotReadError."""
    attributes = {attribute.name: _value(attribute) for attribute in node.attribute}
    _require_plain(node, attributes)
    inputs, states = (_array(node, slot, constants) for slot in (_W, _R))
    bias = _array(node, _B, constants) if _name(node.input, _B) else None
    reset_after = node.op_type == "GRU" and bool(attributes.get("linear_before_reset", 0))
    ways = {"bidirectional": (False, True), "reverse": (True,)}.get(
        attributes.get("direction", "forward"), (False,)
    )
    return Recurrence(
        op=node.op_type,
        directions=tuple(
            _direction(
                inputs[i],
                states[i],
                None if bias is None else bias[i],
                reverse=reverse,
                split_bias=reset_after,
            )
            for i, reverse in enumerate(ways)
        ),
        x=node.input[0],
        initial_h=_name(node.input, _H),
        initial_c=_name(node.input, _C),
        y=_name(node.output, 0),
        y_h=_name(node.output, 1),
        y_c=_name(node.output, 2),
        batch_first=bool(attributes.get("layout", 0)),
        reset_after=reset_after,
    )


def _require_plain(node: NodeProto, attributes: Mapping[str, Any]) -> None:
    for slot, name in ((_LENGTHS, "sequence_lens"), (_PEEPHOLES, "peepholes")):
        if _name(node.input, slot):
            raise NotReadError(f"expected no {name}, got {_name(node.input, slot)!r}")
    for name in ("clip", "input_forget"):
        if attributes.get(name):
            raise NotReadError(f"expected no {name}, got {attributes[name]:g}")
    given = [name.decode() for name in attributes.get("activations", ())]
    default = _ACTIVATIONS[node.op_type]
    if given and given not in (default, 2 * default):
        raise NotReadError(f"expected the activations {', '.join(default)}, got {', '.join(given)}")


def _direction(
    w: Floats, r: Floats, b: Floats | None, *, reverse: bool, split_bias: bool
) -> Direction:
    bias, state_bias = None, None
    if b is not None:
        of_inputs, of_states = np.split(b, 2)
        if split_bias:
            hidden = r.shape[1]
            state_bias = of_states[-hidden:]
            of_states = np.concatenate([of_states[:-hidden], np.zeros(hidden, np.float32)])
        bias = of_inputs + of_states
    return Direction(reverse=reverse, inputs=w.T, states=r.T, bias=bias, state_bias=state_bias)


def _array(node: NodeProto, slot: int, constants: Mapping[str, TensorProto]) -> Floats:
    name = _name(node.input, slot)
    if name not in constants:
        raise NotReadError(f"expected constant weights, got {name!r}, which the graph computes")
    array = numpy_helper.to_array(constants[name])
    if array.dtype != np.float32:
        raise NotReadError(f"expected float32 weights, got {array.dtype} in {name!r}")
    return array


def _name(names: Any, slot: int) -> str:
    return names[slot] if slot < len(names) else ""


def _value(attribute: Any) -> Any:
    value = helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value
