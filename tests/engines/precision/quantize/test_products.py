import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.contract import EngineError
from engines.precision.quantize.linear import FP8, INT8
from engines.precision.quantize.products import quantize_products
from engines.precision.recipe import Calibration

pytest.importorskip("onnxruntime")


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name, *shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def model_of(nodes, inputs, outputs, weights=(), ir_version=10):
    graph = helper.make_graph(nodes, "main", inputs, outputs, list(weights))
    opsets = [helper.make_opsetid("", 21)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)
    onnx.checker.check_model(model, full_check=True)
    return model


def samples_of(model, size=2):
    rng = np.random.default_rng(1)
    given = {
        value.name: rng.standard_normal(
            [dim.dim_value or size for dim in value.type.tensor_type.shape.dim]
        ).astype(np.float32)
        for value in model.graph.input
    }
    return Calibration(samples=(given,), method="minmax")


def quantized(model, calibration=None, **options):
    grid = options.pop("grid", INT8)
    given = calibration or samples_of(model)
    found = quantize_products(model, given, grid, recipe="int8", **options)
    onnx.checker.check_model(found.model, full_check=True)
    return found


def kinds(model):
    return [node.op_type for node in model.graph.node]


def element_types(model):
    return {tensor.name: tensor.data_type for tensor in model.graph.initializer}


@pytest.fixture
def dense():
    """A matrix product and what adds its bias."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"], name="dense"),
        helper.make_node("Add", ["product", "b"], ["y"]),
    ]
    weights = [weight("w", 4, 3), weight("b", 3)]
    return model_of(nodes, [value("x", ["n", 4])], [value("y", ["n", 3])], weights)


def test_a_weight_is_stored_in_codes_and_its_floats_go(dense):
    model = quantized(dense).model
    assert kinds(model) == [
        "QuantizeLinear",
        "DequantizeLinear",
        "DequantizeLinear",
        "MatMul",
        "Add",
    ]
    assert element_types(model) == {
        "b": TensorProto.FLOAT,
        "x.scale": TensorProto.FLOAT,
        "int8.zero.one": TensorProto.INT8,
        "w.quantized": TensorProto.INT8,
        "w.scale": TensorProto.FLOAT,
        "int8.zero.3": TensorProto.INT8,
    }


def test_codes_are_symmetric_by_the_calibrated_range_and_by_the_weights_columns(dense):
    original = numpy_helper.to_array(dense.graph.initializer[0])
    x = np.array([[1.0, -2.54, 0, 0]], np.float32)
    model = quantized(dense, Calibration(samples=({"x": x},), method="minmax")).model
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    assert stored["x.scale"] == np.float32(0.02)
    assert np.allclose(stored["w.scale"], np.abs(original).max(axis=0) / 127)
    assert not stored["int8.zero.3"].any()
    assert np.allclose(stored["w.quantized"] * stored["w.scale"], original, atol=0.02)


def test_the_same_model_gives_the_same_bytes(dense):
    given = samples_of(dense)
    first, second = (
        quantized(onnx.load_from_string(dense.SerializeToString()), given).model.SerializeToString(
            deterministic=True
        )
        for _ in range(2)
    )
    assert first == second


def test_a_constant_node_is_a_weight_too(dense):
    [tensor] = [t for t in dense.graph.initializer if t.name == "w"]
    dense.graph.node.insert(0, helper.make_node("Constant", [], ["w"], value=tensor))
    dense.graph.initializer.remove(tensor)
    model = quantized(dense).model
    assert "Constant" not in kinds(model)
    assert element_types(model)["w.quantized"] == TensorProto.INT8


def test_an_initializer_that_old_files_list_as_an_input_is_a_weight_too(dense):
    given = samples_of(dense)
    dense.graph.input.append(value("w", [4, 3]))
    model = quantized(dense, given).model
    assert [value.name for value in model.graph.input] == ["x"]


def test_a_weight_that_something_else_reads_stays_beside_its_codes(dense):
    dense.graph.node.append(helper.make_node("Relu", ["w"], ["z"]))
    dense.graph.output.append(value("z", [4, 3]))
    model = quantized(dense).model
    assert {"w", "w.quantized"} <= element_types(model).keys()


def test_a_weight_that_a_body_reads_stays(dense):
    body = helper.make_graph(
        [helper.make_node("Relu", ["w"], ["a"])], "body", [], [value("a", None)]
    )
    node = helper.make_node("If", ["c"], ["z"], then_branch=body, else_branch=body)
    dense.graph.node.append(node)
    dense.graph.initializer.append(numpy_helper.from_array(np.array(True), "c"))
    dense.graph.output.append(value("z", [4, 3]))
    assert "w" in element_types(quantized(dense).model)


def test_two_nodes_share_a_tensors_pair_and_a_weights_codes():
    nodes = [helper.make_node("MatMul", ["x", "w"], [name]) for name in ("y", "z")]
    outputs = [value(name, ["n", 3]) for name in ("y", "z")]
    model = quantized(model_of(nodes, [value("x", ["n", 4])], outputs, [weight("w", 4, 3)])).model
    assert kinds(model).count("QuantizeLinear") == 1
    assert kinds(model).count("DequantizeLinear") == 2


def test_a_weight_that_two_nodes_multiply_along_other_axes_has_scales_for_each():
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Gemm", ["p", "w"], ["y"], transB=1),
    ]
    plain = model_of(nodes, [value("x", ["n", 4])], [value("y", ["n", 4])], [weight("w", 4, 3)])
    model = quantized(plain).model
    sizes = {t.name: list(t.dims) for t in model.graph.initializer}
    assert (sizes["w.scale"], sizes["w.scale_2"]) == ([3], [4])
    axes = [n.attribute[0].i for n in model.graph.node if n.input[0].startswith("w.quantized")]
    assert axes == [1, 0]


def test_zero_points_of_one_shape_are_stored_once():
    nodes = [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Relu", ["p"], ["r"])]
    nodes.append(helper.make_node("MatMul", ["r", "v"], ["y"]))
    weights = [weight("w", 4, 3), weight("v", 3, 3)]
    plain = model_of(nodes, [value("x", ["n", 4])], [value("y", ["n", 3])], weights)
    names = element_types(quantized(plain).model)
    assert [name for name in names if "zero" in name] == ["int8.zero.one", "int8.zero.3"]


def test_names_that_the_model_has_are_not_taken_again(dense):
    dense.graph.initializer.append(weight("x.scale", 1))
    dense.graph.node[1].input[1] = "x.scale"
    assert "x.scale_2" in element_types(quantized(dense).model)


def test_unnamed_nodes_get_no_name_and_the_added_ones_have_one():
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    plain = model_of([node], [value("x", ["n", 4])], [value("y", ["n", 3])], [weight("w", 4, 3)])
    names = [node.name for node in quantized(plain).model.graph.node]
    assert names == [
        "x.quantized.node",
        "x.dequantized.node",
        "w.dequantized.node",
        "",
    ]


def test_both_factors_of_attention_are_quantized():
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    inputs = [value("a", ["n", 2, 4]), value("b", ["n", 4, 2])]
    model = quantized(model_of([node], inputs, [value("y", ["n", 2, 2])])).model
    assert kinds(model).count("QuantizeLinear") == 2


@pytest.mark.parametrize("op", ["RNN", "GRU", "LSTM"])
def test_recurrent_weights_stay_floats_before_a_pair(op):
    rows = {"RNN": 1, "GRU": 3, "LSTM": 4}[op] * 2
    node = helper.make_node(op, ["x", "w", "r", "", "", "h"], ["", "y"], name="cell", hidden_size=2)
    weights = [weight("w", 1, rows, 4), weight("r", 1, rows, 2), weight("h", 1, 3, 2)]
    inputs, outputs = [value("x", [5, 3, 4])], [value("y", [1, 3, 2])]
    model = quantized(model_of([node], inputs, outputs, weights)).model
    assert kinds(model) == ["QuantizeLinear", "DequantizeLinear"] * 3 + [op]
    assert list(model.graph.node[-1].input) == [
        "x.dequantized",
        "w.dequantized",
        "r.dequantized",
        "",
        "",
        "h",
    ]


def test_fp8_has_one_scale_a_weight(dense):
    model = quantized(dense, grid=FP8, per_channel=False).model
    [scale] = [t for t in model.graph.initializer if t.name == "w.scale"]
    assert list(scale.dims) == []
    assert element_types(model)["w.quantized"] == TensorProto.FLOAT8E4M3FN


def test_a_product_in_a_body_stays_and_is_told(dense):
    inner = [helper.make_node("MatMul", ["x", "w"], ["a"], name="inner")]
    body = helper.make_graph(inner, "body", [], [value("a", None)])
    node = helper.make_node("If", ["c"], ["z"], name="either", then_branch=body, else_branch=body)
    dense.graph.node.append(node)
    dense.graph.initializer.append(numpy_helper.from_array(np.array(True), "c"))
    dense.graph.output.append(value("z", ["n", 3]))
    both = "node 'inner' (MatMul), node 'inner' (MatMul)"
    assert quantized(dense).kept == (f"it is in a body of node 'either' (If): {both}",)


def test_a_factor_that_was_always_zero_has_no_scale_and_is_told(dense):
    dense.graph.node.append(helper.make_node("MatMul", ["none", "w"], ["z"], name="idle"))
    dense.graph.input.append(value("none", ["n", 4]))
    dense.graph.output.append(value("z", ["n", 3]))
    sample = {"x": np.ones((2, 4), np.float32), "none": np.zeros((2, 4), np.float32)}
    found = quantized(dense, Calibration(samples=(sample,), method="minmax"))
    assert found.kept == ("a factor was 0 in all calibration samples: node 'idle' (MatMul)",)


def test_a_table_that_is_looked_up_is_told(dense):
    dense.graph.node.append(helper.make_node("Gather", ["table", "i"], ["z"], name="look_up"))
    dense.graph.initializer.extend(
        [weight("table", 9, 4), numpy_helper.from_array(np.array([1]), "i")]
    )
    dense.graph.output.append(value("z", [1, 4]))
    assert quantized(dense).kept == (
        "int8 does not quantize the operator: node 'look_up' (Gather)",
    )


def test_a_vector_in_the_shape_of_a_matrix_is_no_table(dense):
    dense.graph.initializer[1].CopyFrom(weight("b", 1, 3))
    assert quantized(dense).kept == ()


def test_a_graph_with_nothing_to_quantize_is_refused_with_its_operators():
    model = model_of([helper.make_node("Relu", ["x"], ["y"])], [value("x", [2])], [value("y", [2])])
    with pytest.raises(EngineError) as caught:
        quantize_products(model, samples_of(model), INT8, recipe="int8")
    assert (caught.value.kind, caught.value.message, caught.value.hint) == (
        "precision-mismatch",
        (
            "int8: expected one of Conv, ConvTranspose, MatMul, Gemm, RNN, GRU, LSTM "
            "that it can quantize, got Relu"
        ),
        "Exclude this precision for the model, or ask for fp16.",
    )


def test_a_graph_whose_only_product_stays_is_refused_with_the_reason():
    node = helper.make_node("Conv", ["x", "k"], ["y"], name="conv")
    inputs = [value("x", [1, 2, 4, 4]), value("k", [3, 2, 1, 1])]
    model = model_of([node], inputs, [value("y", [1, 3, 4, 4])])
    with pytest.raises(
        EngineError, match=r"got Conv \(its weight is computed: node 'conv' \(Conv\)"
    ):
        quantize_products(model, samples_of(model), INT8, recipe="int8")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_weight_that_is_not_finite_is_named(dense, bad):
    values = numpy_helper.to_array(dense.graph.initializer[0]).copy()
    values[0, 0] = bad
    dense.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "w"))
    given = Calibration(samples=({"x": np.ones((1, 4), np.float32)},), method="minmax")
    with pytest.raises(EngineError) as caught:
        quantize_products(dense, given, INT8, recipe="int8")
    assert (caught.value.kind, caught.value.message) == (
        "invalid-model",
        "int8: expected finite values of the weight 'w', got NaN or Inf",
    )


def test_what_fp16_cannot_hold_stays_where_the_rest_becomes_fp16(dense):
    values = numpy_helper.to_array(dense.graph.initializer[0]) * np.float32(1e5)
    dense.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "w"))
    assert quantized(onnx.load_from_string(dense.SerializeToString())).kept == ()
    with pytest.raises(EngineError) as caught:
        quantized(dense, half=True)
    assert caught.value.message == (
        "int8: expected one of Conv, ConvTranspose, MatMul, Gemm, RNN, GRU, LSTM that it can "
        "quantize, got Add, MatMul (a factor reaches beyond 65504: node 'dense' (MatMul))"
    )


def test_small_weights_do_not_vanish_where_the_rest_becomes_fp16(dense):
    values = numpy_helper.to_array(dense.graph.initializer[0]) * np.float32(1e-4)
    dense.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "w"))
    stored = {
        t.name: numpy_helper.to_array(t)
        for t in quantized(dense, half=True).model.graph.initializer
    }
    assert np.abs(stored["w.quantized"]).max(axis=0).min() > 100


def test_a_sparse_factor_stays(dense):
    [tensor] = [t for t in dense.graph.initializer if t.name == "w"]
    dense.graph.initializer.remove(tensor)
    values = numpy_helper.from_array(np.ones(2, np.float32), "w")
    places = numpy_helper.from_array(np.array([0, 5]), "w.places")
    dense.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4, 3]))
    with pytest.raises(EngineError) as caught:
        quantized(dense)
    assert caught.value.message.endswith("(a factor is no float32 tensor: node 'dense' (MatMul))")


def test_a_scale_for_fp16_is_a_number_of_it(dense):
    model = quantized(dense, half=True).model
    [scale] = [numpy_helper.to_array(t) for t in model.graph.initializer if t.name == "w.scale"]
    assert (scale.astype(np.float16).astype(np.float32) == scale).all()
