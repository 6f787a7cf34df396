"""A recurrence written as a Scan against ONNX Runtime's own operator."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.precision.scan.as_scan import as_scan

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
SEQUENCE, BATCH, INPUT, HIDDEN = 6, 2, 3, 5
MOST = 1e-5


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def model_of(op, direction, *, bias=True, initial=True, opset=21, layout=0, lbr=0):
    """Return a model of one operator with all of its outputs."""
    ways, rows = 1 + (direction == "bidirectional"), GATES[op] * HIDDEN
    weights = {"W": random(ways, rows, INPUT), "R": random(ways, rows, HIDDEN, seed=1)}
    if bias:
        weights["B"] = random(ways, 2 * rows, seed=2)
    outputs = ["Y", "Y_h", *(["Y_c"] if op == "LSTM" else [])]
    states = ["h0", *(["c0"] if op == "LSTM" else [])] if initial else []
    attributes = {"linear_before_reset": lbr} if op == "GRU" else {}
    if layout:
        attributes["layout"] = layout
    node = helper.make_node(
        op,
        ["x", "W", "R", "B" if bias else "", "", *states],
        outputs,
        hidden_size=HIDDEN,
        direction=direction,
        **attributes,
    )
    tensors = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    given, made = (
        [rows_of(name, ways, layout) for name in names] for names in (("x", *states), outputs)
    )
    graph = helper.make_graph([node], "g", given, made, tensors)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def rows_of(name, ways=1, layout=0):
    batch_first = {"x": ["batch", "sequence", INPUT], "Y": ["batch", "sequence", ways, HIDDEN]}
    time_first = {"x": ["sequence", "batch", INPUT], "Y": ["sequence", ways, "batch", HIDDEN]}
    state = ["batch", ways, HIDDEN] if layout else [ways, "batch", HIDDEN]
    dims = (batch_first if layout else time_first).get(name, state)
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)


def inputs_of(model, ways):
    shapes = {"x": (SEQUENCE, BATCH, INPUT)}
    names = [value.name for value in model.graph.input]
    return {
        name: random(*shapes.get(name, (ways, BATCH, HIDDEN)), seed=3 + i)
        for i, name in enumerate(names)
    }


DIRECTIONS = ("forward", "reverse", "bidirectional")
OPERATORS = (("RNN", 0), ("GRU", 0), ("GRU", 1), ("LSTM", 0))


@pytest.mark.parametrize("opset", [13, 17, 22])
@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("op", "lbr"), OPERATORS)
def test_a_scan_gives_every_output_of_the_operator(
    op, lbr, direction, bias, initial, opset, run_on_cpu
):
    model = model_of(op, direction, bias=bias, initial=initial, opset=opset, lbr=lbr)
    inputs = inputs_of(model, 1 + (direction == "bidirectional"))
    expected = run_on_cpu(model, inputs)
    as_scan(model)
    onnx.checker.check_model(model, full_check=True)
    assert op not in {node.op_type for node in model.graph.node}
    found = run_on_cpu(model, inputs)
    for name, values in expected.items():
        assert found[name].shape == values.shape
        assert np.abs(found[name] - values).max() <= MOST


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("op", "lbr"), OPERATORS)
def test_a_batch_first_operator_gives_what_the_time_first_one_does(
    op, lbr, direction, initial, run_on_cpu
):
    model = model_of(op, direction, initial=initial, lbr=lbr)
    inputs = inputs_of(model, 1 + (direction == "bidirectional"))
    expected = run_on_cpu(model, inputs)
    batch_first = model_of(op, direction, initial=initial, layout=1, lbr=lbr)
    as_scan(batch_first)
    onnx.checker.check_model(batch_first, full_check=True)
    turned = {name: values.transpose(1, 0, 2) for name, values in inputs.items()}
    found = run_on_cpu(batch_first, turned)
    for name, values in expected.items():
        order = (2, 0, 1, 3) if name == "Y" else (1, 0, 2)
        assert found[name].shape == values.transpose(order).shape
        assert np.abs(found[name] - values.transpose(order)).max() <= MOST


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
@pytest.mark.parametrize(("op", "lbr"), OPERATORS)
def test_tensorrt_rtx_builds_every_form(op, lbr, direction, layout, build_for):
    model = model_of(op, direction, layout=layout, lbr=lbr)
    as_scan(model)
    (plan_bytes,) = build_for(model, ["sm89"], dims=[("sequence", SEQUENCE)])
    assert plan_bytes > 10_000


@pytest.mark.parametrize("lbr", [0, 1])
def test_only_a_gru_that_resets_first_multiplies_twice_a_step(lbr):
    model = model_of("GRU", "forward", lbr=lbr)
    as_scan(model)
    scan = next(node for node in model.graph.node if node.op_type == "Scan")
    body = helper.get_node_attr_value(scan, "body")
    assert [node.op_type for node in body.node].count("MatMul") == 2 - lbr


def test_the_states_of_every_step_are_written_only_where_something_reads_them():
    model = model_of("LSTM", "forward")
    del model.graph.output[0]
    as_scan(model)
    scan = next(node for node in model.graph.node if node.op_type == "Scan")
    assert list(scan.output) == ["Y.scan.forward.Y_h", "Y.scan.forward.Y_c"]
    assert "Y" not in {name for node in model.graph.node for name in node.output}
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
def test_a_way_back_whose_steps_nothing_reads_gives_its_last_state(direction, run_on_cpu):
    model = model_of("LSTM", direction)
    del model.graph.output[0]
    inputs = inputs_of(model, 1 + (direction == "bidirectional"))
    expected = run_on_cpu(model, inputs)
    as_scan(model)
    found = run_on_cpu(model, inputs)
    assert expected.keys() == {"Y_h", "Y_c"}
    assert all(np.abs(found[name] - expected[name]).max() <= MOST for name in expected)


@pytest.mark.parametrize("lacking", [5, 6], ids=["initial_h", "initial_c"])
def test_an_initial_state_that_is_not_given_is_zero_beside_one_that_is(lacking, run_on_cpu):
    model = model_of("LSTM", "forward")
    name = model.graph.node[0].input[lacking]
    model.graph.node[0].input[lacking] = ""
    model.graph.input.remove(next(each for each in model.graph.input if each.name == name))
    inputs = inputs_of(model, 1)
    expected = run_on_cpu(model, inputs)
    as_scan(model)
    found = run_on_cpu(model, inputs)
    assert all(np.abs(found[key] - expected[key]).max() <= MOST for key in expected)
