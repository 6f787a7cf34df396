"""Writing an ONNX graph node by node, with weights that are a function of their name and shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from suites.signature import Signature, TensorSpec

OPSET = 21
IR_VERSION = 10
"""The one that came with this opset, in ONNX 1.16: later ones shut older runtimes out."""

Attribute = int | float | str | Sequence[int]


class GraphBuilder:
    """Collects nodes and initializers in order; every method returns the name of a tensor."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[NodeProto] = []
        self._initializers: list[TensorProto] = []

    def weight(self, name: str, shape: Sequence[int], *, limit: float) -> str:
        """Add float32 weights, uniform in [-limit, limit)."""
        return self._initializer(name, _uniform(name, shape, limit))

    def ones(self, name: str, shape: Sequence[int]) -> str:
        """Add float32 ones."""
        return self._initializer(name, np.ones(shape, np.float32))

    def integers(self, name: str, values: Sequence[int]) -> str:
        """Add an int64 vector: a shape, axes or bounds."""
        return self._initializer(name, np.array(values, np.int64))

    def scalar(self, name: str, value: float) -> str:
        """Add a float32 scalar."""
        return self._initializer(name, np.array(value, np.float32))

    def node(
        self,
        op: str,
        inputs: Iterable[str],
        *,
        name: str,
        output: str = "",
        **attributes: Attribute,
    ) -> str:
        """Add a node of one output, called like the node unless `output` says otherwise."""
        return self.node_of_many(op, inputs, (output or name,), name=name, attributes=attributes)[0]

    def node_of_many(
        self,
        op: str,
        inputs: Iterable[str],
        outputs: Sequence[str],
        *,
        name: str,
        attributes: Mapping[str, Attribute],
    ) -> Sequence[str]:
        """Add a node and return its outputs."""
        anything: Mapping[str, Any] = attributes  # make_node mixes them with arguments of its own
        self._nodes.append(helper.make_node(op, list(inputs), list(outputs), name=name, **anything))
        return outputs

    def model(self, signature: Signature) -> ModelProto:
        """Return the finished model with the inputs and outputs of `signature`."""
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [_value_info(spec) for spec in signature.inputs],
            [_value_info(spec) for spec in signature.outputs],
            self._initializers,
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="dyno",
        )

    def _initializer(self, name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        self._initializers.append(numpy_helper.from_array(values, name))
        return name


def _uniform(name: str, shape: Sequence[int], limit: float) -> NDArray[np.float32]:
    """Return exact multiples of 2**-23 × limit, from the top 24 bits of a PCG64 stream.

    Only bit generators keep their stream between numpy versions (NEP 19), and only integers and
    single float32 products are the same on every machine.
    """
    raw = np.random.PCG64(crc32(name.encode())).random_raw(prod(shape))
    unit = (raw >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    return (unit * np.float32(limit)).reshape(shape)


def _value_info(spec: TensorSpec) -> ValueInfoProto:
    element = helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    return helper.make_tensor_value_info(spec.name, element, list(spec.dims))
