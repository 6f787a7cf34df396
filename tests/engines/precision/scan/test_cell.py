"""One step of each operator against its equations, as ONNX's specification writes them."""

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from engines.precision.scan.cell import step
from engines.precision.scan.recurrence import Direction, Recurrence

HIDDEN, BATCH = 3, 2
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def values(*shape, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


R = {op: values(HIDDEN, gates * HIDDEN, seed=1) for op, gates in GATES.items()}
H, C = values(BATCH, HIDDEN, seed=2), values(BATCH, HIDDEN, seed=3)
RB = values(HIDDEN, seed=4)


def run(op, *, reset_after=False, every_state=False, state_bias=None):
    direction = Direction(reverse=False, inputs=R[op], states=R[op], state_bias=state_bias)
    recurrence = Recurrence(
        op=op,
        directions=(direction,),
        x="x",
        initial_h="",
        initial_c="",
        y="",
        y_h="",
        y_c="",
        batch_first=False,
        reset_after=reset_after,
    )
    body = step(recurrence, direction, "s", every_state=every_state)
    opsets = [helper.make_opsetid("", 21)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    given = {"s.h": H, "s.c": C, "s.x": x_of(op)}
    inputs = {value.name: given[value.name] for value in body.input}
    return ReferenceEvaluator(model).run(None, inputs)


def x_of(op):
    return values(BATCH, GATES[op] * HIDDEN, seed=5)


def test_an_rnn_is_a_tanh_of_both_products():
    [h] = run("RNN")
    assert np.allclose(h, np.tanh(H @ R["RNN"] + x_of("RNN")), atol=1e-6)


def test_an_lstms_gates_are_input_output_forget_and_cell():
    i, o, f, c = np.split(H @ R["LSTM"] + x_of("LSTM"), 4, axis=1)
    expected_c = sigmoid(f) * C + sigmoid(i) * np.tanh(c)
    h, c = run("LSTM")
    assert np.allclose(c, expected_c, atol=1e-6)
    assert np.allclose(h, sigmoid(o) * np.tanh(expected_c), atol=1e-6)


@pytest.mark.parametrize("bias", [None, RB])
def test_a_gru_that_resets_after_its_product_adds_the_bias_before(bias):
    z, r, _ = np.split(sigmoid(H @ R["GRU"] + x_of("GRU")), 3, axis=1)
    of_state = H @ R["GRU"][:, 2 * HIDDEN :] + (0 if bias is None else bias)
    new = np.tanh(x_of("GRU")[:, 2 * HIDDEN :] + r * of_state)
    [h] = run("GRU", reset_after=True, state_bias=bias)
    assert np.allclose(h, (1 - z) * new + z * H, atol=1e-6)


def test_a_gru_that_resets_before_multiplies_the_state():
    z, r, _ = np.split(sigmoid(H @ R["GRU"] + x_of("GRU")), 3, axis=1)
    new = np.tanh(x_of("GRU")[:, 2 * HIDDEN :] + (r * H) @ R["GRU"][:, 2 * HIDDEN :])
    [h] = run("GRU")
    assert np.allclose(h, (1 - z) * new + z * H, atol=1e-6)


@pytest.mark.parametrize("op", GATES)
def test_every_state_is_the_next_one_once_more(op):
    h, *_, every = run(op, every_state=True)
    assert np.array_equal(h, every)
