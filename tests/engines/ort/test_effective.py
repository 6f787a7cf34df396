import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.backends.onnxruntime_cpu import PROVIDERS, OnnxRuntimeCpu
from engines.contract import Device, PreparedModel, Site
from engines.ort.effective import (
    FLOAT_OPS,
    INTEGER_OPS,
    Computed,
    Effective,
    assigned_counts,
    effective,
    effective_of,
    facts_of,
)
from engines.ort.placement import Assigned
from engines.precision.recipe import Calibration
from engines.precision.recipes import RECIPES
from suites.case import Case
from suites.models import builtin

ort = pytest.importorskip("onnxruntime")

TYPES = {"float": "fp32", "float16": "fp16"}


def counts(**types):
    """Return counts of operators by type: `int8="2 QGemm"`."""
    found = Computed()
    for name, told in types.items():
        for each in told.split(", "):
            count, op = each.split()
            found[name, op] = int(count)
    return found


@pytest.mark.parametrize(
    ("precision", "found"),
    [
        ("fp32", counts(fp32="2 MatMul")),
        ("fp16", counts(fp16="2 MatMul")),
        ("int8", counts(int8="1 QGemm, 1 QLinearConv")),
        ("int8-fp16", counts(int8="1 QGemm")),
        ("int8-dynamic", counts(int8="1 DynamicQuantizeLSTM")),
        ("bf16", counts(fp32="1 MatMul")),
        ("int8", Computed()),
        ("int8", counts(int8="1 QGemm", unknown="1 MatMul")),
    ],
)
def test_nothing_is_told_where_all_is_as_asked_or_not_known(precision, found):
    assert effective(precision, found) == Effective(precision=None)


@pytest.mark.parametrize(
    ("precision", "found", "instead", "note"),
    [
        (
            "fp16",
            counts(fp32="2 FusedGemm, 1 LSTM"),
            "fp32",
            "0 of 3 matrix operators compute in fp16; in fp32: 2 FusedGemm, 1 LSTM",
        ),
        (
            "int8",
            counts(int8="3 QGemm", fp32="2 LSTM"),
            None,
            "3 of 5 matrix operators compute in int8; in fp32: 2 LSTM",
        ),
        (
            "int8-fp16",
            counts(int8="2 QGemm", fp16="1 MatMul", fp32="1 LSTM"),
            None,
            "2 of 4 matrix operators compute in int8; in fp16: 1 MatMul; in fp32: 1 LSTM",
        ),
        (
            "int8",
            counts(int8="1 QGemm", fp32="13 FusedConv, 2 Conv"),
            "fp32",
            "1 of 16 matrix operators compute in int8; in fp32: 2 Conv, 13 FusedConv",
        ),
        (
            "int8",
            counts(int8="1 QGemm", fp16="1 Conv", fp32="2 LSTM"),
            "fp32",
            "1 of 4 matrix operators compute in int8; in fp16: 1 Conv; in fp32: 2 LSTM",
        ),
        (
            "int8-fp16",
            counts(int8="1 QGemm", fp16="2 LSTM"),
            "fp16",
            "1 of 3 matrix operators compute in int8; in fp16: 2 LSTM",
        ),
        (
            "int8-fp16",
            counts(int8="1 QGemm", fp32="1 LSTM"),
            "int8",
            "1 of 2 matrix operators compute in int8; in fp32: 1 LSTM",
        ),
        (
            "int8-fp16",
            counts(fp16="1 Conv"),
            "fp16",
            "0 of 1 matrix operators compute in int8; in fp16: 1 Conv",
        ),
        (
            "fp8",
            counts(fp32="1 Conv"),
            "fp32",
            "0 of 1 matrix operators compute in fp8; in fp32: 1 Conv",
        ),
    ],
)
def test_what_computes_otherwise_is_counted_and_named(precision, found, instead, note):
    assert effective(precision, found) == Effective(precision=instead, notes=(note,))


@pytest.mark.parametrize(
    ("precision", "rest"),
    [("int8", "fp32"), ("int8-fp16", "fp16"), ("fp8", "fp32"), ("fp16", "fp16")],
)
def test_of_nodes_that_nothing_converts_between_the_operator_tells_the_type(precision, rest):
    ops = ("Conv", "MatMulInteger", "DequantizeLinear", "Conv", "Relu")
    nodes = [Assigned(provider="CUDAExecutionProvider", name="", op=op) for op in ops]
    assert assigned_counts(precision, nodes) == {(rest, "Conv"): 2, ("int8", "MatMulInteger"): 1}


def test_weights_of_4_bits_that_are_unpacked_apart_are_counted():
    facts = {
        "nodes:CPUExecutionProvider": 7,
        "computes:fp32:MatMul": 2,
        "computes:fp32:MatMulNBits": 1,
        "int4:DequantizeLinear": 2,
        "int4:MatMulNBits": 1,
    }
    note = (
        "2 nodes unpack 4-bit weights into floats in every query; "
        "1 of 3 matrix operators read them packed"
    )
    assert effective_of("int4", facts) == Effective(precision=None, notes=(note,))


def test_weights_of_4_bits_that_are_all_read_packed_need_no_note():
    facts = {"computes:fp32:MatMulNBits": 1, "int4:MatMulNBits": 1}
    assert effective_of("int4", facts) == Effective(precision=None)


@pytest.mark.parametrize(("bits", "kept"), [(4, {"int4:MatMulNBits": 1}), (8, {})])
def test_only_blocks_of_4_bits_are_weights_of_4_bits(bits, kept, tmp_path):
    node = helper.make_node("MatMulNBits", ["x", "w", "s"], ["y"], bits=bits)
    weights = [
        numpy_helper.from_array(np.ones((2, 1, 16), np.uint8), "w"),
        numpy_helper.from_array(np.ones((2, 1), np.float32), "s"),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy")
    model = helper.make_model(helper.make_graph([node], "g", [x], [y], weights))
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    assert facts_of(path) == {"computes:fp32:MatMulNBits": 1, **kept}


def test_a_graph_that_lost_its_4_bit_weights_is_an_fp32_one():
    note = "the graph holds no 4-bit weights any more"
    found = effective_of("int4", {"computes:fp32:MatMul": 2})
    assert found == Effective(precision="fp32", notes=(note,))


def test_an_engine_without_facts_tells_nothing():
    assert effective_of("int4", {}) == effective_of("int8", {}) == Effective(precision=None)


def test_every_operator_that_is_looked_for_is_one_of_the_runtime():
    from onnxruntime.capi.onnxruntime_pybind11_state import get_all_operator_schema

    known = {schema.name for schema in get_all_operator_schema()}
    assert not (FLOAT_OPS | INTEGER_OPS) - known - CHANGING
    assert not FLOAT_OPS & INTEGER_OPS


CHANGING = {"CausalConvWithState", "LinearAttention", "MatMulBnb4", "NhwcConv", "SparseAttention"}
"""Operators of the runtime's own that some versions have and others do not."""


@pytest.mark.parametrize(
    ("model", "precision"),
    [
        ("lstm", "fp16"),
        ("gru", "int8-fp16"),
        ("gru", "int8-scan"),
        ("stacked-lstm", "int8-scan"),
        ("mlp", "int8"),
        ("mlp", "int8-dynamic"),
        ("mlp", "fp8"),
        ("transformer", "int8"),
        ("transformer", "int8-fp16"),
        ("transformer", "fp16"),
        ("transformer", "int4"),
    ],
)
def test_the_types_are_those_that_the_runtime_s_own_profile_tells(model, precision, tmp_path):
    case = Case(model=model, backend="onnxruntime-cpu", precision=precision, batch=2)
    made = builtin.get(model)
    graph = made.build({parameter.name: small(parameter) for parameter in made.parameters})
    rows = inputs(graph)
    converted = RECIPES[precision].load()(graph, Calibration(samples=[rows], method="minmax"))
    path = tmp_path / "m.onnx"
    path.write_bytes(converted.model.SerializeToString())
    site = Site(device=Device(kind="cpu"), scratch=tmp_path)
    prepared = PreparedModel(path=path, sha256="0" * 64)
    engine = OnnxRuntimeCpu().build(prepared, case, tmp_path / "engine", site)
    told = {name: count for name, count in engine.facts.items() if name.startswith("computes:")}
    assert told == profiled(engine.path, rows, tmp_path)


def small(parameter):
    return max(parameter.minimum, min(parameter.default, 32))


def inputs(graph):
    """Return arrays for the graph's inputs, every named dimension 4."""
    import onnx

    rng, arrays = np.random.default_rng(0), {}
    for value in graph.graph.input:
        tensor = value.type.tensor_type
        shape = [dim.dim_value or 4 for dim in tensor.shape.dim]
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        arrays[value.name] = rng.uniform(0, 2, shape).astype(kind)
    return arrays


def profiled(path, rows, folder):
    """Return what the facts should be, from the types that ONNX Runtime records as it runs."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    session = ort.InferenceSession(str(path), options, providers=PROVIDERS)
    session.run(None, rows)
    seen = {}
    for event in json.loads(Path(session.end_profiling()).read_text(encoding="utf-8")):
        op = event.get("args", {}).get("op_name", "")
        if op in FLOAT_OPS:
            kinds = [next(iter(each)) for each in event["args"]["input_type_shape"]]
            seen[event["name"]] = f"computes:{TYPES[kinds[0]]}:{op}"
        elif op in INTEGER_OPS:
            seen[event["name"]] = f"computes:int8:{op}"
    return {fact: list(seen.values()).count(fact) for fact in seen.values()}
