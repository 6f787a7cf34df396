from dataclasses import replace

import pytest

from engines import registry
from engines.contract import Device
from harness.baseline.site import (
    BaselineError,
    backends_of,
    check_versions,
    cpu_identity,
    identity,
    needed,
)
from harness.machine.reading import Tree
from harness.paired.interpreter import Interpreter

CUDA = ("cuda-bindings", "nvidia-cublas", "pycuda", "tensorrt", "tensorrt-rtx-cu13-libs")
VERSIONS = {"numpy": "2.4.6", "onnxruntime": "1.30.0", "python": "3.11.7"}


def interpreter(**versions):
    found = {name: told for name, told in {**VERSIONS, **versions}.items() if told}
    return Interpreter(python="/venv/bin/python", versions=found, missing={})


def problem(baseline, found):
    with pytest.raises(BaselineError) as caught:
        check_versions(baseline, found)
    return str(caught.value)


@pytest.fixture
def on_cpu(made, keep):
    """A baseline of one case on ONNX Runtime's CPU backend."""
    pinned = keep()
    return made.baseline(replace(pinned, case=replace(pinned.case, backend="onnxruntime-cpu")))


def test_the_versions_that_were_pinned_pass(on_cpu):
    check_versions(on_cpu, interpreter())


def test_an_environment_that_was_upgraded_is_told_with_both_versions(on_cpu):
    assert problem(on_cpu, interpreter(onnxruntime="1.31.1")) == (
        "main: expected onnxruntime 1.30.0 in /venv/bin/python as pinned, got 1.31.1. "
        "Restore that environment, or pin anew with 'dyno baseline rebase main SUITE --anew'."
    )


def test_what_is_gone_or_came_is_told_too(on_cpu, made):
    assert problem(on_cpu, interpreter(onnxruntime="")) == (
        "main: expected onnxruntime 1.30.0 in /venv/bin/python as pinned, got nothing. "
        "Restore that environment, or pin anew with 'dyno baseline rebase main SUITE --anew'."
    )
    found = interpreter(**{"onnxruntime": "", "onnxruntime-gpu": "1.30.0"})

    assert problem(made.baseline(suite=""), found) == (
        "main: expected onnxruntime 1.30.0, onnxruntime-gpu missing in /venv/bin/python as pinned, "
        "got onnxruntime missing, onnxruntime-gpu 1.30.0. "
        "Restore that environment, or pin it under another name."
    )


def test_what_the_pinned_backends_do_not_need_may_change(on_cpu):
    check_versions(on_cpu, interpreter(**{"cuda-bindings": "13.0.1", "tensorrt": "10.14"}))


@pytest.mark.parametrize(
    ("backends", "counted"),
    [
        ((), {"numpy"}),
        (("fake", "gone"), {"numpy"}),
        (("onnxruntime-cpu",), {"numpy", "onnxruntime", "onnxruntime-gpu"}),
        (("fake", "onnxruntime-cuda"), {"numpy", "onnxruntime", "onnxruntime-gpu", *CUDA}),
        (("tensorrt",), {"numpy", *CUDA}),
        (("tensorrt-rtx",), {"numpy", *CUDA}),
    ],
)
def test_backends_need_their_runtime_and_on_a_gpu_what_belongs_to_cuda(backends, counted):
    installed = dict.fromkeys(("numpy", "onnx", "onnxruntime", "onnxruntime-gpu", *CUDA), "1")

    assert needed(installed, backends).keys() == counted


def test_the_interpreter_is_asked_for_the_pinned_backends_and_for_all_before_its_first_gate(
    made, keep
):
    assert backends_of(made.baseline(keep(), keep())) == ("fake",)
    assert backends_of(made.baseline(suite="")) == registry.names()


def test_a_gpu_is_known_by_its_name_and_uuid_and_a_simulated_device_by_its_kind():
    gpu = Device(kind="cuda", name="NVIDIA H200", uuid="GPU-5f3c", driver="580.95.05")

    assert identity(gpu) == "NVIDIA H200 GPU-5f3c"
    assert identity(Device(kind="fake")) == "fake"


def test_a_cpu_is_known_by_its_model_and_by_what_of_it_may_be_used(recorded):
    root = recorded("container-v2")

    assert cpu_identity(Tree(root=root)) == (
        "AMD Ryzen 7 5800X 8-Core Processor, 2 usable CPUs, quota 1.5 CPUs"
    )
    assert cpu_identity(Tree(root=root / "nowhere")) == "unknown CPU"
