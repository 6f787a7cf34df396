import gc
import hashlib
import weakref

import pytest
from onnx import TensorProto, helper

from engines.backends.tensorrt import TensorRt
from engines.backends.tensorrt_rtx import TensorRtRtx
from engines.contract import Device, EngineError, PreparedModel
from engines.trt.messages import Messages


@pytest.fixture
def built(add, case, site, tmp_path, standing_in):
    """Return a function that builds a model with TensorRT's stand-in."""
    standing_in()

    def build(model=add, backend=None, place=site, **told):
        backend = backend or TensorRt()
        return backend.build(model, case(backend.name, **told), tmp_path / "plan", place)

    return build


def refusal(call):
    with pytest.raises(EngineError) as error:
        call()
    return error.value.kind, error.value.message, error.value.hint


def test_the_facts_have_layers_memory_and_tensors(built):
    engine = built()
    assert dict(engine.facts) == {
        "sha256": hashlib.sha256(engine.path.read_bytes()).hexdigest(),
        "network_layers": 1,
        "input:x": "FLOAT [?, 4]",
        "output:y": "FLOAT [?, 4]",
        "warm_timing_cache": False,
        "layers": 1,
        "device_bytes": 1 << 20,
    }


def test_a_refused_build_frees_its_builder_while_the_error_is_held(built, monkeypatch):
    """Else it is freed whenever garbage is collected, in the log of a build that holds its lock."""
    import tensorrt

    builders = []
    create = tensorrt.Builder.create_network

    def noted(self, flags=0):
        builders.append(weakref.ref(self))
        return create(self, flags)

    monkeypatch.setattr(tensorrt.Builder, "create_network", noted)
    with pytest.raises(EngineError) as error:
        built(batch=2, min_batch=4, max_batch=8)
    assert error.value.__traceback__ is not None
    assert [builder() for builder in builders] == [None]


def test_the_same_case_gives_the_same_bytes(built):
    first = built().path.read_bytes()
    assert built().path.read_bytes() == first


def test_fp32_is_built_without_tf32_and_tf32_with_it(built):
    assert b'"tf32": false' in built().path.read_bytes()
    assert b'"tf32": true' in built(precision="tf32").path.read_bytes()


def test_the_profile_is_the_cases_shape_alone(built):
    assert b'"profile": {"x": [[2, 4], [2, 4], [2, 4]]}' in built().path.read_bytes()


def test_the_profile_can_be_the_suites(built):
    plan = built(min_batch=1, opt_batch=8, max_batch=32).path.read_bytes()
    assert b'"profile": {"x": [[1, 4], [8, 4], [32, 4]]}' in plan


def test_settings_reach_the_builder(built, monkeypatch):
    built()
    import tensorrt

    made = []
    original = tensorrt.Builder.build_serialized_network

    def spy(self, network, config):
        made.append(config)
        return original(self, network, config)

    monkeypatch.setattr(tensorrt.Builder, "build_serialized_network", spy)
    built(workspace=4096, aux_streams=0, optimization_level=5)
    built()
    first, second = made
    assert (first._pools, first.max_aux_streams) == ({"WORKSPACE": 4096}, 0)
    assert first.builder_optimization_level == 5
    assert (second._pools, second.max_aux_streams) == ({}, -1)
    assert second.builder_optimization_level == 3


def test_what_the_builder_measured_is_kept_for_the_next_build(built, site):
    assert built().facts["warm_timing_cache"] is False
    (kept,) = site.scratch.iterdir()
    assert kept.name == "timing-sm90-580.65.06-11.4.0.106"
    assert kept.read_bytes() == b"11.4.0.106 tactics"
    assert built().facts["warm_timing_cache"] is True


def test_a_timing_cache_that_is_refused_is_made_anew(built, site):
    path = site.scratch / "timing-sm90-580.65.06-11.4.0.106"
    path.write_bytes(b"10.13.3.9 tactics")
    assert built().facts["warm_timing_cache"] is False
    assert path.read_bytes() == b"11.4.0.106 tactics"


def test_without_the_option_nothing_is_kept(built, site):
    assert built(timing_cache=False).facts["warm_timing_cache"] is False
    assert list(site.scratch.iterdir()) == []


def test_a_builder_that_gives_up_tells_its_first_error(built, standing_in):
    standing_in(fail="tensorrt-build")
    assert refusal(built) == (
        "build",
        "Internal Error (Could not find any implementation for node add.)",
        "",
    )


def test_without_a_driver_the_environment_is_to_blame(built, monkeypatch, standing_in):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    standing_in()
    kind, message, hint = refusal(built)
    assert (kind, hint) == (
        "environment",
        "Install a driver that is as new as the runtime's CUDA.",
    )
    assert "CUDA driver version is insufficient for CUDA runtime version" in message


def test_a_network_that_is_not_strongly_typed_is_refused(built, monkeypatch):
    built()
    import tensorrt

    monkeypatch.setattr(tensorrt.INetworkDefinition, "get_flag", lambda *_: False)
    assert refusal(built) == (
        "build",
        "tensorrt 11.4.0.106 did not make a strongly typed network",
        "Install a newer version: precision is the graph's, and no other is measured.",
    )


def test_rtx_builds_for_a_device_that_is_not_here(built, site):
    ahead = Device(kind="cuda", sm="sm86")
    engine = built(backend=TensorRtRtx(), place=type(site)(device=ahead, scratch=site.scratch))
    assert b'"sm": "sm86"' in engine.path.read_bytes()
    assert sorted(engine.facts) == ["input:x", "network_layers", "output:y", "sha256"]
    assert list(site.scratch.iterdir()) == []


def test_a_dimension_without_a_name_is_refused_with_what_to_do(built, save, tensor):
    node = helper.make_node("Relu", ["x"], ["y"])
    model = save([node], [tensor("x", None, "time", 4)], [tensor("y", None, "time", 4)])
    assert refusal(lambda: built(model)) == (
        "shape-out-of-profile",
        "input 'x': expected every dimension to be a size or a name among batch, got [?, time, 4]",
        "Name or fix its dimensions with the model's `dims`.",
    )


def test_the_suites_dimensions_override_the_files(built, save, tensor):
    node = helper.make_node("Relu", ["x"], ["y"])
    model = save(
        [node],
        [tensor("x", None, "T", 4)],
        [tensor("y", None, "T", 4)],
        dims={"x": ("batch", "2*time+1", 4)},
    )
    plan = built(model, dims=[("time", 3)]).path.read_bytes()
    assert b'"x": [[2, 7, 4], [2, 7, 4], [2, 7, 4]]' in plan


def test_dimensions_that_the_model_does_not_take_are_told(built, save, tensor):
    node = helper.make_node("Relu", ["x"], ["y"])
    told = {"x": ("batch", 5)}
    model = save([node], [tensor("x", "batch", 4)], [tensor("y", "batch", 4)], dims=told)
    kind, message, _ = refusal(lambda: built(model))
    assert kind == "shape-out-of-profile"
    assert message.startswith("API Usage Error (Dimension mismatch for tensor x and profile 0.")
    assert message.endswith("profile has min=5, opt=5, max=5 but tensor has 4)")


@pytest.fixture
def expand(save, tensor):
    def make(**told):
        node = helper.make_node("Expand", ["x", "length"], ["y"], name="expand")
        shape = tensor("length", 2, kind=TensorProto.INT64)
        return save([node], [tensor("x", "batch", 1), shape], [tensor("y", "a", "b")], **told)

    return make


@pytest.mark.parametrize(
    ("told", "dims", "value"),
    [({}, [("length", 7)], 7), ({"values": {"length": 5}}, [("length", 7)], 5)],
)
def test_the_values_of_a_shape_are_the_suites_or_its_dimensions(built, expand, told, dims, value):
    plan = built(expand(**told), dims=dims).path.read_bytes()
    assert f'"length": [[{value}, {value}], [{value}, {value}]'.encode() in plan


def test_a_shape_whose_values_nobody_knows_is_refused(built, expand):
    assert refusal(lambda: built(expand())) == (
        "shape-out-of-profile",
        (
            "input 'length' is a shape: expected its value to be known when the plan is built, "
            "got none"
        ),
        "Give it one number under the model's `inputs`, such as {value: 16}.",
    )


def test_a_file_that_is_no_model_is_invalid(built, tmp_path):
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"not a model")
    assert refusal(lambda: built(PreparedModel(path=path, sha256="0"))) == (
        "invalid-model",
        "Failed to parse the ONNX model.",
        "Check the file with onnx.checker.",
    )


def product(save, tensor, *, scale=0.1, zero=0, bias=None, kind=TensorProto.INT8):
    """Save x · w with both factors through Q/DQ, and a bias of that type through a DQ."""
    given = [
        helper.make_tensor("s", TensorProto.FLOAT, [], [scale]),
        helper.make_tensor("z", kind, [], [zero]),
        helper.make_tensor("w", kind, [4, 4], [1] * 16),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="x_q"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["xd"], name="x_dq"),
        helper.make_node("DequantizeLinear", ["w", "s"], ["wd"], name="w_dq"),
    ]
    factors = ["xd", "wd"]
    if bias is not None:
        given.append(helper.make_tensor("b", bias, [4], [1] * 4))
        nodes.append(helper.make_node("DequantizeLinear", ["b", "s"], ["bd"], name="b_dq"))
        factors.append("bd")
    nodes.append(helper.make_node("Gemm", factors, ["y"], name="fc"))
    return save(nodes, [tensor("x", "batch", 4)], [tensor("y", "batch", 4)], given)


REFUSED = [
    (
        {"bias": TensorProto.INT32},
        "node 'b_dq' (DequantizeLinear): ",
        "b_dq: input has type Int32 but must have type FP8, FP4, Int4, Int8, or UInt8",
        "Quantize the model without its biases (QuantizeBias=False).",
    ),
    (
        {"zero": 3},
        "node 'x_q' (QuantizeLinear): ",
        "Non-zero zero point is not supported",
        "Quantize activations symmetrically.",
    ),
    (
        {"scale": 0.0},
        "node 'x_q' (QuantizeLinear): ",
        "Scale coefficients must all be positive",
        "Quantize without scales of 0: leave out what was 0 in every sample.",
    ),
]


@pytest.fixture(params=["stand-in", "real"])
def runtime(request):
    """Return the backend of TensorRT-RTX, over the real one or its stand-in."""
    if request.param == "stand-in":
        request.getfixturevalue("standing_in")(sm="sm86")
    else:
        pytest.importorskip("tensorrt_rtx")
    return TensorRtRtx()


@pytest.fixture
def built_for(runtime, case, site, tmp_path):
    def build(model, precision, sm="sm86"):
        place = type(site)(device=Device(kind="cuda", sm=sm), scratch=site.scratch)
        return runtime.build(model, case(runtime.name, precision=precision), tmp_path / "p", place)

    return build


@pytest.mark.parametrize(("given", "node", "reason", "hint"), REFUSED)
def test_quantization_that_tensorrt_does_not_take_is_told_by_node_and_remedy(
    built_for, save, tensor, given, node, reason, hint
):
    kind, message, told = refusal(lambda: built_for(product(save, tensor, **given), "int8"))
    assert (kind, told) == ("unsupported-op", hint)
    assert message.startswith(node)
    assert reason in message


def test_operators_that_quantize_at_run_time_are_told_by_name(built_for, save, tensor):
    names = ["q", "qs", "qz"]
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], names, name="dynamic"),
        helper.make_node("DequantizeLinear", names, ["y"], name="back"),
    ]
    model = save(nodes, [tensor("x", "batch", 4)], [tensor("y", "batch", 4)])
    assert refusal(lambda: built_for(model, "int8-dynamic")) == (
        "unsupported-op",
        "node 'dynamic' (DynamicQuantizeLinear): TensorRT does not take this operator",
        "Try another backend, or another opset or precision of the model.",
    )


def test_fp8_is_built_from_sm89_on_and_told_below_it(built_for, save, tensor):
    model = product(save, tensor, kind=TensorProto.FLOAT8E4M3FN)
    kind, message, hint = refusal(lambda: built_for(model, "fp8", "sm86"))
    assert (kind, hint) == (
        "unsupported-op",
        "The device has no kernels of that precision: use fp16 or int8, or a newer device.",
    )
    assert "sm86, because the model contains HW-specific datatypes: fp8_e4m3" in message
    assert built_for(model, "fp8", "sm89").path.stat().st_size


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "int8", "fp8-fp16"])
@pytest.mark.parametrize("version", ["10.13", "11.4"])
def test_every_network_is_strongly_typed_and_tf32_is_the_precision_s_own(
    standing_in, add, case, site, tmp_path, version, precision
):
    standing_in(version=version, sm="sm89")
    import tensorrt

    typed = []
    create = tensorrt.Builder.create_network

    def noted(self, flags=0):
        network = create(self, flags)
        typed.append(network.get_flag(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
        return network

    tensorrt.Builder.create_network = noted
    asked = case("tensorrt", precision=precision)
    engine = TensorRt().build(add, asked, tmp_path / "plan", site)
    assert typed == [True]
    told = b'"tf32": true' if precision == "tf32" else b'"tf32": false'
    assert told in engine.path.read_bytes()


def test_no_garbage_is_collected_while_the_runtime_may_call_the_logger(
    built_for, save, tensor, monkeypatch
):
    seen, real = [], Messages.add

    def add(messages, *said):
        seen.append(gc.isenabled())
        real(messages, *said)

    monkeypatch.setattr(Messages, "add", add)
    model = product(save, tensor, zero=3)
    refusal(lambda: built_for(model, "int8"))

    assert seen
    assert not any(seen)
    assert gc.isenabled()
