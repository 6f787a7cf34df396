import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.graph.errors import GraphError
from engines.graph.signature import load_graph, read_signature
from suites.models import builtin
from suites.signature import TensorSpec

FLOAT = TensorProto.FLOAT


@pytest.mark.parametrize("name", sorted(builtin.builtins()))
def test_built_in_models_read_back_as_they_say(name):
    model = builtin.get(name)
    params = builtin.resolve(model, {})

    found, said = read_signature(model.build(params)), model.signature(params)

    assert (found.inputs, found.outputs) == (said.inputs, said.outputs)


def test_an_initializer_that_is_an_input_too_is_none(graph_model):
    weight = numpy_helper.from_array(np.ones(3, np.float32), "w")
    model = graph_model(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        {"x": (FLOAT, ["N", 3]), "w": (FLOAT, [3])},
        {"y": (FLOAT, ["N", 3])},
        weights=[weight],
    )

    found = read_signature(model)

    assert found.inputs == (TensorSpec(name="x", dtype="float32", dims=("batch", 3)),)
    assert found.outputs == (TensorSpec(name="y", dtype="float32", dims=("batch", 3)),)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("sequence", "sequence"),
        ("past + 1", "past + 1"),
        ("p2o.Dim.0", "p2o.Dim.0"),
        ("?", None),
        ("unk__7", None),
        ("", None),
        (None, None),
        (-1, None),
        (0, 0),
        ("Max(1, s0)", None),
    ],
)
def test_dimensions_without_a_usable_name_are_unknown(relu_model, given, read):
    dim = relu_model.graph.input[0].type.tensor_type.shape.dim[1]
    dim.Clear()
    if isinstance(given, int):
        dim.dim_value = given
    elif given is not None:
        dim.dim_param = given

    assert read_signature(relu_model).inputs[0].dims == ("batch", read)


@pytest.mark.parametrize(
    ("code", "dtype"),
    [
        (TensorProto.DOUBLE, "float64"),
        (TensorProto.BFLOAT16, "bfloat16"),
        (TensorProto.BOOL, "bool"),
        (TensorProto.INT4, "int4"),
        (TensorProto.FLOAT8E4M3FN, "float8_e4m3fn"),
    ],
)
def test_types_have_the_names_of_numpy(relu_model, code, dtype):
    relu_model.graph.input[0].type.tensor_type.elem_type = code

    assert read_signature(relu_model).inputs[0].dtype == dtype


@pytest.mark.parametrize("name", ["x:0", "a b", "it's", 'say "x"', "scope/x"])
def test_unusual_names_are_kept(relu_model, name):
    relu_model.graph.input[0].name = name

    assert read_signature(relu_model).inputs[0].name == name


def test_an_output_without_a_shape_is_one_unknown_dimension(relu_model):
    relu_model.graph.output[0].type.tensor_type.ClearField("shape")

    assert read_signature(relu_model).outputs[0].dims == (None,)


def sequence_type(model):
    model.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = FLOAT


def optional_type(model):
    model.graph.output[0].type.optional_type.elem_type.tensor_type.elem_type = FLOAT


def text_input(model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING


def text_output(model):
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING


def unknown_type(model):
    model.graph.output[0].type.tensor_type.elem_type = 999


def no_shape(model):
    model.graph.input[0].type.tensor_type.ClearField("shape")


def no_inputs(model):
    model.graph.ClearField("input")


def no_outputs(model):
    model.graph.ClearField("output")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (sequence_type, "expected a tensor as input 'x', got sequence, which is not supported."),
        (
            optional_type,
            "expected a tensor as output 'y', got optional, which is not supported.",
        ),
        (text_input, "expected numbers for input 'x', got text."),
        (text_output, "expected numbers for output 'y', got text."),
        (
            unknown_type,
            (
                "expected a type that ONNX has for output 'y', got 999. "
                "Export it again, or install a newer onnx."
            ),
        ),
        (no_shape, "expected a shape for input 'x', got none. Export the model with one."),
        (no_inputs, "expected at least one input, got none. Export it again."),
        (no_outputs, "expected at least one output, got none. Export it again."),
    ],
)
def test_what_dyno_cannot_feed_is_an_error(relu_model, spoil, message):
    spoil(relu_model)
    with pytest.raises(GraphError) as caught:
        read_signature(relu_model, where="models/mine.onnx")
    assert str(caught.value) == f"models/mine.onnx: {message}"


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"", "an empty file"),
        (b"suite: smoke\n", "13 bytes that are none"),
        (b"\x00" * 64, "64 bytes that are none"),
        (b"\x89PNG\r\n\x1a\n", "8 bytes that are none"),
        (b"PK\x03\x04", "4 bytes that are none"),
    ],
)
def test_what_is_no_onnx_file_is_an_error(tmp_path, data, got):
    path = tmp_path / "mine.onnx"
    path.write_bytes(data)
    with pytest.raises(GraphError) as caught:
        read_signature(path)
    assert str(caught.value) == (
        f"{path}: expected an ONNX model, got {got}. It may be truncated: copy or export it again."
    )


def test_a_truncated_file_is_an_error(tmp_path, relu_model):
    data = relu_model.SerializeToString()
    path = tmp_path / "mine.onnx"
    path.write_bytes(data[:-7])
    with pytest.raises(GraphError) as caught:
        load_graph(path, where="models/mine.onnx")
    assert str(caught.value) == (
        f"models/mine.onnx: expected an ONNX model, got {len(data) - 7} bytes that are none. "
        "It may be truncated: copy or export it again."
    )


def test_a_git_lfs_pointer_says_so(tmp_path):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(GraphError) as caught:
        load_graph(path, where="mine.onnx")
    assert str(caught.value) == (
        "mine.onnx: expected an ONNX model, got a Git LFS pointer. Run git lfs pull."
    )


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(GraphError) as caught:
        load_graph(tmp_path / "none.onnx", where="none.onnx")
    assert str(caught.value) == "none.onnx: expected an ONNX model, got: no such file or directory."


def test_external_data_need_not_be_there(tmp_path, graph_model):
    weight = numpy_helper.from_array(np.ones((3, 3), np.float32), "w")
    model = graph_model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": (FLOAT, ["N", 3])},
        {"y": (FLOAT, ["N", 3])},
        weights=[weight],
    )
    path = tmp_path / "big.onnx"
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").unlink()

    assert [spec.name for spec in read_signature(path).inputs] == ["x"]
