import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.contract import EngineError
from engines.graph.check import check

FLOAT = TensorProto.FLOAT
AGAIN = "Export the model again, or check the file with onnx.checker."


@pytest.fixture
def fault(tmp_path):
    """Return kind, message and hint of what `check` says of a model or of bytes."""

    def checked(model):
        path = tmp_path / "mine.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        with pytest.raises(EngineError) as caught:
            check(path)
        return caught.value.kind, caught.value.message, caught.value.hint

    return checked


def node_model(graph_model, *args, domains=(), opset=21, **more):
    tensor = (FLOAT, ["N", 3])
    node = helper.make_node(*args, ["x"], ["y"], name="only", **more)
    return graph_model([node], {"x": tensor}, {"y": tensor}, domains=domains, opset=opset)


def test_a_valid_model_passes(tmp_path, relu_model):
    onnx.save(relu_model, tmp_path / "mine.onnx")

    check(tmp_path / "mine.onnx")


def test_operators_of_a_runtime_are_left_to_it(tmp_path, graph_model):
    model = node_model(graph_model, "FusedGelu", domain="com.microsoft", domains=["com.microsoft"])
    onnx.save(model, tmp_path / "mine.onnx")

    check(tmp_path / "mine.onnx")


def test_functions_of_the_model_itself_are_operators(tmp_path, relu_model):
    opset = helper.make_opsetid("", 21)
    body = [helper.make_node("Relu", ["a"], ["b"])]
    relu_model.functions.append(helper.make_function("own", "Mine", ["a"], ["b"], body, [opset]))
    relu_model.opset_import.append(helper.make_opsetid("own", 1))
    relu_model.graph.node[0].op_type, relu_model.graph.node[0].domain = "Mine", "own"
    onnx.save(relu_model, tmp_path / "mine.onnx")

    check(tmp_path / "mine.onnx")


def test_an_unknown_operator_is_named_with_its_node(fault, graph_model):
    assert fault(node_model(graph_model, "Reluu")) == (
        "unsupported-op",
        "node 'only': expected an operator of ai.onnx opset 21, got 'Reluu'",
        "Did you mean 'Relu'?",
    )


def test_an_unnamed_node_is_told_by_its_position(fault, graph_model):
    tensor = (FLOAT, ["N", 3])
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Frobnicate", ["b"], ["y"]),
    ]

    assert fault(graph_model(nodes, {"x": tensor}, {"y": tensor})) == (
        "unsupported-op",
        "node #3 (Frobnicate): expected an operator of ai.onnx opset 21, got 'Frobnicate'",
        "Export the model without it, or give the node the domain of its runtime.",
    )


@pytest.mark.parametrize("name", ["Zzzzz", "Frobnicate"])
def test_an_operator_like_no_other_gets_a_general_hint(fault, graph_model, name):
    assert fault(node_model(graph_model, name))[2] == (
        "Export the model without it, or give the node the domain of its runtime."
    )


def test_an_operator_of_a_later_opset_says_which(fault, graph_model):
    assert fault(node_model(graph_model, "Gelu", opset=17)) == (
        "unsupported-op",
        "node 'only': expected an operator of ai.onnx opset 17, got 'Gelu'",
        "It came with opset 20. Export the model with that opset.",
    )


def test_an_unknown_operator_inside_a_body_is_found(fault, graph_model):
    out = helper.make_tensor_value_info("out", FLOAT, None)
    good = helper.make_graph([helper.make_node("Relu", ["x"], ["out"])], "a", [], [out])
    bad = helper.make_graph([helper.make_node("Bad", ["x"], ["out"], name="b")], "b", [], [out])
    node = helper.make_node("If", ["flag"], ["y"], then_branch=good, else_branch=bad)
    inputs = {"x": (FLOAT, [3]), "flag": (TensorProto.BOOL, [])}

    kind, message, _ = fault(graph_model([node], inputs, {"y": (FLOAT, [3])}))

    assert kind == "unsupported-op"
    assert message == "node 'b': expected an operator of ai.onnx opset 21, got 'Bad'"


def test_an_opset_from_the_future_is_unsupported(fault, graph_model):
    newest = onnx.defs.onnx_opset_version()

    assert fault(node_model(graph_model, "Relu", opset=newest + 1)) == (
        "unsupported-op",
        f"expected an opset of at most {newest}, got {newest + 1}",
        "Export the model with an older opset, or install a newer onnx.",
    )


def test_a_graph_that_uses_what_it_does_not_make_is_invalid(fault, relu_model):
    relu_model.graph.node[0].input[0] = "nothing"

    kind, message, hint = fault(relu_model)

    assert (kind, hint) == ("invalid-model", AGAIN)
    assert "input 'nothing' of node" in message
    assert "\n" not in message


def test_operands_that_contradict_are_invalid(fault, graph_model):
    nodes = [helper.make_node("Add", ["x", "y"], ["z"], name="only")]
    inputs = {"x": (FLOAT, ["N", 3]), "y": (FLOAT, ["N", 4])}

    kind, message, hint = fault(graph_model(nodes, inputs, {"z": (FLOAT, ["N", 3])}))

    assert (kind, hint) == ("invalid-model", AGAIN)
    assert "Incompatible dimensions" in message


@pytest.mark.parametrize("dims", [["N", 4], ["N"], ["N", 3, 1, 1]])
def test_an_output_may_declare_a_wrong_shape(tmp_path, graph_model, dims):
    middle = helper.make_tensor_value_info("h", FLOAT, dims)
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    tensors = {"x": (FLOAT, ["N", 3])}, {"y": (FLOAT, dims)}
    onnx.save(graph_model(nodes, *tensors, values=[middle]), tmp_path / "mine.onnx")

    check(tmp_path / "mine.onnx")


@pytest.mark.parametrize("external", [False, True])
def test_an_output_may_declare_no_shape(tmp_path, graph_model, external):
    nodes = [helper.make_node("Mul", ["x", "w"], ["y"])]
    weight = numpy_helper.from_array(np.ones(3, np.float32), "w")
    model = graph_model(nodes, {"x": (FLOAT, ["N", 3])}, {"y": (FLOAT, None)})
    model.graph.initializer.append(weight)
    path = tmp_path / "mine.onnx"
    onnx.save(model, path, save_as_external_data=external, size_threshold=0, location="w.bin")

    check(path)


def test_weights_that_are_missing_are_told_where_an_output_has_no_shape(tmp_path, graph_model):
    nodes = [helper.make_node("Mul", ["x", "w"], ["y"])]
    model = graph_model(nodes, {"x": (FLOAT, ["N", 3])}, {"y": (FLOAT, None)})
    model.graph.initializer.append(numpy_helper.from_array(np.ones(3, np.float32), "w"))
    path = tmp_path / "mine.onnx"
    onnx.save(model, path, save_as_external_data=True, size_threshold=0, location="w.bin")
    (tmp_path / "w.bin").unlink()

    with pytest.raises(EngineError) as caught:
        check(path)

    assert caught.value.kind == "invalid-model"
    assert "w.bin" in caught.value.message


def test_an_output_without_a_shape_is_checked_for_all_else(fault, graph_model):
    nodes = [helper.make_node("Add", ["x", "y"], ["z"], name="only")]
    inputs = {"x": (FLOAT, ["N", 3]), "y": (FLOAT, ["N", 4])}

    kind, message, _ = fault(graph_model(nodes, inputs, {"z": (FLOAT, None)}))

    assert kind == "invalid-model"
    assert "Incompatible dimensions" in message


def test_an_output_may_not_declare_a_wrong_type(fault, relu_model):
    relu_model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64

    kind, message, _ = fault(relu_model)

    assert kind == "invalid-model"
    assert "Inferred elem type differs from existing elem type" in message


def test_a_sparse_weight_counts_as_dense(tmp_path, graph_model):
    tensor = (FLOAT, ["N", 3])
    model = graph_model([helper.make_node("Mul", ["x", "w"], ["y"])], {"x": tensor}, {"y": tensor})
    values = helper.make_tensor("w", FLOAT, [1], [2.0])
    places = helper.make_tensor("places", TensorProto.INT64, [1], [1])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [3]))
    onnx.save(model, tmp_path / "mine.onnx")

    check(tmp_path / "mine.onnx")


def test_a_fault_in_onnxs_own_definition_is_left_to_the_runtime(tmp_path, graph_model, monkeypatch):
    nested = (
        "[ShapeInferenceError] Inference error(s): (op_type:MeanVarianceNormalization): "
        "[ShapeInferenceError] Inference error(s): (op_type:Constant): one must be specified"
    )

    def fail(*_, **__):
        raise onnx.shape_inference.InferenceError(nested)

    onnx.save(node_model(graph_model, "MeanVarianceNormalization"), tmp_path / "mine.onnx")
    monkeypatch.setattr(onnx.checker, "check_model", fail)
    monkeypatch.setattr(onnx.shape_inference, "infer_shapes", fail)

    check(tmp_path / "mine.onnx")

    nested = nested.replace("MeanVarianceNormalization", "Add")
    with pytest.raises(EngineError, match="op_type:Add"):
        check(tmp_path / "mine.onnx")


def test_a_truncated_file_is_invalid(fault, relu_model):
    data = relu_model.SerializeToString()[:-7]

    assert fault(data) == (
        "invalid-model",
        (
            f"expected an ONNX model, got {len(data)} bytes that are none. "
            "It may be truncated: copy or export it again."
        ),
        AGAIN,
    )


def test_missing_external_data_is_invalid(tmp_path, graph_model):
    weight = numpy_helper.from_array(np.ones((3, 3), np.float32), "w")
    model = graph_model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": (FLOAT, ["N", 3])},
        {"y": (FLOAT, ["N", 3])},
        weights=[weight],
    )
    path = tmp_path / "big.onnx"
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    check(path)
    (tmp_path / "w.bin").unlink()

    with pytest.raises(EngineError) as caught:
        check(path)
    assert caught.value.kind == "invalid-model"
    assert "w.bin" in caught.value.message
