import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from engines.precision.quantize.bias import split_biases

TEXT = """
<ir_version: 10, opset_import: ["": 21]>
g (float[2, 3] x, float[2] b) => (float[2, 2] y, float[2, 2] z)
<float[2, 3] w = {1, 2, 3, -4, 5, 6}, float[2, 3] v = {1, 2, 3, -4, 5, 6}> {
    [first] y = Gemm<transB = 1, alpha = 0.5>(x, w, b)
    z = Gemm<transB = 1%s>(x, v%s)
}
"""


def split(beta="", bias=", b"):
    model = onnx.parser.parse_model(TEXT % (beta, bias))
    before = ReferenceEvaluator(model.SerializeToString())
    split_biases(model)
    onnx.checker.check_model(model, full_check=True)
    inputs = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float32([7, -8])}
    for expected, found in zip(
        before.run(None, inputs), ReferenceEvaluator(model).run(None, inputs), strict=True
    ):
        assert np.array_equal(expected, found)
    return [(node.op_type, node.name, *node.input) for node in model.graph.node]


def test_a_bias_becomes_an_add_behind_its_product():
    assert split() == [
        ("Gemm", "first", "x", "w"),
        ("Add", "first.bias", "y.product", "b"),
        ("Gemm", "", "x", "v"),
        ("Add", "z.bias", "z.product", "b"),
    ]


@pytest.mark.parametrize(("beta", "bias"), [(", beta = 2.0", ", b"), ("", ""), ("", ", ")])
def test_a_scaled_or_absent_one_stays(beta, bias):
    assert [op for op, *_ in split(beta, bias)] == ["Gemm", "Add", "Gemm"]


def test_a_bias_whose_factor_is_stated_to_be_one_becomes_an_add():
    assert [op for op, *_ in split(", beta = 1.0")] == ["Gemm", "Add", "Gemm", "Add"]


@pytest.mark.parametrize(("bias", "domain"), [("", ""), ("b", "my")])
def test_an_absent_bias_that_has_a_place_and_another_domains_gemm_stay(bias, domain):
    model = onnx.parser.parse_model(TEXT % ("", ""))
    model.graph.node[1].input.append(bias)
    model.graph.node[1].domain = domain
    split_biases(model)
    assert [node.op_type for node in model.graph.node] == ["Gemm", "Add", "Gemm"]


def test_names_that_are_taken_get_a_number():
    model = onnx.parser.parse_model(TEXT % ("", ""))
    model.graph.node[1].output[0] = model.graph.output[1].name = "y.product"
    split_biases(model)
    made = [output for node in model.graph.node for output in node.output]
    assert made == ["y.product_2", "y", "y.product"]
