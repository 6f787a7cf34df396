import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.graph.precision import own_precision
from suites.models import builtin

FLOAT = TensorProto.FLOAT
X, Y = {"x": (FLOAT, ["batch", 64])}, {"y": (FLOAT, ["batch", 64])}


def tensor(name, dtype, shape=(64, 64)):
    return numpy_helper.from_array(np.ones(shape).astype(dtype), name)


def node(kind, inputs, output, **more):
    return helper.make_node(kind, inputs, [output], **more)


SCALE = tensor("s", np.float32, ())
QUANTIZED_X = [
    node("QuantizeLinear", ["x", "s", "zero"], "q"),
    node("DequantizeLinear", ["q", "s", "zero"], "d"),
]
MATMUL = node("MatMul", ["d", "wd"], "y")
PLAIN = [node("MatMul", ["x", "wd"], "y")]


@pytest.mark.parametrize("name", sorted(builtin.builtins()))
def test_built_in_models_are_fp32(name):
    model = builtin.get(name)

    assert own_precision(model.build(builtin.resolve(model, {}))) == "fp32"


@pytest.mark.parametrize(
    ("dtype", "precision"),
    [
        (np.float32, "fp32"),
        (np.float16, "fp16"),
        (ml_dtypes.bfloat16, "bf16"),
        (np.float64, "fp64"),
    ],
)
def test_float_weights_name_the_precision(graph_model, dtype, precision):
    model = graph_model([node("MatMul", ["x", "w"], "y")], X, Y, weights=[tensor("w", dtype)])

    assert own_precision(model) == precision


def test_the_larger_share_of_float_weights_counts(graph_model):
    nodes = [node("MatMul", ["x", "w"], "a"), node("Add", ["a", "b"], "y")]
    weights = [tensor("w", np.float16), tensor("b", np.float32, (64,))]

    assert own_precision(graph_model(nodes, X, Y, weights=weights)) == "fp16"


def test_weights_in_constants_and_in_bodies_count(graph_model):
    out = helper.make_tensor_value_info("o", FLOAT, None)
    constant = node("Constant", [], "w", value=tensor("w", np.float16))
    body = helper.make_graph([constant, node("MatMul", ["x", "w"], "o")], "b", [], [out])
    branch = helper.make_node("If", ["flag"], ["y"], then_branch=body, else_branch=body)
    inputs = {**X, "flag": (TensorProto.BOOL, [])}

    assert own_precision(graph_model([branch], inputs, Y)) == "fp16"


def test_weights_that_are_only_cast_count_as_what_they_become(graph_model):
    nodes = [node("Cast", ["w"], "wd", to=FLOAT), *PLAIN]

    assert own_precision(graph_model(nodes, X, Y, weights=[tensor("w", np.float16)])) == "fp32"


@pytest.mark.parametrize(
    ("code", "precision"),
    [(FLOAT, "fp32"), (TensorProto.DOUBLE, "fp64"), (TensorProto.INT64, "fp32")],
)
def test_without_weights_the_inputs_tell(graph_model, code, precision):
    model = graph_model([node("Neg", ["x"], "y")], {"x": (code, [3])}, {"y": (code, [3])})

    assert own_precision(model) == precision


@pytest.mark.parametrize(
    ("dtype", "precision"),
    [(np.int8, "int8"), (np.uint8, "int8"), (ml_dtypes.float8_e4m3fn, "fp8")],
)
@pytest.mark.parametrize(("scale", "suffix"), [(np.float32, ""), (np.float16, "-fp16")])
def test_quantized_weights_and_activations_name_the_precision(
    graph_model, dtype, precision, scale, suffix
):
    nodes = [*QUANTIZED_X, node("DequantizeLinear", ["w", "s", "zero"], "wd"), MATMUL]
    weights = [tensor("w", dtype), tensor("zero", dtype, ()), tensor("s", scale, ())]

    assert own_precision(graph_model(nodes, X, Y, weights=weights)) == f"{precision}{suffix}"


def test_the_other_weights_tell_the_rest(graph_model):
    nodes = [
        *QUANTIZED_X,
        node("DequantizeLinear", ["w", "s", "zero"], "wd"),
        node("MatMul", ["d", "wd"], "a"),
        node("Add", ["a", "b"], "y"),
    ]
    weights = [
        SCALE,
        tensor("zero", np.int8, ()),
        tensor("w", np.int8),
        tensor("b", np.float16, (64,)),
    ]

    assert own_precision(graph_model(nodes, X, Y, weights=weights)) == "int8-fp16"


def test_float_weights_that_are_quantized_in_the_graph_count_as_quantized(graph_model):
    nodes = [
        *QUANTIZED_X,
        node("QuantizeLinear", ["w", "s", "zero"], "wq"),
        node("DequantizeLinear", ["wq", "s", "zero"], "wd"),
        MATMUL,
    ]
    weights = [SCALE, tensor("zero", np.int8, ()), tensor("w", np.float32)]

    assert own_precision(graph_model(nodes, X, Y, weights=weights)) == "int8"


def test_a_large_embedding_does_not_hide_quantization(graph_model):
    nodes = [
        node("Gather", ["table", "ids"], "x"),
        *QUANTIZED_X,
        node("DequantizeLinear", ["w", "s", "zero"], "wd"),
        MATMUL,
    ]
    weights = [
        SCALE,
        tensor("zero", np.int8, ()),
        tensor("w", np.int8),
        tensor("table", np.float32, (1000, 64)),
    ]
    inputs = {"ids": (TensorProto.INT64, ["batch"])}

    assert own_precision(graph_model(nodes, inputs, Y, weights=weights)) == "int8"


def test_activations_quantized_at_run_time_are_dynamic(graph_model):
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"]),
        node("MatMulInteger", ["q", "w", "qz"], "i"),
        node("Cast", ["i"], "f", to=FLOAT),
        node("Mul", ["f", "s"], "y"),
    ]

    model = graph_model(nodes, X, Y, weights=[tensor("w", np.int8), SCALE])

    assert own_precision(model) == "int8-dynamic"


@pytest.mark.parametrize(
    ("dtype", "precision"), [(np.int8, "int8-weights"), (ml_dtypes.int4, "int4")]
)
def test_weights_alone_are_said_to_be_alone(graph_model, dtype, precision):
    nodes = [node("DequantizeLinear", ["w", "s"], "wd"), *PLAIN]

    model = graph_model(nodes, X, Y, weights=[tensor("w", dtype), SCALE])

    assert own_precision(model) == precision


def test_blocks_of_four_bits_are_int4(graph_model):
    block = node("MatMulNBits", ["x", "w", "s"], "y", domain="com.microsoft", bits=4)
    weights = [tensor("w", np.uint8), SCALE]

    model = graph_model([block], X, Y, weights=weights, domains=["com.microsoft"])

    assert own_precision(model) == "int4"


def test_tables_of_small_integers_are_no_quantization(graph_model):
    nodes = [node("Gather", ["t", "ids"], "g"), node("MatMul", ["x", "w"], "y")]
    weights = [tensor("t", np.uint8), tensor("w", np.float32)]
    inputs = {**X, "ids": (TensorProto.INT64, [1])}

    assert own_precision(graph_model(nodes, inputs, Y, weights=weights)) == "fp32"


@pytest.mark.parametrize(
    "broken",
    [
        node("Cast", ["w"], "y"),
        node("QuantizeLinear", [], "y"),
        helper.make_node("Constant", [], [], value=tensor("c", np.float32)),
    ],
    ids=["cast", "quantize", "constant"],
)
def test_nodes_without_what_they_need_are_left_to_the_checker(graph_model, broken):
    model = graph_model([broken], X, Y, weights=[tensor("w", np.float16), tensor("v", np.float16)])

    assert own_precision(model) == "fp16"


def test_a_type_that_onnx_does_not_have_counts_for_nothing(graph_model):
    model = graph_model([node("MatMul", ["x", "w"], "y")], X, Y, weights=[tensor("w", np.float16)])
    model.graph.initializer.add(name="odd", data_type=999, dims=[640, 640])

    assert own_precision(model) == "fp16"
