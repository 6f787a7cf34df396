"""fp16 of every built-in family and of the trained LSTM, on real runtimes."""

import onnx
import pytest

from engines.precision.fp16 import fp16, to_fp16
from suites.models.builtin import builtins
from suites.models.ceilings import ceiling

FAMILIES = (*(name for name in builtins() if not ceiling(name)), "digits-lstm")
TARGETS = ("sm86", "sm89", "sm120")

LEAST_COSINE = 0.9999


@pytest.fixture
def converted(family_of):
    """Return a function that gives a family's Converted, checked by ONNX."""

    def convert(name):
        family = family_of(name)
        result = fp16(family.model, family.calibration(samples=0))
        onnx.checker.check_model(result.model, full_check=True)
        return result

    return convert


@pytest.mark.parametrize("name", FAMILIES)
def test_fp32_itself_is_valid_and_runs(name, family_of, run_on_cpu):
    family = family_of(name)
    onnx.checker.check_model(family.model, full_check=True)
    assert run_on_cpu(family.model, family.inputs())


@pytest.mark.parametrize("name", FAMILIES)
def test_what_comes_out_is_near_fp32(name, family_of, converted, run_on_cpu, cosine):
    family = family_of(name)
    reference = run_on_cpu(family.model, family.inputs())
    outputs = run_on_cpu(converted(name).model, family.inputs())
    for output, expected in reference.items():
        assert outputs[output].dtype == expected.dtype
        assert cosine(outputs[output], expected) >= LEAST_COSINE


@pytest.mark.parametrize("sm", TARGETS)
@pytest.mark.parametrize("name", FAMILIES)
def test_tensorrt_rtx_builds_it(name, sm, family_of, converted, build_for):
    family = family_of(name)
    (plan_bytes,) = build_for(converted(name).model, (sm,), dims=family.dims)
    assert plan_bytes > 100_000


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_but_inputs_and_outputs_stays_fp32(name, converted, family_of):
    result = converted(name)
    graph, before = result.model.graph, family_of(name).model.graph
    assert [(v.name, v.type) for v in graph.input] == [(v.name, v.type) for v in before.input]
    assert [v.name for v in graph.output] == [v.name for v in before.output]
    assert onnx.TensorProto.FLOAT not in {tensor.data_type for tensor in graph.initializer}
    floats = sum(v.type.tensor_type.elem_type == 1 for v in (*graph.input, *graph.output))
    casts = [node for node in graph.node if node.op_type == "Cast"]
    assert len(casts) == floats
    assert all(note.endswith("fp16 has nothing nearer") for note in result.kept)


def test_the_same_model_gives_the_same_bytes(converted):
    first, second = (converted("transformer").model for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(
        deterministic=True
    )


QUANTIZED = """
<ir_version: 8, opset_import: ["" : %d]>
g (float[batch, 2] x) => (float[batch, 2] y)
<float s = {%s}, int8 z = {0}, int8[2, 2] w = {1, 2, 3, 4}, float t = {0.5}>
{
    q = QuantizeLinear(x, s, z)
    d = DequantizeLinear(q, s, z)
    v = DequantizeLinear(w, t)
    y = MatMul(d, v)
}
"""


def types_of(model):
    """Return the types of all tensors by name."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.input, *graph.output, *graph.value_info)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    return {name: onnx.TensorProto.DataType.Name(kind) for name, kind in types.items()}


@pytest.mark.parametrize(("opset", "raised"), [(13, 19), (17, 19), (21, 21), (23, 23), (25, 25)])
def test_scales_change_with_what_they_scale_at_every_opset(opset, raised, build_for):
    model, kept = to_fp16(onnx.parser.parse_model(QUANTIZED % (opset, "0.25")))
    onnx.checker.check_model(model, full_check=True)
    assert kept == ()
    assert model.opset_import[0].version == raised
    assert types_of(model) == {
        "x": "FLOAT",
        "y": "FLOAT",
        "x_fp16": "FLOAT16",
        "q": "INT8",
        "d": "FLOAT16",
        "v": "FLOAT16",
        "y_fp16": "FLOAT16",
        "s_fp16": "FLOAT16",
        "t_fp16": "FLOAT16",
        "w": "INT8",
        "z": "INT8",
    }
    assert build_for(model, ("sm86",))


def test_a_scale_that_fp16_cannot_tell_from_another_stays_with_its_nodes():
    model, kept = to_fp16(onnx.parser.parse_model(QUANTIZED % (21, "0.0000001")))
    onnx.checker.check_model(model, full_check=True)
    types = types_of(model)
    assert (types["s"], types["d"], types["d_fp16"]) == ("FLOAT", "FLOAT", "FLOAT16")
    why = "does not fit: it has 1e-07, fp16 1.19209e-07"
    assert kept == (
        f"QuantizeLinear stays fp32: 's' of node 'q' (QuantizeLinear) {why}",
        f"DequantizeLinear stays fp32: 's' of node 'd' (DequantizeLinear) {why}",
    )
