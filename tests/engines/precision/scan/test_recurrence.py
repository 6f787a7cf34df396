"""Reading a recurrent node: weights by direction, and what becomes of the biases."""

import numpy as np
import pytest
from onnx import helper, numpy_helper

from engines.precision.scan.recurrence import NotReadError, read

HIDDEN, INPUT = 2, 3


def constants_of(gates, ways=1):
    shapes = {
        "W": (ways, gates * HIDDEN, INPUT),
        "R": (ways, gates * HIDDEN, HIDDEN),
        "B": (ways, 2 * gates * HIDDEN),
    }
    arrays = {
        name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        for name, shape in shapes.items()
    }
    return arrays, {name: numpy_helper.from_array(array, name) for name, array in arrays.items()}


def node_of(op, outputs=("y", "y_h"), inputs=("x", "W", "R", "B"), **attributes):
    return helper.make_node(op, inputs, outputs, hidden_size=HIDDEN, **attributes)


def test_both_biases_become_one_and_weights_are_turned():
    arrays, constants = constants_of(4)
    found = read(node_of("LSTM"), constants)
    (direction,) = found.directions
    assert np.array_equal(direction.inputs, arrays["W"][0].T)
    assert np.array_equal(direction.states, arrays["R"][0].T)
    assert np.array_equal(direction.bias, arrays["B"][0, :8] + arrays["B"][0, 8:])
    assert direction.state_bias is None
    assert found.hidden == HIDDEN


def test_a_gru_that_resets_after_its_product_keeps_the_last_bias_apart():
    arrays, constants = constants_of(3)
    (direction,) = read(node_of("GRU", linear_before_reset=1), constants).directions
    of_inputs, of_states = np.split(arrays["B"][0], 2)
    assert np.array_equal(direction.state_bias, of_states[4:])
    assert np.array_equal(direction.bias[:4], of_inputs[:4] + of_states[:4])
    assert np.array_equal(direction.bias[4:], of_inputs[4:])


@pytest.mark.parametrize(
    ("direction", "reverse"),
    [("forward", [False]), ("reverse", [True]), ("bidirectional", [False, True])],
)
def test_directions_come_in_the_order_of_the_weights(direction, reverse):
    arrays, constants = constants_of(1, len(reverse))
    found = read(node_of("RNN", direction=direction), constants).directions
    assert [each.reverse for each in found] == reverse
    for i, each in enumerate(found):
        assert np.array_equal(each.inputs, arrays["W"][i].T)


def test_names_are_empty_for_what_the_node_has_not():
    _, constants = constants_of(4)
    inputs = ("x", "W", "R", "", "", "h0", "c0")
    found = read(node_of("LSTM", ("", "", "c"), inputs, layout=1), constants)
    assert (found.x, found.initial_h, found.initial_c) == ("x", "h0", "c0")
    assert (found.y, found.y_h, found.y_c) == ("", "", "c")
    assert found.batch_first
    assert found.directions[0].bias is None


def test_a_bias_that_the_graph_computes_is_not_read():
    _, constants = constants_of(1)
    del constants["B"]
    with pytest.raises(NotReadError) as error:
        read(node_of("RNN"), constants)
    assert str(error.value) == "expected constant weights, got 'B', which the graph computes"
