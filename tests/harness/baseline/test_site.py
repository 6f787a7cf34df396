import pytest

from engines import registry
from engines.contract import Device
from harness.baseline.site import (
    BaselineError,
    backends_of,
    check_versions,
    cpu_identity,
    identity,
)
from harness.machine.reading import Tree
from harness.paired.interpreter import Interpreter

VERSIONS = {"numpy": "2.4.6", "onnxruntime": "1.30.0", "python": "3.11.7"}


def interpreter(**versions):
    found = {name: told for name, told in {**VERSIONS, **versions}.items() if told}
    return Interpreter(python="/venv/bin/python", versions=found, missing={})


def problem(baseline, found):
    with pytest.raises(BaselineError) as caught:
        check_versions(baseline, found)
    return str(caught.value)


def test_the_versions_that_were_pinned_pass(made):
    check_versions(made.baseline(), interpreter())


def test_an_environment_that_was_upgraded_is_told_with_both_versions(made):
    assert problem(made.baseline(), interpreter(onnxruntime="1.31.1")) == (
        "main: expected onnxruntime 1.30.0 in /venv/bin/python as pinned, got 1.31.1. "
        "Restore that environment, or accept it with 'dyno baseline rebase main rnn'."
    )


def test_what_is_gone_or_came_is_told_too(made):
    assert problem(made.baseline(), interpreter(onnxruntime="")) == (
        "main: expected onnxruntime 1.30.0 in /venv/bin/python as pinned, got nothing. "
        "Restore that environment, or accept it with 'dyno baseline rebase main rnn'."
    )
    found = interpreter(**{"onnxruntime": "", "onnxruntime-gpu": "1.30.0"})

    assert problem(made.baseline(suite=""), found) == (
        "main: expected onnxruntime 1.30.0, onnxruntime-gpu missing in /venv/bin/python as pinned, "
        "got onnxruntime missing, onnxruntime-gpu 1.30.0. "
        "Restore that environment, or pin it under another name."
    )


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
