"""Small graphs as text, converted to a half type, and what is asked of them.

Fixtures are functions, since tests of this tree cannot import each other.
"""

from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import parser

from engines.graph.walk import every_graph
from engines.precision.half.cast import to_half
from engines.precision.half.half import FP16

HEAD = '<ir_version: 8, opset_import: ["" : 21, "local" : 1]>'
X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def convert():
    """Return a function that gives a model of a text, converted and checked, and what is kept."""

    def convert(text, half=FP16, **options):
        model, kept = to_half(parser.parse_model(f"{HEAD}\n{text}"), half, **options)
        onnx.checker.check_model(model, full_check=True)
        return model, kept

    return convert


@pytest.fixture
def show():
    """Return a function that gives a graph's nodes as `output = Op(inputs)`."""

    def show(graph):
        return [f"{', '.join(n.output)} = {n.op_type}({', '.join(n.input)})" for n in graph.node]

    return show


@pytest.fixture
def ops():
    """Return a function that counts a model's operators, bodies included."""

    def ops(model):
        graphs = every_graph(model.graph)
        return Counter(node.op_type for graph in graphs for node in graph.node)

    return ops


@pytest.fixture
def agrees(convert, run_on_cpu):
    """Return a function that asserts that a model gives the same in fp16 but for rounding."""

    def compare(text, **inputs):
        model, _ = convert(text)
        inputs = inputs or {"x": X}
        expected = run_on_cpu(parser.parse_model(f"{HEAD}\n{text}"), inputs)
        for name, value in run_on_cpu(model, inputs).items():
            assert value.dtype == expected[name].dtype
            np.testing.assert_allclose(value, expected[name], rtol=4e-3, atol=4e-3)
        return model

    return compare
