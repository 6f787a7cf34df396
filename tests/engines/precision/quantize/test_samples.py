import numpy as np
import pytest
from onnx import TensorProto, helper

from engines.contract import EngineError
from engines.precision.quantize.samples import check_samples

REMEDY = "Give samples of the model's inputs; see `dataset` and `inputs` of the suite."


@pytest.fixture
def model():
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [None])
    return helper.make_model(helper.make_graph([], "g", [x, ids], []))


def sample(x=None, **others):
    values = np.zeros((2, 3), np.float32) if x is None else x
    return {"x": values, "ids": np.zeros(4, np.int64), **others}


def test_samples_of_different_shapes_pass(model):
    check_samples(model, [sample(), sample(np.zeros((7, 3), np.float32))], "int8")


def test_a_negative_dimension_is_any(model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    check_samples(model, [sample()], "int8")


def test_an_input_that_has_an_initializer_needs_no_value(model):
    model.graph.initializer.add(name="ids")
    check_samples(model, [{"x": np.zeros((1, 3), np.float32)}], "int8")


def test_an_input_that_is_no_tensor_is_named(model):
    value = helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [2])
    model.graph.input[0].CopyFrom(value)
    with pytest.raises(EngineError) as caught:
        check_samples(model, [sample()], "int8")
    assert caught.value.message == (
        "int8: calibration sample 0: input 'x': expected a tensor, got sequence_type"
    )


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "int8: expected calibration samples, got none"),
        (
            [sample(), {"x": np.zeros((2, 3), np.float32)}],
            "int8: calibration sample 1: expected input 'ids', got 'x'",
        ),
        ([{}], "int8: calibration sample 0: expected input 'x', got nothing"),
        (
            [sample(np.zeros((2, 4), np.float32))],
            "int8: calibration sample 0: input 'x': expected shape [batch, 3], got [2, 4]",
        ),
        (
            [sample(np.zeros(3, np.float32))],
            "int8: calibration sample 0: input 'x': expected shape [batch, 3], got [3]",
        ),
        (
            [sample(ids=np.zeros((1, 1), np.int64))],
            "int8: calibration sample 0: input 'ids': expected shape [?], got [1, 1]",
        ),
        (
            [sample(np.zeros((2, 3)))],
            "int8: calibration sample 0: input 'x': expected float32, got float64",
        ),
        (
            [sample(), sample(np.array([[1, np.nan, np.inf]], np.float32))],
            (
                "int8: calibration sample 1: input 'x': "
                "expected finite values, got 2 that are NaN or Inf"
            ),
        ),
    ],
)
def test_what_is_wrong_is_told_with_the_sample_and_the_input(model, samples, message):
    with pytest.raises(EngineError) as caught:
        check_samples(model, samples, "int8")
    found = (caught.value.kind, caught.value.message, caught.value.hint)
    assert found == ("invalid-model", message, REMEDY)
