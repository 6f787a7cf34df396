"""What ONNX Runtime's optimizer makes of biases on the CPU."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.backends.onnxruntime_cpu import OnnxRuntimeCpu
from engines.contract import Device, PreparedModel, Site
from engines.precision.recipe import Calibration
from engines.precision.recipes import RECIPES
from suites.case import Case

ort = pytest.importorskip("onnxruntime")

SITE = Site(device=Device(kind="cpu"), scratch=Path("unused"))
CASE = Case(model="m", backend="onnxruntime-cpu", precision="fp32", batch=2)


def tensor(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def quantized(path, *, recipe, tiny, relu=False):
    """Save a model whose first convolution has a large bias, at a precision; `tiny` weights in it.

    Returns it with inputs, and the answers of the graph as it is.
    """
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((8, 3, 3, 3), np.float32)
    weights[2] *= 1e-9 if tiny else 1
    arrays = {"w": weights, "b": rng.uniform(1, 2, 8).astype(np.float32)}
    arrays["v"] = rng.standard_normal((4, 8, 1, 1), np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["h"], name="first"),
        helper.make_node("Relu" if relu else "Identity", ["h"], ["r"], name="middle"),
        helper.make_node("Conv", ["r", "v"], ["y"], name="last"),
    ]
    weights = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    ends = [tensor("x", 2, 3, 8, 8)], [tensor("y", 2, 4, 6, 6)]
    graph = helper.make_graph(nodes, "g", *ends, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    rows = {"x": rng.standard_normal((2, 3, 8, 8), np.float32)}
    calibration = Calibration(samples=[rows], method="minmax")
    onnx.save(RECIPES[recipe].load()(model, calibration).model, path)
    settings = ort.SessionOptions()
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = ort.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    return PreparedModel(path=path, sha256="0" * 64), rows, plain.run(None, rows)[0]


def cosine(a, b):
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


@pytest.mark.parametrize("relu", [False, True], ids=["direct", "relu"])
@pytest.mark.parametrize("tiny", [False, True], ids=["plain", "tiny"])
@pytest.mark.parametrize("recipe", ["int8", "int8-fp16", "fp8", "fp8-fp16"])
def test_an_optimized_graph_gives_the_answers_of_the_graph_as_it_is(tmp_path, recipe, tiny, relu):
    model, rows, expected = quantized(tmp_path / "m.onnx", recipe=recipe, tiny=tiny, relu=relu)
    backend, asked = OnnxRuntimeCpu(), replace(CASE, precision=recipe)
    engine = backend.build(model, asked, tmp_path / "e", SITE)
    with backend.open(engine, asked, rows, SITE) as session:
        session.enqueue[0]()
        assert cosine(session.outputs()["y"], expected) > 0.9999


def test_biases_are_quantized_for_a_kernel_of_integers_and_only_where_they_fit(tmp_path):
    asked = replace(CASE, precision="int8")
    built = {}
    for name, given in {
        "fits": {"tiny": False},
        "overflows": {"tiny": True},
        "no kernel": {"tiny": False, "relu": True},
    }.items():
        model, _, _ = quantized(tmp_path / f"{name}.onnx", recipe="int8", **given)
        engine = OnnxRuntimeCpu().build(model, asked, tmp_path / name, SITE)
        weights = onnx.load(engine.path).graph.initializer
        rounded = any(weight.data_type == TensorProto.INT32 for weight in weights)
        built[name] = rounded, engine.facts.get("computes:int8:QLinearConv", 0)
    assert built == {"fits": (True, 1), "overflows": (False, 0), "no kernel": (False, 0)}


def test_the_key_of_an_engine_tells_whether_its_biases_were_kept():
    kept = {
        precision: OnnxRuntimeCpu().engine_key(replace(CASE, precision=precision), SITE.device)
        for precision in ("int8", "int8-scan", "int8-fp16", "fp8-fp16", "fp32")
    }
    assert {name: key["keeps_biases"] for name, key in kept.items()} == {
        "int8": False,
        "int8-scan": False,
        "int8-fp16": True,
        "fp8-fp16": True,
        "fp32": True,
    }
