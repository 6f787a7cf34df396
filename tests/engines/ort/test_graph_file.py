import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.ort.graph_file import read_nodes

HALF = TensorProto.FLOAT16


def info(name, *shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


@pytest.fixture
def nodes_of(tmp_path):
    """Return what reads the nodes of a graph with the input x of fp32 and the output y."""

    def read(*nodes, weights=(), inputs=()):
        tensors = [numpy_helper.from_array(array, name) for name, array in weights]
        given = [info("x", 4, 4), *inputs]
        graph = helper.make_graph(nodes, "g", given, [info("y", 4, 4)], tensors)
        path = tmp_path / "m.onnx"
        path.write_bytes(helper.make_model(graph).SerializeToString())
        return {node.op: node.computes for node in read_nodes(path)}

    return read


def test_types_are_followed_from_inputs_weights_and_casts(nodes_of):
    found = nodes_of(
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Cast", ["a"], ["b"], to=HALF),
        helper.make_node("Reshape", ["b", "shape"], ["c"]),
        helper.make_node("MatMul", ["c", "w"], ["y"]),
        weights=[("shape", np.array([4, 4])), ("w", np.ones((4, 4), np.float16))],
    )
    assert found == {"Relu": "fp32", "Cast": "fp32", "Reshape": "fp16", "MatMul": "fp16"}


def test_what_is_dequantized_has_the_type_of_its_scale_whatever_was_quantized(nodes_of):
    found = nodes_of(
        helper.make_node("Cast", ["x"], ["h"], to=HALF),
        helper.make_node("QuantizeLinear", ["h", "half", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "float", "zero"], ["d"]),
        helper.make_node("Gemm", ["d", "d"], ["y"]),
        weights=[
            ("half", np.float16(1)),
            ("float", np.float32(1)),
            ("zero", np.int8(0)),
        ],
    )
    assert found["QuantizeLinear"] == "fp16"
    assert found["Gemm"] == "fp32"


def test_a_comparison_of_halves_does_not_make_its_choice_one_of_halves(nodes_of):
    found = nodes_of(
        helper.make_node("Cast", ["x"], ["h"], to=HALF),
        helper.make_node("Equal", ["h", "h"], ["same"]),
        helper.make_node("Where", ["same", "x", "x"], ["a"]),
        helper.make_node("MatMul", ["a", "x"], ["y"]),
    )
    assert found["MatMul"] == "fp32"


def test_constant_nodes_have_the_types_of_their_tensors(nodes_of):
    value = numpy_helper.from_array(np.ones((4, 4), np.float16), "value")
    found = nodes_of(
        helper.make_node("Constant", [], ["w"], value=value),
        helper.make_node("MatMul", ["w", "w"], ["h"]),
        helper.make_node("CastLike", ["h", "x"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    )
    assert found["MatMul"] == "fp16"
    assert found["Relu"] == "fp32"


def test_a_type_that_is_not_known_is_none(nodes_of):
    found = nodes_of(
        helper.make_node("Mystery", ["a"], ["b"]), helper.make_node("MatMul", ["b", "b"], ["y"])
    )
    assert found == {"Mystery": None, "MatMul": None}


def test_bodies_are_read_and_give_the_types_of_what_their_node_makes(nodes_of):
    body = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["inside"], to=HALF),
            helper.make_node("MatMul", ["inside", "inside"], ["made"]),
        ],
        "body",
        [info("i", kind=TensorProto.INT64), info("go", kind=TensorProto.BOOL)],
        [info("go", kind=TensorProto.BOOL), info("made", 4, 4, kind=HALF)],
    )
    found = nodes_of(
        helper.make_node("Loop", ["n", ""], ["scanned"], body=body),
        helper.make_node("Gemm", ["scanned", "scanned"], ["y"]),
        inputs=[info("n", kind=TensorProto.INT64)],
    )
    assert found == {"Cast": "fp32", "MatMul": "fp16", "Loop": None, "Gemm": "fp16"}


def test_integer_attributes_and_the_types_read_are_told(tmp_path):
    weight = helper.make_tensor("w", TensorProto.INT4, [2], [1, -1])
    scale = helper.make_tensor("s", TensorProto.FLOAT, [], [1])
    node = helper.make_node("DequantizeLinear", ["w", "s"], ["y"], axis=-1, block_size=2)
    graph = helper.make_graph([node], "g", [], [info("y", 2)], [weight, scale])
    onnx.save(helper.make_model(graph), tmp_path / "m.onnx")
    (found,) = read_nodes(tmp_path / "m.onnx")
    assert found.reads == (TensorProto.INT4, TensorProto.FLOAT)
    assert found.numbers == {"axis": 2**64 - 1, "block_size": 2}
