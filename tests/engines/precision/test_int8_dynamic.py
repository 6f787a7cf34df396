import logging

import numpy as np
import onnx
import pytest

from engines.contract import EngineError
from engines.precision import int8_dynamic as recipe
from engines.precision.int8_dynamic import int8_dynamic
from engines.precision.recipe import Calibration
from suites.models.builtin import builtins

pytest.importorskip("onnxruntime")

FAMILIES = [
    *(name for name, builtin in builtins().items() if builtin.family != "ceiling"),
    "digits-lstm",
]
LEAST_COSINE = 0.999
NO_SAMPLES = Calibration(samples=(), method="minmax")


@pytest.mark.parametrize("name", FAMILIES)
def test_the_graph_is_valid_and_its_answers_stay_close(name, family_of, run_on_cpu, cosine):
    family = family_of(name)
    inputs = family.inputs()
    model = int8_dynamic(family.model, NO_SAMPLES).model
    onnx.checker.check_model(model, full_check=True)
    expected, found = run_on_cpu(family.model, inputs), run_on_cpu(model, inputs)
    assert min(cosine(expected[key], found[key]) for key in expected) >= LEAST_COSINE


@pytest.mark.parametrize(
    ("name", "operator"),
    [("mlp", "MatMulInteger"), ("cnn", "ConvInteger"), ("lstm", "DynamicQuantizeLSTM")],
)
def test_products_become_integer_ones(name, operator, family_of):
    model = int8_dynamic(family_of(name).model, NO_SAMPLES).model
    assert operator in {node.op_type for node in model.graph.node}


def test_weights_of_constant_nodes_are_quantized_too(family_of, run_on_cpu):
    model = family_of("mlp").model
    plain = int8_dynamic(family_of("mlp").model, NO_SAMPLES).model
    for tensor in list(model.graph.initializer):
        node = onnx.helper.make_node("Constant", [], [tensor.name], value=tensor)
        model.graph.node.insert(0, node)
    del model.graph.initializer[:]
    inputs = family_of("mlp").inputs()
    expected, found = (
        run_on_cpu(m, inputs)["logits"] for m in (plain, int8_dynamic(model, NO_SAMPLES).model)
    )
    assert np.array_equal(expected, found)


ODD = {
    "one weight that two read in two ways": """
        g (float[4, 4] x) => (float[4, 4] y) <float[4, 4] w = {%s}> {
            p = Gemm<transB = 1>(x, w)
            y = Gemm(p, w)
        }""",
    "a table that is a weight too": """
        g (int64[4] x) => (float[4, 4] y) <float[4, 4] w = {%s}> {
            p = Gather(w, x)
            y = Gemm<transB = 1>(p, w)
        }""",
    "an absent bias that has a place": """
        g (float[4, 4] x) => (float[4, 4] y) <float[4, 4] w = {%s}> { y = Gemm(x, w, ) }""",
    "a product that only branches read": """
        g (float[4, 4] x, bool c) => (float[4, 4] y) <float[4, 4] w = {%s}> {
            p = MatMul(x, w)
            y = If(c) <
                then_branch = t () => (float[4, 4] a) { a = Sigmoid(p) },
                else_branch = e () => (float[4, 4] b) { b = Tanh(p) }
            >
        }""",
}
NUMBERS = ", ".join(str(k / 8) for k in range(-7, 9))


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_what_quantize_dynamic_itself_gets_wrong_is_right(text, run_on_cpu):
    header = '<ir_version: 10, opset_import: ["": 21]>'
    model = onnx.parser.parse_model(header + text % NUMBERS)
    x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
    given = {"x": x if "float[4, 4] x" in text else np.arange(4), "c": np.array(True)}
    inputs = {value.name: given[value.name] for value in model.graph.input}
    expected = run_on_cpu(model, inputs)["y"]
    made = int8_dynamic(model, NO_SAMPLES).model
    onnx.checker.check_model(made, full_check=True)
    assert np.abs(run_on_cpu(made, inputs)["y"] - expected).max() < 0.02 * np.abs(expected).max()


@pytest.mark.parametrize("op", ["rnn", "gru"])
def test_other_recurrences_are_told(op, family_of):
    assert int8_dynamic(family_of(op).model, NO_SAMPLES).kept == (
        f"int8-dynamic does not quantize the operator: node 'layer0' ({op.upper()})",
    )


def test_products_of_two_activations_are_told(family_of):
    [_, told] = int8_dynamic(family_of("transformer").model, NO_SAMPLES).kept
    assert told == (
        "its second factor is computed: node 'layer0.attention.scores' (MatMul), "
        "node 'layer0.attention.mixed' (MatMul), node 'layer1.attention.scores' (MatMul) "
        "and 5 more"
    )


def test_the_models_own_metadata_stay_alone_and_nothing_is_logged(family_of, caplog):
    model = family_of("digits-lstm").model
    own = [(prop.key, prop.value) for prop in model.metadata_props]
    with caplog.at_level(logging.WARNING):
        converted = int8_dynamic(model, NO_SAMPLES).model
    assert [(prop.key, prop.value) for prop in converted.metadata_props] == own
    assert not caplog.records


def test_the_same_model_gives_the_same_bytes(family_of):
    first, second = (
        int8_dynamic(family_of("lstm").model, NO_SAMPLES).model.SerializeToString(
            deterministic=True
        )
        for _ in range(2)
    )
    assert first == second


def test_a_graph_without_products_is_refused(family_of):
    model = family_of("mlp").model
    del model.graph.node[1:]
    model.graph.node[0].op_type = "Relu"
    del model.graph.node[0].input[1:]
    with pytest.raises(EngineError) as caught:
        int8_dynamic(model, NO_SAMPLES)
    assert (caught.value.kind, caught.value.message) == (
        "precision-mismatch",
        ("int8-dynamic: expected one of Conv, MatMul, Gemm, LSTM that it can quantize, got Relu"),
    )


def test_without_onnxruntime_the_extra_is_named(family_of, monkeypatch):
    monkeypatch.setattr(recipe, "find_spec", lambda _: None)
    with pytest.raises(EngineError) as caught:
        int8_dynamic(family_of("mlp").model, NO_SAMPLES)
    assert (caught.value.kind, caught.value.message, caught.value.hint) == (
        "environment",
        "int8-dynamic: expected onnxruntime, whose recipe it is, got none",
        "Install dyno with the 'cpu' extra.",
    )


def test_a_lack_of_memory_is_no_fault_of_the_model(family_of, monkeypatch):
    def no_memory(*_, **__):
        raise MemoryError("no memory")

    monkeypatch.setattr("onnxruntime.quantization.quantize_dynamic", no_memory)
    with pytest.raises(MemoryError, match="no memory"):
        int8_dynamic(family_of("mlp").model, Calibration(samples=(), method=""))
