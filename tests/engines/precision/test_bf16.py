"""bf16 of every built-in family and of the trained LSTM.

ONNX Runtime's CPU has no bf16 kernels. Its numbers are found by emulation: the converted graph
itself, computing in fp32, with every bf16 tensor rounded to bf16 where it is made.
"""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, shape_inference

from engines.contract import EngineError
from engines.precision.bf16 import bf16
from engines.precision.half.cast import to_half
from engines.precision.half.half import BF16
from engines.precision.recipe import Calibration
from suites.models.builtin import builtins
from suites.models.ceilings import ceiling

FAMILIES = (*(name for name in builtins() if not ceiling(name)), "digits-lstm")
TARGETS = ("sm86", "sm89", "sm120")

LEAST_COSINE = 0.999


@pytest.fixture
def converted(family_of):
    """Return a function that gives a family's Converted, checked by ONNX."""

    def convert(name):
        family = family_of(name)
        result = bf16(family.model, family.calibration(samples=0))
        onnx.checker.check_model(result.model, full_check=True)
        return result

    return convert


def emulate(model):
    """Return the graph in fp32 with a rounding after each node that makes bf16."""
    graph = shape_inference.infer_shapes(model).graph
    values = (*graph.value_info, *graph.output)
    halves = {v.name for v in values if v.type.tensor_type.elem_type == TensorProto.BFLOAT16}
    emulated = onnx.ModelProto()
    emulated.CopyFrom(model)
    del emulated.graph.node[:], emulated.graph.value_info[:]
    for tensor in emulated.graph.initializer:
        widen(tensor)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                widen(attribute.t)
            elif attribute.name == "to" and attribute.i == TensorProto.BFLOAT16:
                attribute.i = TensorProto.FLOAT
        rounded = [name for name in node.output if name in halves and node.op_type != "Constant"]
        for i, name in enumerate(node.output):
            node.output[i] = f"{name}/exact" if name in rounded else name
        emulated.graph.node.append(node)
        for name in rounded:
            emulated.graph.node.extend(
                (
                    helper.make_node("Cast", [f"{name}/exact"], [f"{name}/half"], to=16),
                    helper.make_node("Cast", [f"{name}/half"], [name], to=1),
                )
            )
    return emulated


def widen(tensor):
    if tensor.data_type == TensorProto.BFLOAT16:
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


@pytest.mark.parametrize("name", FAMILIES)
def test_what_comes_out_is_near_fp32(name, family_of, converted, run_on_cpu, cosine):
    family = family_of(name)
    reference = run_on_cpu(family.model, family.inputs())
    outputs = run_on_cpu(emulate(converted(name).model), family.inputs(), basic=True)
    for output, expected in reference.items():
        assert LEAST_COSINE <= cosine(outputs[output], expected) < 1 - 1e-7


@pytest.mark.parametrize("sm", TARGETS)
@pytest.mark.parametrize("name", FAMILIES)
def test_tensorrt_rtx_builds_it(name, sm, family_of, converted, build_for):
    (plan_bytes,) = build_for(converted(name).model, (sm,), dims=family_of(name).dims)
    assert plan_bytes > 100_000


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "gru"])
def test_all_weights_change_and_nothing_is_kept(name, converted):
    result = converted(name)
    types = {tensor.data_type for tensor in result.model.graph.initializer}
    assert types <= {TensorProto.BFLOAT16, TensorProto.INT64}
    assert result.kept == ()


def test_a_gru_stays_fp32_and_the_rest_changes(converted):
    result = converted("gru")
    types = {tensor.name: tensor.data_type for tensor in result.model.graph.initializer}
    assert types == {
        "layer0.W": TensorProto.FLOAT,
        "layer0.R": TensorProto.FLOAT,
        "layer0.B": TensorProto.FLOAT,
        "last_state.axis": TensorProto.INT64,
        "head.weight_bf16": TensorProto.BFLOAT16,
        "head.bias_bf16": TensorProto.BFLOAT16,
    }
    assert result.kept == (
        "GRU stays fp32: TensorRT mixes fp32 and bf16 where it takes one apart, and refuses it",
    )


def test_the_opset_is_raised_to_the_first_in_which_recurrent_operators_have_it(converted):
    assert converted("digits-lstm").model.opset_import[0].version == 22


RECURRENT = """
g (float[1, batch, 2] x) => (float[1, 1, batch, 1] y)
<float[1, 3, 2] w = {1, 2, 3, 4, 5, 6}, float[1, 3, 1] r = {1, 2, 3}>
{ y = GRU<hidden_size = 1>(x, w, r) }
"""
TRANSPOSED = """
g (float[batch, 1, 4, 4] x) => (float[batch, 1, 5, 5] y)
<float[1, 1, 2, 2] w = {1, 2, 3, 4}>
{ y = ConvTranspose(x, w) }
"""


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (RECURRENT, "must have same input types. But they are of types Float and BFloat16"),
        (TRANSPOSED, "Could not infer output types for operation"),
    ],
)
def test_what_is_kept_is_what_tensorrt_rtx_refuses(text, refusal, build_for):
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 22]>{text}')
    with pytest.raises(EngineError, match=refusal):
        build_for(to_half(model, BF16)[0], ("sm86",))
    assert build_for(bf16(model, Calibration(samples=(), method="MinMax")).model, ("sm86",))
