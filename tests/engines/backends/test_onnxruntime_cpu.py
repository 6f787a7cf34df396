from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.backends.onnxruntime_cpu import OnnxRuntimeCpu
from engines.contract import Device, Engine, EngineError, PreparedModel, Site
from engines.ort import wheels
from suites.case import Case

ort = pytest.importorskip("onnxruntime")

SITE = Site(device=Device(kind="cpu"), scratch=Path("unused"))


def case(**options):
    return Case(
        model="m",
        backend="onnxruntime-cpu",
        precision="fp32",
        batch=2,
        options=tuple(options.items()),
    )


def save(path, nodes, inputs, outputs, initializers=(), domains=()):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", 21), *(helper.make_opsetid(name, 1) for name in domains)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return PreparedModel(path=path, sha256="0" * 64)


def tensor(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


@pytest.fixture
def relu(tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="matmul"),
        helper.make_node("Relu", ["h"], ["y"], name="relu"),
        helper.make_node("Identity", ["x"], ["copy"], name="identity"),
    ]
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 4], np.eye(4).ravel())
    outputs = [tensor("y", "batch", 4), tensor("copy", "batch", 4)]
    return save(tmp_path / "m.onnx", nodes, [tensor("x", "batch", 4)], outputs, [weight])


def test_the_facts_count_the_nodes_per_provider(relu, tmp_path):
    backend = OnnxRuntimeCpu()
    engine = backend.build(relu, case(), tmp_path / "e", SITE)
    assert engine.facts["nodes:CPUExecutionProvider"] in (2, 3)
    with backend.open(engine, case(), {"x": np.ones((2, 4), np.float32)}, SITE) as session:
        (placed,) = session.facts().placement
        assert placed.provider == "CPUExecutionProvider"
        assert placed.nodes == engine.facts["nodes:CPUExecutionProvider"]


def test_every_host_option_is_set_on_the_session(relu, tmp_path):
    backend = OnnxRuntimeCpu()
    asked = case(threads=2, spinning=True, execution_mode="parallel", graph_optimization="basic")
    engine = backend.build(relu, asked, tmp_path / "e", SITE)
    with backend.open(engine, asked, {"x": np.ones((2, 4), np.float32)}, SITE) as session:
        options = session._session.get_session_options()
        assert options.intra_op_num_threads == 2
        assert options.inter_op_num_threads == 2
        assert options.execution_mode == ort.ExecutionMode.ORT_PARALLEL
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "1"
        assert session.facts().options == {
            "threads": 2,
            "spinning": True,
            "graph_optimization": "basic",
            "execution_mode": "parallel",
        }


def test_by_default_one_thread_runs_and_none_spins(relu, tmp_path):
    backend = OnnxRuntimeCpu()
    engine = backend.build(relu, case(), tmp_path / "e", SITE)
    with backend.open(engine, case(), {"x": np.ones((2, 4), np.float32)}, SITE) as session:
        options = session._session.get_session_options()
        assert options.intra_op_num_threads == 1
        assert options.inter_op_num_threads == 1
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize("level", ["disabled", "basic", "extended", "layout", "all"])
def test_the_engine_is_the_graph_as_far_as_it_was_optimized(relu, tmp_path, level):
    backend = OnnxRuntimeCpu()
    asked = case(graph_optimization=level)
    engine = backend.build(relu, asked, tmp_path / level, SITE)
    kinds = {node.op_type for node in onnx.load(engine.path).graph.node}
    assert kinds == {"MatMul", "Relu", "Identity"}
    inputs = {"x": np.array([[-1, 2, -3, 4]] * 2, np.float32)}
    with backend.open(engine, asked, inputs, SITE) as session:
        session.enqueue[0]()
        outputs = session.outputs()
    assert list(outputs) == ["y", "copy"]
    assert np.array_equal(outputs["y"], np.maximum(inputs["x"], 0))
    assert np.array_equal(outputs["copy"], inputs["x"])


def test_a_kernel_that_is_not_there_is_an_unsupported_op(tmp_path):
    nodes = [helper.make_node("Nope", ["x"], ["y"], domain="com.example")]
    model = save(
        tmp_path / "m.onnx", nodes, [tensor("x", 2)], [tensor("y", 2)], domains=["com.example"]
    )
    with pytest.raises(EngineError) as error:
        OnnxRuntimeCpu().build(model, case(), tmp_path / "e", SITE)
    assert error.value.kind == "unsupported-op"
    assert error.value.message == "com.example:Nope(-1) is not a registered function/op"
    assert error.value.hint == ("Try another backend, or another opset or precision of the model.")


def test_bytes_that_are_no_model_are_an_invalid_model(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(EngineError) as error:
        OnnxRuntimeCpu().build(PreparedModel(path=path, sha256="0"), case(), tmp_path / "e", SITE)
    assert error.value.kind == "invalid-model"
    assert error.value.message == "Protobuf parsing failed."


def test_a_shape_that_the_model_does_not_take_is_named(relu, tmp_path):
    backend = OnnxRuntimeCpu()
    engine = backend.build(relu, case(), tmp_path / "e", SITE)
    with backend.open(engine, case(), {"x": np.ones((2, 5), np.float32)}, SITE) as session:
        with pytest.raises(Exception, match="invalid dimensions") as raised:
            session.enqueue[0]()
        failure = backend.explain(raised.value)
    assert failure.kind == "shape-out-of-profile"
    assert "Got: 5 Expected: 4" in failure.message


def test_an_input_that_is_not_given_is_named(relu, tmp_path):
    backend = OnnxRuntimeCpu()
    engine = backend.build(relu, case(), tmp_path / "e", SITE)
    with (
        pytest.raises(EngineError) as error,
        backend.open(Engine(path=engine.path), case(), {"z": np.ones(1)}, SITE),
    ):
        pass
    assert error.value.message == "engine: expected an array for input 'x', got ['z']"


@pytest.mark.parametrize("precision", ["bf16", "tf32"])
def test_precisions_without_kernels_are_refused_with_what_there_is(precision):
    asked = Case(model="m", backend="onnxruntime-cpu", precision=precision, batch=1)
    assert OnnxRuntimeCpu().unsupported(asked, SITE.device) == (
        f"ONNX Runtime has no {precision} kernels on the CPU; use fp32 or fp16"
    )


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(wheels, "folder", lambda: None)
    assert OnnxRuntimeCpu().unavailable() == (
        "onnxruntime is not installed. Install dyno with the 'cpu' extra."
    )


def test_names_with_colons_quotes_spaces_and_slashes_are_bound(tmp_path):
    name, out = "a:0/b 'c' \"d\"", "out:0/y z"
    nodes = [helper.make_node("Relu", [name], [out])]
    model = save(tmp_path / "m.onnx", nodes, [tensor(name, 2)], [tensor(out, 2)])
    backend = OnnxRuntimeCpu()
    engine = backend.build(model, case(), tmp_path / "e", SITE)
    with backend.open(engine, case(), {name: np.array([-1, 1], np.float32)}, SITE) as session:
        session.enqueue[0]()
        assert session.outputs()[out].tolist() == [0.0, 1.0]


def test_the_optimized_graph_keeps_its_named_dimensions_so_all_batches_share_it(
    convolution, tmp_path
):
    backend, built = OnnxRuntimeCpu(), {}
    for batch in (1, 8):
        asked = replace(case(), batch=batch, dims=(("sequence", 16 * batch),))
        path = tmp_path / str(batch) / "engine"
        path.parent.mkdir()
        built[batch] = backend.build(convolution, asked, path, SITE).path
        shape = onnx.load(path).graph.input[0].type.tensor_type.shape
        assert shape.dim[0].dim_param == "batch"
    assert built[1].read_bytes() == built[8].read_bytes()
    for batch in (1, 8):
        rows = np.ones((batch, 16, 8, 8), np.float32)
        with backend.open(Engine(path=built[1]), case(), {"x": rows}, SITE) as session:
            session.enqueue[0]()
            assert session.outputs()["y"].shape == (batch, 16, 8, 8)
    keys = [backend.engine_key(replace(case(), batch=batch), SITE.device) for batch in (1, 8)]
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("options", "is_another"),
    [
        ({"threads": 2}, False),
        ({"spinning": True}, False),
        ({"execution_mode": "parallel"}, False),
        ({"graph_optimization": "basic"}, True),
        ({"graph_optimization": "all"}, False),
    ],
)
def test_only_options_that_change_the_graph_are_in_the_key(
    convolution, tmp_path, options, is_another
):
    backend, asked = OnnxRuntimeCpu(), case(**options)
    assert (
        backend.engine_key(asked, SITE.device) != backend.engine_key(case(), SITE.device)
    ) == is_another
    built = [
        backend.build(convolution, each, tmp_path / name, SITE).path.read_bytes()
        for name, each in (("a", case()), ("b", asked))
    ]
    assert (built[0] != built[1]) == is_another


@pytest.fixture
def convolution(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["h"], name="conv"),
        helper.make_node("Relu", ["h"], ["y"], name="relu"),
    ]
    weight = helper.make_tensor("w", TensorProto.FLOAT, [16, 16, 1, 1], [0.1] * 256)
    shape = ("batch", 16, 8, 8)
    return save(tmp_path / "c.onnx", nodes, [tensor("x", *shape)], [tensor("y", *shape)], [weight])


@pytest.mark.parametrize(
    ("level", "kinds"),
    [
        ("disabled", {"Conv", "Relu"}),
        ("basic", {"Conv", "Relu"}),
        ("extended", {"FusedConv"}),
    ],
)
def test_a_higher_level_fuses_more(convolution, tmp_path, level, kinds):
    engine = OnnxRuntimeCpu().build(
        convolution, case(graph_optimization=level), tmp_path / "e", SITE
    )
    assert {node.op_type for node in onnx.load(engine.path).graph.node} == kinds


def at(precision, **options):
    return replace(case(**options), precision=precision)


@pytest.fixture
def quantized(tmp_path):
    """Return what makes a model of two products, the first before a Relu, in a type's Q and DQ."""

    def make(kind):
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        tensors, nodes = [numpy_helper.from_array(np.zeros((), dtype), "zero")], []
        for k, given in enumerate(["x", "r0"]):
            weight = np.random.default_rng(k).normal(0, 10, (8, 8)).astype(dtype)
            tensors.append(numpy_helper.from_array(weight, f"w{k}"))
            tensors.append(numpy_helper.from_array(np.float32(0.05), f"s{k}"))
            scale = [f"s{k}", "zero"]
            nodes += [
                helper.make_node("QuantizeLinear", [given, *scale], [f"q{k}"]),
                helper.make_node("DequantizeLinear", [f"q{k}", *scale], [f"d{k}"]),
                helper.make_node("DequantizeLinear", [f"w{k}", *scale], [f"f{k}"]),
                helper.make_node("MatMul", [f"d{k}", f"f{k}"], [f"h{k}"]),
                helper.make_node("Relu", [f"h{k}"], [f"r{k}"]),
            ]
        nodes[-1] = helper.make_node("Sigmoid", ["h1"], ["y"])
        inputs, outputs = [tensor("x", "batch", 8)], [tensor("y", "batch", 8)]
        return save(tmp_path / "q.onnx", nodes, inputs, outputs, tensors)

    return make


def run(model, asked, path):
    """Return the session's facts and its output."""
    backend = OnnxRuntimeCpu()
    rows = np.random.default_rng(9).normal(0, 1, (2, 8)).astype(np.float32)
    engine = backend.build(model, asked, path, SITE)
    with backend.open(engine, asked, {"x": rows}, SITE) as session:
        session.enqueue[0]()
        return session.facts(), session.outputs()["y"]


def test_an_int8_graph_says_how_much_of_it_the_runtime_computes_in_int8(quantized, tmp_path):
    facts, _ = run(quantized(TensorProto.INT8), at("int8"), tmp_path / "e")
    assert facts.effective_precision is None
    assert facts.notes == ("1 of 2 matrix operators compute in int8; in fp32: 1 MatMul",)


def test_an_int8_graph_that_is_not_fused_computes_in_fp32(quantized, tmp_path):
    asked = at("int8", graph_optimization="basic")
    facts, _ = run(quantized(TensorProto.INT8), asked, tmp_path / "e")
    assert facts.effective_precision == "fp32"
    assert facts.notes == ("0 of 2 matrix operators compute in int8; in fp32: 2 MatMul",)


def test_fp8_computes_in_fp32_and_as_the_graph_says(quantized, tmp_path):
    model = quantized(TensorProto.FLOAT8E4M3FN)
    facts, found = run(model, at("fp8"), tmp_path / "e")
    _, plain = run(model, at("fp8", graph_optimization="disabled"), tmp_path / "p")
    assert facts.options["graph_optimization"] == "basic"
    assert facts.effective_precision == "fp32"
    assert facts.notes == ("0 of 2 matrix operators compute in fp8; in fp32: 2 MatMul",)
    np.testing.assert_allclose(found, plain, rtol=1e-6)


def test_fp8_is_optimized_less_by_default_which_makes_another_engine():
    backend = OnnxRuntimeCpu()
    keys = [backend.engine_key(at(name), SITE.device) for name in ("fp8", "fp8-fp16", "int8")]
    assert [key["graph_optimization"] for key in keys] == ["basic", "basic", "all"]


def test_fp8_is_refused_where_it_would_be_wrong():
    asked = at("fp8", graph_optimization="all")
    assert OnnxRuntimeCpu().unsupported(at("fp8"), SITE.device) is None
    assert OnnxRuntimeCpu().unsupported(asked, SITE.device) == (
        "graph_optimization=all makes ONNX Runtime take fp8 for int8 on the CPU; "
        "use basic or disabled"
    )


def test_4_bit_weights_are_multiplied_by_floats_and_never_by_int8(tmp_path):
    weight = helper.make_tensor("w", TensorProto.INT4, [32, 8], [1, -2] * 128)
    scale = numpy_helper.from_array(np.full((1, 8), 0.5, np.float32), "s")
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["f"], axis=0, block_size=32),
        helper.make_node("MatMul", ["x", "f"], ["y"], name="product"),
    ]
    model = save(
        tmp_path / "m.onnx", nodes, [tensor("x", 2, 32)], [tensor("y", 2, 8)], [weight, scale]
    )
    engine = OnnxRuntimeCpu().build(model, at("int4"), tmp_path / "e", SITE)
    (node,) = onnx.load(engine.path).graph.node
    assert node.op_type == "MatMulNBits"
    assert {a.name: a.i for a in node.attribute}["accuracy_level"] == 1
    rows = {"x": np.linspace(-3, 3, 64, dtype=np.float32).reshape(2, 32)}
    with OnnxRuntimeCpu().open(engine, at("int4"), rows, SITE) as session:
        session.enqueue[0]()
        facts, found = session.facts(), session.outputs()["y"]
    exact = rows["x"] @ (np.array([1, -2] * 128, np.float32).reshape(32, 8) * 0.5)
    np.testing.assert_allclose(found, exact, rtol=1e-5)
    assert facts.effective_precision is None
    assert facts.notes == ()
