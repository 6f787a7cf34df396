"""The comparing, with functions of numpy for modules; real exports are in test_torch_export.py."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engines.contract import EngineError
from harness.torch_parity import Pair, _distance, _other, _solved, first_difference
from harness.torch_parity import require_repeatable as require

EXAMPLE = np.linspace(1, 2, 16, dtype=np.float32).reshape(4, 4)


@pytest.fixture
def difference(tmp_path):
    """Compare a file that doubles x, of shape [batch, width], with a module."""
    pytest.importorskip("onnxruntime")

    def compare(module, dims=("batch", "width"), values=None, file_dims=("batch", "width"), by="x"):
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(file_dims)) for name in "xy"
        ]
        nodes = [helper.make_node("Add", ["x", by], ["y"])]
        frozen = onnx.numpy_helper.from_array(EXAMPLE, "frozen")
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [frozen])
        path = tmp_path / "model.onnx"
        opsets = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
        pair = Pair(path=path, run=module, examples={"x": EXAMPLE})
        return first_difference(
            pair, module({"x": EXAMPLE}), dims={"x": list(dims)}, values=values or {}
        )

    return compare


def double(arrays):
    return {"y": arrays["x"] * 2}


def but(wrong, result=lambda x: x * 3):
    """Return a module that doubles, and does something else where `wrong` says so."""

    def module(arrays):
        x = arrays["x"]
        return {"y": result(x)} if wrong(x) else double(arrays)

    return module


def refuse(_):
    raise EngineError("invalid-model", "expected it to run on its example inputs, got a bug", "")


def test_a_file_that_computes_the_same_has_no_difference(difference):
    assert difference(double) == ""


def test_a_difference_on_the_examples_is_told(difference):
    assert difference(but(lambda x: x.size > 0)) == (
        "output 'y' of the exported model differs by up to 2, the module's reaching 6, "
        "on the example inputs"
    )


def test_a_difference_at_other_sizes_is_told_with_them(difference):
    found = difference(but(lambda x: x.shape == (2, 2), np.zeros_like))

    assert found.startswith("output 'y' of the exported model differs by up to ")
    assert found.endswith(", the module's reaching 0, with batch=2, width=2")


@pytest.mark.parametrize(
    ("shape", "sizes"), [((1, 2), "batch=1, width=2"), ((2, 1), "batch=2, width=1")]
)
def test_a_difference_at_size_one_of_any_dimension_is_told(difference, shape, sizes):
    found = difference(but(lambda x: x.shape == shape, lambda x: x[..., None]))

    assert found == (
        f"output 'y' of the exported model has shape {list(shape)}, the module's "
        f"{[*shape, 1]}, with {sizes}"
    )


def test_a_size_one_that_the_module_refuses_is_not_compared(difference):
    assert difference(but(lambda x: 1 in x.shape, refuse)) == ""


def test_other_sizes_that_the_module_refuses_are_told(difference):
    assert difference(but(lambda x: x.shape == (2, 2), refuse)) == (
        "with batch=2, width=2: expected it to run, got a bug"
    )


def test_values_are_other_ones_than_the_examples(difference):
    branching = but(lambda x: bool(x.min() < 0))

    assert difference(branching, values={"x": {"low": 0.5, "high": 2.0}}) == ""
    assert difference(branching, values={"x": {"value": -1.0}}) == (
        "output 'y' of the exported model differs by up to 1, the module's reaching 3, "
        "with batch=2, width=2"
    )


def test_sizes_that_nothing_names_stay(difference):
    found = difference(but(lambda x: bool(x.min() < 0)), dims=(4, 4), file_dims=(4, 4))

    assert found.endswith("with random values")


def test_a_file_that_does_not_run_at_other_sizes_is_told(difference):
    found = difference(double, by="frozen")

    assert found.startswith("the exported model fails with batch=2, width=2: ")
    assert "2 by 4" in found


def test_dims_that_do_not_fit_the_file_are_left_to_whoever_applies_them(difference):
    assert difference(but(lambda x: x.shape != (4, 4)), dims=("batch", "width", 3)) == ""


def test_dims_without_a_size_cannot_be_compared(difference):
    with pytest.raises(EngineError) as caught:
        difference(double, dims=("batch", "a+b"))

    assert (caught.value.kind, caught.value.message, caught.value.hint) == (
        "invalid-model",
        "cannot be compared: input x: expected a size for 'a', got none",
        "Mend the model's dims and inputs.",
    )


def test_a_module_that_computes_the_same_twice_is_deterministic():
    require("zoo:build", {"y": EXAMPLE}, {"y": EXAMPLE * np.float32(1.0001)})


def test_a_random_module_is_told():
    with pytest.raises(EngineError) as caught:
        require("zoo:build", {"y": EXAMPLE}, {"y": EXAMPLE + 1})

    assert (caught.value.kind, caught.value.message, caught.value.hint) == (
        "invalid-model",
        (
            "expected the module of zoo:build to be deterministic, got an output 'y' that differs "
            "by up to 1, the first's reaching 2, when it runs again on the same inputs"
        ),
        "It is in evaluation mode already: take out what is random or kept in its forward.",
    )


@pytest.mark.parametrize(
    ("size", "other"), [(1, 2), (2, 4), (3, 6), (4, 2), (16, 8), (224, 112), (225, 450)]
)
def test_other_sizes_are_half_the_example_where_that_is_even_and_above_one(size, other):
    assert _other(size) == other


@pytest.mark.parametrize(
    ("dim", "size", "value"),
    [("s", 43844, 43844), ("2*s", 16, 8), ("s//2", 16, 32), ("s+1", 16, 15), ("2*s", 15, 1)],
)
def test_a_name_stands_for_what_gives_the_dimension_its_size(dim, size, value):
    assert _solved(dim, "s", size) == value


def test_outputs_within_the_tolerance_are_equal():
    expected = np.array([1.0, -100.0], np.float32)

    assert _distance(expected + np.float32(0.09), expected) == ""
    assert _distance(np.zeros(0, np.float32), np.zeros(0, np.float32)) == ""
    assert _distance(np.zeros(3, np.int64), np.zeros(3, np.int64)) == ""


def test_half_types_may_differ_more():
    expected = np.array([1.0, -100.0], np.float16)

    assert _distance(expected + np.float16(1), expected) == ""
    assert _distance(expected + np.float16(4), expected) == (
        "differs by up to 4, the module's reaching 100,"
    )


def test_the_difference_is_told_with_the_scale_of_the_output():
    expected = np.array([1.0, -100.0], np.float32)

    assert _distance(expected + np.float32(0.25), expected) == (
        "differs by up to 0.25, the module's reaching 100,"
    )


@pytest.mark.parametrize(
    ("found", "expected", "told"),
    [
        (np.nan, 1, "has nan where the module has 1,"),
        (1, np.nan, "has 1 where the module has nan,"),
        (np.inf, -np.inf, "has inf where the module has -inf,"),
        (np.inf, np.nan, "has inf where the module has nan,"),
    ],
)
def test_what_is_not_finite_on_one_side_only_is_a_difference(found, expected, told):
    ends = np.array([7.0, found], np.float32), np.array([7.0, expected], np.float32)

    assert _distance(*ends) == told


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_the_same_nans_and_infinities_are_equal_and_the_rest_is_compared(kind):
    expected = np.array([np.nan, np.inf, -np.inf, 1.0], kind)
    found = expected + np.array([0, 0, 0, 1], kind)

    assert _distance(expected, expected) == ""
    assert _distance(found, expected) == "differs by up to 1, the module's reaching 1,"
    assert _distance(expected[:3], expected[:3]) == ""


def test_another_shape_is_a_difference():
    assert _distance(np.ones((2, 3)), np.ones((2, 4))) == ("has shape [2, 3], the module's [2, 4],")
