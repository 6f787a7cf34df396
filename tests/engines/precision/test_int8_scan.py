"""Recurrences as Scans in int8: cells of family and target, and what a Scan cannot say."""

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import suites
from engines.contract import EngineError
from engines.graph.walk import every_graph
from engines.ort.effective import facts_of
from engines.precision.int8_scan import int8_scan
from engines.precision.recipe import Calibration
from suites.models.graph import GraphBuilder
from suites.models.layers import conv, projection, recurrent
from suites.signature import Signature, TensorSpec

FAMILIES = ("rnn", "gru", "lstm", "stacked-lstm", "bilstm-text", "digits-lstm")
TARGETS = ("sm86", "sm89", "sm120")
LEAST_COSINE = 0.999
HELD_OUT = Path(suites.__file__).parent / "library" / "trained" / "digits_heldout.npz"


@cache
def crnn_data():
    """Return a CRNN: a convolution, its columns as a sequence, and a score for each of them."""
    graph = GraphBuilder("crnn")
    seen = graph.node("Relu", (conv(graph, "image", (1, 16), name="conv"),), name="seen")
    mean = graph.node("ReduceMean", (seen, graph.integers("rows", (2,))), name="mean", keepdims=0)
    columns = graph.node("Transpose", (mean,), name="columns", perm=(2, 0, 1))
    states, _ = recurrent(graph, columns, (16, 32), name="bilstm", op="LSTM", bidirectional=True)
    both = graph.node("Transpose", (states,), name="both", perm=(0, 2, 1, 3))
    rows = graph.node("Reshape", (both, graph.integers("both.shape", (0, 0, 64))), name="joined")
    projection(graph, rows, (64, 20), name="head", output="logits")
    image = TensorSpec(name="image", dtype="float32", dims=("batch", 1, 8, "width"))
    logits = TensorSpec(name="logits", dtype="float32", dims=("width", "batch", 20))
    signature = Signature(inputs=(image,), outputs=(logits,), defaults=(("width", 24),))
    return graph.model(signature).SerializeToString(deterministic=True)


def images(seed):
    values = np.random.default_rng(seed).normal(size=(4, 1, 8, 24))
    return {"image": values.astype(np.float32)}


def convert(model, samples):
    return int8_scan(model, Calibration(samples=samples, method="minmax"))


@cache
def convert_family(family):
    return convert(family.model, family.calibration().samples)


@cache
def convert_crnn():
    samples = tuple(images(1000 + i) for i in range(4))
    return convert(onnx.load_from_string(crnn_data()), samples)


@pytest.fixture
def cell(family_of):
    """Return a function from a name to the fp32 model, inputs, the int8-scan model and dims."""

    def make(name):
        if name == "crnn":
            fp32 = onnx.load_from_string(crnn_data())
            return fp32, images(0), convert_crnn().model, (("width", 24),)
        family = family_of(name)
        return family.model, family.inputs(), convert_family(family).model, family.dims

    return make


@pytest.mark.parametrize("name", [*FAMILIES, "crnn"])
def test_each_family_stays_near_its_fp32_answers(name, cell, run_on_cpu, cosine):
    fp32, inputs, model, _ = cell(name)
    onnx.checker.check_model(model, full_check=True)
    expected, found = run_on_cpu(fp32, inputs), run_on_cpu(model, inputs)
    assert not {"RNN", "GRU", "LSTM"} & {node.op_type for node in model.graph.node}
    assert cosine(expected["logits"], found["logits"]) >= LEAST_COSINE


@pytest.mark.parametrize("sm", TARGETS)
@pytest.mark.parametrize("name", [*FAMILIES, "crnn"])
def test_each_family_builds_for_each_target(name, sm, cell, build_for):
    _, _, model, dims = cell(name)
    (size,) = build_for(model, [sm], dims=dims)
    assert size > 100_000


def test_the_trained_lstm_keeps_its_accuracy(cell, family_of, run_on_cpu):
    data = np.load(HELD_OUT)
    inputs = {"rows": data["rows"].astype(np.float32) / 16}
    _, _, model, _ = cell("digits-lstm")
    right = [
        np.mean(run_on_cpu(each, inputs)["logits"].argmax(axis=1) == data["labels"])
        for each in (family_of("digits-lstm").model, model)
    ]
    assert right[1] >= 0.98 * right[0]


def values_of(model, name):
    """Return a constant of the graph or of one of its bodies."""
    tensors = (t for graph in every_graph(model.graph) for t in graph.initializer)
    return next(numpy_helper.to_array(t) for t in tensors if t.name == name)


def test_both_products_of_a_recurrence_are_of_int8(cell):
    _, _, model, _ = cell("lstm")
    step = "layer0.scan.forward.step"
    scan = next(node for node in model.graph.node if node.op_type == "Scan")
    body = helper.get_node_attr_value(scan, "body")
    inside = next(node for node in body.node if node.op_type == "MatMul")
    assert list(inside.input) == [f"{step}.h.dequantized", f"{step}.R.dequantized"]
    assert values_of(model, f"{step}.R.quantized").dtype == np.int8
    assert values_of(model, f"{step}.R.scale").shape == (1024,)
    assert values_of(model, f"{step}.h.scale") == np.float32(1 / 127)
    outside = next(node for node in model.graph.node if node.op_type == "MatMul")
    assert values_of(model, "layer0.scan.forward.W.quantized").dtype == np.int8
    assert all(name.endswith(".dequantized") for name in outside.input)


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "stacked-lstm"])
def test_onnx_runtime_computes_all_of_it_in_integers(name, cell, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    _, _, model, _ = cell(name)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3  # what is optimized suits this machine alone, it warns
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    computed = facts_of(tmp_path / "optimized.onnx")
    assert {fact.split(":")[1] for fact in computed} == {"int8"}


def test_only_what_is_no_product_is_kept(family_of):
    assert convert_family(family_of("lstm")).kept == ()


def test_the_same_model_gives_the_same_bytes(family_of):
    family = family_of("gru")
    again = convert(family.model, family.calibration().samples).model
    first, second = (
        model.SerializeToString(deterministic=True)
        for model in (convert_family(family).model, again)
    )
    assert first == second


def gru(*, lbr=0, name="layer", x="x", y_h="last", inputs=("W", "R"), **attributes):
    return helper.make_node(
        "GRU",
        [x, *inputs],
        ["", y_h],
        name=name,
        hidden_size=2,
        linear_before_reset=lbr,
        **attributes,
    )


def model_of(*nodes, inputs=()):
    weights = [
        numpy_helper.from_array(
            np.random.default_rng(i).normal(size=(1, 6, 2)).astype(np.float32), name
        )
        for i, name in enumerate(("W", "R"))
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["sequence", "batch", 2])
    last = helper.make_tensor_value_info("last", TensorProto.FLOAT, [1, "batch", 2])
    graph = helper.make_graph(list(nodes), "g", [x, *inputs], [last], weights)
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def calibration(**more):
    return Calibration(samples=({"x": rows(5, 3, 2), **more},), method="percentile")


def test_a_constant_initial_state_is_looked_at_too():
    state = numpy_helper.from_array(np.full((1, 3, 2), -2, np.float32), "h0")
    model = model_of(gru(inputs=("W", "R", "", "", "h0")))
    model.graph.initializer.append(state)
    made = int8_scan(model, calibration()).model
    assert values_of(made, "layer.scan.forward.step.h.scale") == np.float32(2 / 127)


STATE = helper.make_tensor_value_info("h0", TensorProto.FLOAT, [1, "batch", 2])


@pytest.mark.parametrize(("greatest", "bound"), [(0.5, 1.0), (4.0, 4.0)])
def test_an_initial_state_above_one_widens_the_range(greatest, bound):
    model = model_of(gru(inputs=("W", "R", "", "", "h0")), inputs=[STATE])
    given = np.linspace(-greatest, greatest / 2, 6, dtype=np.float32).reshape(1, 3, 2)
    made = int8_scan(model, calibration(h0=given)).model
    scale = values_of(made, "layer.scan.forward.step.h.scale")
    assert scale == np.float32(bound / 127)


@pytest.mark.parametrize("lbr", [0, 1])
def test_both_forms_of_a_gru_build(lbr, build_for):
    made = int8_scan(model_of(gru(lbr=lbr)), calibration()).model
    assert len(build_for(made, TARGETS, dims=[("sequence", 5)])) == len(TARGETS)


LENGTHS = helper.make_tensor_value_info("lengths", TensorProto.INT32, ["batch"])


def test_an_operator_that_stays_is_quantized_as_int8_does_it_and_named():
    between = helper.make_node("Squeeze", ["first", "axis"], ["state"], name="squeeze")
    again = helper.make_node("Unsqueeze", ["state", "axis"], ["again"], name="unsqueeze")
    axis = helper.make_node(
        "Constant", [], ["axis"], value=numpy_helper.from_array(np.array([0], np.int64))
    )
    stays = gru(name="stays", y_h="first", inputs=("W", "R", "", "lengths"))
    model = model_of(axis, stays, between, again, gru(x="again"), inputs=[LENGTHS])
    made = int8_scan(model, calibration(lengths=np.array([5, 4, 3], np.int32)))
    (sentence,) = made.kept
    assert sentence == (
        "node 'stays' (GRU) stays one operator, its state in fp32: "
        "expected no sequence_lens, got 'lengths'"
    )
    kept = next(node for node in made.model.graph.node if node.op_type == "GRU")
    assert [name.endswith(".dequantized") for name in kept.input[:3]] == [True] * 3


def refusal(model, given=None):
    with pytest.raises(EngineError) as error:
        int8_scan(model, given or calibration())
    return f"{error.value.kind}: {error.value.message}. {error.value.hint}"


def test_a_model_of_only_such_operators_is_refused():
    model = model_of(gru(activations=["Sigmoid", "Relu"]))
    assert refusal(model) == (
        "unsupported-op: int8-scan: node 'layer' (GRU): expected the activations Sigmoid, Tanh, "
        "got Sigmoid, Relu. Ask for int8, which quantizes what goes into the operator."
    )


def test_a_model_whose_recurrences_are_all_in_bodies_is_refused():
    last = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, "b", 2])
    body = helper.make_graph([gru(name="inner", y_h="out")], "b", [], [last])
    choice = helper.make_node("If", ["test"], ["last"], then_branch=body, else_branch=body)
    test = helper.make_tensor_value_info("test", TensorProto.BOOL, [])
    assert refusal(model_of(choice, inputs=[test])) == (
        "unsupported-op: int8-scan: node 'inner' (GRU): expected a node of the graph itself, "
        "got one inside another. Export the model without that branch or loop, or ask for fp16."
    )


def test_a_model_without_recurrence_is_refused():
    node = helper.make_node("Identity", ["x"], ["last"])
    assert refusal(model_of(node)) == (
        "precision-mismatch: int8-scan: expected an RNN, GRU or LSTM node, got none. Ask for int8."
    )


def test_a_quantized_model_is_refused():
    node = helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], name="quantize")
    assert refusal(model_of(node, gru())) == (
        "invalid-model: int8-scan: node 'quantize' (DynamicQuantizeLinear): expected a graph that "
        "is not quantized, got a DynamicQuantizeLinear in 'g'. Start from the fp32 model."
    )


def test_an_initial_state_that_is_not_finite_is_refused():
    log = helper.make_node("Log", ["h0"], ["state"], name="log")
    model = model_of(log, gru(inputs=("W", "R", "", "", "state")), inputs=[STATE])
    given = calibration(h0=np.zeros((1, 3, 2), np.float32))
    assert refusal(model, given) == (
        "invalid-model: int8-scan: initial state of 'layer.scan.forward.scan': expected finite "
        "values of 'state', got NaN or Inf in calibration sample 0. "
        "Calibrate with inputs that the model is made for."
    )
