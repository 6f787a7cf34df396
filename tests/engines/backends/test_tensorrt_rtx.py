"""Real plans of the real TensorRT-RTX, which builds them without a device."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

import suites
from engines.backends.tensorrt_rtx import TensorRtRtx
from engines.contract import Device, EngineError, PreparedModel, Site
from engines.trt.flavour import RTX
from suites.case import Case
from suites.models.builtin import builtins, get, resolve
from suites.models.ceilings import ceiling

trt = pytest.importorskip("tensorrt_rtx")

TARGETS = ("sm86", "sm89", "sm120")
DIGITS = Path(suites.__file__).parent / "library" / "trained" / "digits_lstm.onnx"


@cache
def data_of(name):
    builtin = get(name)
    return builtin.build(resolve(builtin, {})).SerializeToString(deterministic=True)


@pytest.fixture
def build(tmp_path):
    """Return a function that builds a model for a target."""

    def run(model, sm="sm86", *, dims=(), precision="fp32", **options):
        case = Case(
            model="m",
            backend="tensorrt-rtx",
            precision=precision,
            batch=2,
            dims=tuple(dims),
            options=tuple(options.items()),
        )
        site = Site(device=Device(kind="cuda", sm=sm), scratch=tmp_path)
        return TensorRtRtx().build(model, case, tmp_path / "plan", site)

    return run


@pytest.fixture
def save(tmp_path):
    """Return a function that writes a model of one node."""

    def write(node, inputs, outputs, initializers=()):
        graph = helper.make_graph([node], "g", inputs, outputs, list(initializers))
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.example", 1)]
        path = tmp_path / "model.onnx"
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
        return PreparedModel(path=path, sha256="0" * 64)

    return write


def tensor(name, *shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def refusal(call):
    with pytest.raises(EngineError) as error:
        call()
    return error.value.kind, error.value.message, error.value.hint


@pytest.mark.parametrize("sm", TARGETS)
@pytest.mark.parametrize("name", [name for name in builtins() if not ceiling(name)])
def test_every_built_in_model_builds_for_every_target(name, sm, build, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(data_of(name))
    builtin = get(name)
    signature = builtin.signature(resolve(builtin, {}))
    model = PreparedModel(path=path, sha256="0" * 64)
    engine = build(model, sm, dims=signature.defaults)
    assert engine.path.stat().st_size > 100_000
    assert engine.facts["network_layers"] > 10


@pytest.mark.parametrize("sm", TARGETS)
def test_the_trained_lstm_builds_for_every_target(sm, build):
    engine = build(PreparedModel(path=DIGITS, sha256="0" * 64), sm)
    assert engine.path.stat().st_size > 100_000


@pytest.fixture
def product(save):
    """A model that multiplies its input by a constant matrix."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 4], range(16))
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    return save(node, [tensor("x", "batch", 4)], [tensor("y", "batch", 4)], [weight])


def test_a_plan_is_built_the_same_each_time(product, build):
    first = build(product).path.read_bytes()
    assert build(product).path.read_bytes() == first
    assert build(product, "sm89").path.read_bytes() != first


@pytest.mark.parametrize(
    "options",
    [{"workspace": 1 << 30}, {"aux_streams": 2}, {"max_batch": 8}, {"precision": "tf32"}],
)
def test_every_option_of_a_build_is_taken(product, build, options):
    assert build(product, **options).path.stat().st_size > 10_000


def test_too_little_workspace_says_what_to_change(product, build):
    kind, message, hint = refusal(lambda: build(product, workspace=1 << 20))
    assert kind == "build"
    assert "no tactics to implement the operation within workspace limit" in message
    assert hint == "Allow a larger `workspace`, or 0 for no limit."


def test_the_targets_are_those_that_the_module_has():
    known = {name.lower() for name in trt.ComputeCapability.__members__} - {"none", "current"}
    assert set(RTX.targets) == known


def test_a_target_that_it_does_not_know_is_refused(product, build):
    assert TensorRtRtx().cannot_build(Device(kind="cuda", sm="sm90")) == (
        "TensorRT-RTX builds for sm75, sm80, sm86, sm89, sm120, sm121, not for sm90"
    )
    assert TensorRtRtx().cannot_build(Device(kind="cuda")) == (
        "there is no device to build for; name one of sm75, sm80, sm86, sm89, sm120, sm121"
    )
    assert TensorRtRtx().cannot_build(Device(kind="cuda", sm="sm86")) is None
    assert refusal(lambda: build(product, "sm90")) == (
        "build",
        f"tensorrt_rtx {trt.__version__} has no target 'sm90'",
        "Choose another target, or install a newer version.",
    )


def test_a_target_without_the_kernels_says_so(product, build):
    kind, message, hint = refusal(lambda: build(product, "sm75"))
    assert kind == "unsupported-op"
    assert "FP32 GEMM is not supported" in message
    assert "\n" not in message
    assert hint == (
        "The device has no kernels of that precision: use fp16 or int8, or a newer device."
    )


def test_an_operator_of_another_domain_is_named_with_its_node(save, build):
    node = helper.make_node("Nope", ["x"], ["y"], domain="com.example", name="bad")
    model = save(node, [tensor("x", 2)], [tensor("y", 2)])
    assert refusal(lambda: build(model)) == (
        "unsupported-op",
        (
            "node 'bad' (Nope): Plugin not found, are the plugin name, version, and namespace "
            "correct?"
        ),
        "Try another backend, or another opset or precision of the model.",
    )


def test_an_operator_that_the_parser_knows_and_does_not_take_is_named(save, build):
    weight = helper.make_tensor("w", TensorProto.UINT8, [4, 4], range(16))
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"], name="integers")
    model = save(
        node,
        [tensor("x", "batch", 4, kind=TensorProto.UINT8)],
        [tensor("y", "batch", 4, kind=TensorProto.INT32)],
        [weight],
    )
    assert refusal(lambda: build(model)) == (
        "unsupported-op",
        "node 'integers' (MatMulInteger): TensorRT does not take this operator",
        "Try another backend, or another opset or precision of the model.",
    )


def test_text_is_refused(save, build):
    node = helper.make_node("Identity", ["x"], ["y"])
    kinds = TensorProto.STRING
    model = save(node, [tensor("x", 2, kind=kinds)], [tensor("y", 2, kind=kinds)])
    kind, message, _ = refusal(lambda: build(model))
    assert kind == "unsupported-op"
    assert message == "input 'x': Failed to convert ONNX date type to TensorRT data type."


def test_integers_and_booleans_are_inputs_as_they_are(save, build):
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT)
    for kind, name in (
        (TensorProto.INT64, "INT64"),
        (TensorProto.UINT8, "UINT8"),
        (TensorProto.BOOL, "BOOL"),
    ):
        model = save(node, [tensor("x", "batch", kind=kind)], [tensor("y", "batch")])
        assert build(model).facts["input:x"] == f"{name} [?]"


def test_an_input_that_is_a_shape_has_its_values_in_the_profile(save, build):
    node = helper.make_node("Expand", ["x", "length"], ["y"], name="expand")
    shape = tensor("length", 2, kind=TensorProto.INT64)
    model = save(node, [tensor("x", 1, 1), shape], [tensor("y", "a", "b")])
    assert build(model, dims=[("length", 8)]).path.stat().st_size > 10_000


def test_a_file_that_is_no_model_is_invalid(tmp_path, build):
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"not a model")
    assert refusal(lambda: build(PreparedModel(path=path, sha256="0"))) == (
        "invalid-model",
        "Failed to parse the ONNX model.",
        "Check the file with onnx.checker.",
    )


def test_dimensions_that_the_model_does_not_take_are_told(product, build):
    kind, message, _ = refusal(lambda: build(replace(product, dims={"x": ("batch", 5)})))
    assert kind == "shape-out-of-profile"
    assert message == (
        "API Usage Error (Dimension mismatch for tensor x and profile 0. At dimension axis 1, "
        "profile has min=5, opt=5, max=5 but tensor has 4)"
    )


@pytest.mark.parametrize("data", [b"garbage" * 100, b"ftrt" + bytes(1000)])
def test_bytes_that_are_no_plan_are_refused(data, tmp_path):
    from engines.trt.messages import Messages
    from engines.trt.runtime import load_engine

    path = tmp_path / "plan"
    path.write_bytes(data)
    kind, message, hint = refusal(lambda: load_engine(trt, path, Messages(trt)))
    assert kind == "build"
    assert message.startswith(f"tensorrt_rtx {trt.__version__} does not take the plan: ")
    assert hint == "It is from another GPU, driver or version, or damaged: have it built again."
