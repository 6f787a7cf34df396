import numpy as np
import pytest
from onnx import helper, numpy_helper

from engines.precision.quantize.operands import Activation, UnfitError, Weight, operands


def tensor(*shape, dtype=np.float32):
    return numpy_helper.from_array(np.ones(shape, dtype))


X = Activation(position=0)


@pytest.mark.parametrize(
    ("op", "attributes", "shape", "weight"),
    [
        ("Conv", {}, (8, 3, 3, 3), Weight(position=1, channels=0, summed=1, kernel=True)),
        ("ConvTranspose", {}, (3, 8, 2, 2), Weight(position=1, channels=1, summed=0, kernel=True)),
        ("MatMul", {}, (4, 6), Weight(position=1, channels=1, summed=0)),
        ("MatMul", {}, (2, 4, 6), Weight(position=1, channels=None, summed=1)),
        ("Gemm", {}, (4, 6), Weight(position=1, channels=1, summed=0)),
        ("Gemm", {"transB": 0}, (4, 6), Weight(position=1, channels=1, summed=0)),
        ("Gemm", {"transB": 1}, (6, 4), Weight(position=1, channels=0, summed=1)),
    ],
)
def test_channels_are_those_of_the_output(op, attributes, shape, weight):
    node = helper.make_node(op, ["x", "w"], ["y"], **attributes)
    assert operands(node, {"w": tensor(*shape)}) == (X, weight)


@pytest.mark.parametrize(
    ("op", "attributes", "weight"),
    [
        ("MatMul", {}, Weight(position=0, channels=0, summed=1)),
        ("Gemm", {}, Weight(position=0, channels=0, summed=1)),
        ("Gemm", {"transA": 1}, Weight(position=0, channels=1, summed=0)),
    ],
)
def test_the_first_factor_may_be_the_constant_one(op, attributes, weight):
    node = helper.make_node(op, ["w", "x"], ["y"], **attributes)
    assert operands(node, {"w": tensor(4, 6)}) == (weight, Activation(position=1))


@pytest.mark.parametrize("op", ["MatMul", "Gemm"])
def test_both_factors_may_be_computed(op):
    node = helper.make_node(op, ["a", "b"], ["y"])
    assert operands(node, {}) == (X, Activation(position=1))


@pytest.mark.parametrize("op", ["RNN", "GRU", "LSTM"])
def test_initial_states_of_a_recurrence_are_no_factors(op):
    node = helper.make_node(op, ["x", "w", "r", "", "", "h"], ["y"])
    known = {"w": tensor(1, 8, 4), "r": tensor(1, 8, 2), "h": tensor(1, 1, 2)}
    weights = (Weight(position=k, channels=1, summed=2, recurrent=True) for k in (1, 2))
    assert operands(node, known) == (X, *weights)


def test_other_operators_and_other_domains_have_no_factors():
    known = {"w": tensor(4, 4)}
    assert operands(helper.make_node("Add", ["x", "w"], ["y"]), known) == ()
    assert operands(helper.make_node("MatMul", ["x", "w"], ["y"], domain="my"), known) == ()


@pytest.mark.parametrize(
    ("op", "inputs", "known", "reason"),
    [
        ("Conv", ["x", "w"], {}, "its weight is computed"),
        ("LSTM", ["x", "w", "r"], {"w": tensor(1, 8, 4)}, "its weight is computed"),
        ("MatMul", ["a", "w"], {"a": tensor(2, 2), "w": tensor(2, 2)}, "both of its factors are"),
        ("MatMul", ["x", "w"], {"w": tensor(4)}, "its weight is no matrix"),
        ("MatMul", ["x", "w"], {"w": tensor(4, 4, dtype=np.float64)}, "its weight is double"),
        ("MatMul", ["x", "w"], {"w": tensor(0, 4)}, "its weight is empty"),
    ],
)
def test_a_node_that_does_not_fit_says_why(op, inputs, known, reason):
    with pytest.raises(UnfitError, match=f"^{reason}"):
        operands(helper.make_node(op, inputs, ["y"]), known)
