import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.contract import EngineError
from engines.precision.quantize import calibration, probe
from engines.precision.quantize.calibration import (
    BINS,
    Wanted,
    bins_of_least_divergence,
    bins_of_percentile,
    ranges,
)
from engines.precision.recipe import Calibration

READER = "node 'use' (Gemm)"


def value(name, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, None)


@pytest.fixture
def model():
    """One that gives `double` = 2x, `log` = log x and `places`, which is int64, of x."""
    pytest.importorskip("onnxruntime")
    nodes = [
        helper.make_node("Add", ["x", "x"], ["double"]),
        helper.make_node("Log", ["x"], ["log"]),
        helper.make_node("NonZero", ["x"], ["places"]),
        helper.make_node("Relu", ["double"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")])
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def wanted(*tensors):
    return [Wanted(tensor=tensor, reader=READER) for tensor in tensors]


def given(*samples, method="minmax"):
    arrays = tuple({"x": np.array(sample, np.float32)} for sample in samples)
    return Calibration(samples=arrays, method=method)


def test_minmax_is_the_greatest_magnitude_over_samples_of_any_shape(model):
    found = ranges(model, given([1, -3], [[2, 0, 1]]), wanted("double", "x", "y"), "int8")
    assert found == {"double": 6, "x": 3, "y": 4}


def test_a_tensor_of_only_zeros_has_range_0(model):
    assert ranges(model, given([0, 0]), wanted("double"), "int8") == {"double": 0}
    percentile = given([0, 0], method="percentile")
    assert ranges(model, percentile, wanted("double"), "int8") == {"double": 0}


def test_tensors_that_are_not_float32_have_no_range(model):
    assert ranges(model, given([1, 2]), wanted("places"), "int8") == {}


def test_the_model_keeps_its_outputs(model):
    ranges(model, given([1]), wanted("double"), "int8")
    assert [output.name for output in model.graph.output] == ["y"]


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_other_methods_clip_what_is_rare(model, method):
    ordinary = np.linspace(-1, 1, 100_001)
    found = ranges(model, given(ordinary, [20.0], method=method), wanted("double"), "int8")
    assert 2 <= found["double"] < 20


def test_zeros_do_not_make_other_values_rare(model):
    samples = given([0] * 200_000 + [1, 2, 3], method="percentile")
    assert ranges(model, samples, wanted("x"), "int8") == {"x": 3}


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_the_same_samples_give_the_same_range(model, method):
    rows = np.random.default_rng(0).standard_normal((4, 999))
    found = [ranges(model, given(*rows, method=method), wanted("double"), "int8") for _ in range(2)]
    assert found[0] == found[1]


def test_values_that_are_not_finite_are_told_with_the_tensor_and_the_sample(model):
    with pytest.raises(EngineError) as caught:
        ranges(model, given([1], [0]), wanted("log"), "int8")
    assert (caught.value.kind, caught.value.message) == (
        "invalid-model",
        (
            "int8: node 'use' (Gemm): expected finite values of 'log', "
            "got NaN or Inf in calibration sample 1"
        ),
    )


def test_a_tensor_that_is_empty_in_every_sample_is_refused(model):
    with pytest.raises(EngineError) as caught:
        ranges(model, given([], []), wanted("double"), "int8")
    assert (caught.value.message, caught.value.hint) == (
        "int8: node 'use' (Gemm): expected values of 'double', got none in any calibration sample",
        "Calibrate with inputs that are not empty.",
    )
    assert ranges(model, given([], [1]), wanted("double"), "int8") == {"double": 2}


def test_without_onnxruntime_the_extra_is_named(model, monkeypatch):
    monkeypatch.setattr(probe, "find_spec", lambda _: None)
    with pytest.raises(EngineError) as caught:
        ranges(model, given([1]), wanted("double"), "int8")
    assert (caught.value.kind, caught.value.message, caught.value.hint) == (
        "environment",
        "int8: expected onnxruntime to calibrate with, got none",
        "Install dyno with the 'cpu' extra.",
    )


def test_a_sample_that_does_not_run_is_named(model):
    model.graph.node.append(helper.make_node("MatMul", ["x", "w"], ["z"], name="bad"))
    model.graph.initializer.append(numpy_helper.from_array(np.ones((3, 3), np.float32), "w"))
    with pytest.raises(EngineError, match=r"^int8: expected calibration sample 1 to run on ONNX"):
        ranges(model, given([[1, 2, 3]], [[1, 2]]), wanted("double", "z"), "int8")


def test_a_graph_that_does_not_load_is_refused(model):
    model.graph.node.append(helper.make_node("Unheard", ["x"], ["z"], domain="of"))
    with pytest.raises(EngineError, match=r"^int8: expected a graph that ONNX Runtime can load"):
        ranges(model, given([1]), wanted("double"), "int8")


def test_large_weights_go_beside_the_graph(model, monkeypatch):
    weight = numpy_helper.from_array(np.full((1, 600), 2, np.float32), "w")
    model.graph.initializer.append(weight)
    model.graph.node.append(helper.make_node("Mul", ["x", "w"], ["z"]))
    monkeypatch.setattr(probe, "MOST_INSIDE_BYTES", 1000)
    assert ranges(model, given([3]), wanted("z"), "int8") == {"z": 6}
    assert model.graph.initializer[0].raw_data


def test_the_percentile_leaves_a_ten_thousandth_out():
    histogram = np.zeros(BINS, np.int64)
    histogram[:100] = 10_000
    histogram[-1] = 90
    assert bins_of_percentile(histogram) == 100
    histogram[-1] = 200
    assert bins_of_percentile(histogram) == BINS


def test_least_is_lost_by_keeping_values_that_are_even_over_the_range():
    assert bins_of_least_divergence(np.full(BINS, 50, np.int64)) == BINS


def test_least_is_lost_by_clipping_a_far_outlier():
    histogram = np.zeros(BINS, np.int64)
    histogram[:300] = np.linspace(10_000, 100, 300)
    histogram[-1] = 1
    assert bins_of_least_divergence(histogram) < 400


def test_all_values_beyond_the_least_range_still_find_one():
    histogram = np.zeros(BINS, np.int64)
    histogram[-1] = 5
    assert bins_of_least_divergence(histogram) == BINS


def test_every_method_of_a_suite_is_known():
    from suites.suite import METHODS

    assert set(METHODS) == {"minmax", *calibration._SEARCHES}
