import shutil
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from harness.baseline.pin import Pinner, check_name, interpreter_of
from harness.baseline.restore import Restorer
from harness.baseline.site import BaselineError
from harness.paired.interpreter import Interpreter
from harness.prepare.models import Prepared
from harness.vocabulary import installed_vocabulary
from results.gates import Gates
from results.store import Store
from suites.load import parse_suite

VERSIONS = {"numpy": "2.4.6", "python": "3.11.7"}


@pytest.fixture
def asked(monkeypatch):
    """What the interpreter was asked for; `missing` says what it lacks, by backend."""
    questions, missing = [], {}

    def probe(python, backends, *, closure, folders):
        assert closure.parent.parent == folders.store
        questions.append((python, tuple(backends)))
        lacking = {name: missing[name] for name in backends if name in missing}
        return Interpreter(python=python, versions=VERSIONS, missing=lacking)

    monkeypatch.setattr("harness.baseline.pin.probe", probe)
    probe.questions, probe.missing = questions, missing
    return probe


@pytest.fixture
def pin(tmp_path, asked, monkeypatch):  # noqa: ARG001 - it stands in for the real interpreter
    """Pin a suite as `main`, in a store that is named by a relative path."""
    monkeypatch.chdir(tmp_path)

    def pinned(suite, **options):
        return Pinner(store=Path("store")).suite(
            suite, installed_vocabulary(), name="main", python=sys.executable, **options
        )

    return pinned


@pytest.fixture
def gates(tmp_path):
    return Gates(Store(tmp_path / "store"))


def suite_in(folder, **sections):
    return parse_suite(
        {"suite": "simulated", **sections},
        where="test",
        base=folder,
        sha256="1" * 64,
        path=None,
        vocabulary=installed_vocabulary(),
    )


def problem(call):
    with pytest.raises(BaselineError) as caught:
        call()
    return str(caught.value)


def test_a_suite_is_pinned_with_its_files_versions_and_devices(pin, asked, gates, shelf, suite_of):
    suite = suite_of(
        matrix={"model": ["tiny"], "backend": ["fake"], "batch": [1, 2], "latency_ns": [1000]},
        seed=7,
    )

    made = pin(suite)

    baseline = made.baseline
    assert (baseline.name, baseline.suite, baseline.suite_sha256) == ("main", "simulated", "0" * 64)
    assert (baseline.python, baseline.versions) == (sys.executable, VERSIONS)
    assert (baseline.devices, baseline.seed, baseline.replaces) == ({"fake": "fake"}, 7, "")
    assert (baseline.left_out, made.failed) == ({}, ())
    assert [case.case.id for case in baseline.cases] == [
        "tiny/fake/fp32/b1/latency_ns=1000",
        "tiny/fake/fp32/b2/latency_ns=1000",
    ]
    assert baseline.cases[0].options["latency_ns"] == 1000
    assert asked.questions == [(sys.executable, ("fake",))]
    for case in baseline.cases:
        prepared, inputs = Restorer(baseline=baseline, shelf=shelf).restore(case)
        assert isinstance(prepared, Prepared)
        assert inputs.sha256 == case.inputs_sha256
    gates.add_baseline(baseline)
    assert gates.baseline("main", "simulated") == baseline


def test_cases_of_backends_that_are_missing_there_or_here_are_left_out(
    pin, asked, suite_of, matrix
):
    asked.missing["onnxruntime-cpu"] = "onnxruntime is not installed"
    backends = ["fake", "onnxruntime-cpu", "tensorrt"]

    made = pin(suite_of(matrix=matrix(backend=backends)))

    assert [case.case.id for case in made.baseline.cases] == ["tiny/fake/fp32/b1"]
    left_out = made.baseline.left_out
    assert list(left_out) == ["tiny/onnxruntime-cpu/fp32/b1", "tiny/tensorrt/fp32/b1"]
    assert left_out["tiny/onnxruntime-cpu/fp32/b1"] == (
        f"{sys.executable}: onnxruntime-cpu: onnxruntime is not installed. "
        "The runtime is enough there, without dyno."
    )
    assert left_out["tiny/tensorrt/fp32/b1"].startswith("tensorrt: ")
    assert made.failed == ()


def test_a_case_that_cannot_be_prepared_is_left_out_as_failed_and_the_rest_is_pinned(
    pin, tmp_path, matrix
):
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Nonsense", ["x"], ["y"])], "g", [x], [y])
    onnx.save(helper.make_model(graph), tmp_path / "bad.onnx")
    models = {"tiny": {"builtin": "mlp"}, "bad": {"onnx": "bad.onnx"}}
    suite = suite_in(tmp_path, models=models, matrix=matrix(model=["tiny", "bad"]))

    made = pin(suite)

    assert [case.case.id for case in made.baseline.cases] == ["tiny/fake/fp32/b1"]
    assert made.failed == ("bad/fake/fp32/b1",)
    why = made.baseline.left_out["bad/fake/fp32/b1"]
    assert why.startswith("unsupported-op: node #1 (Nonsense): ")
    assert why.endswith(" Export the model without it, or give the node the domain of its runtime.")


def test_where_no_case_is_left_nothing_is_pinned(pin, asked, shelf, suite_of):
    asked.missing["fake"] = "gone"

    assert problem(lambda: pin(suite_of())) == (
        "main: expected a case of suite 'simulated' to pin, got none of 1: tiny/fake/fp32/b1: "
        f"{sys.executable}: fake: gone. The runtime is enough there, without dyno."
    )
    assert not shelf.root.exists()


def test_an_interpreter_alone_is_asked_for_every_backend(tmp_path, asked):
    baseline = Pinner(store=tmp_path / "store").interpreter("main", sys.executable)

    assert (baseline.suite, baseline.cases, baseline.devices) == ("", (), {})
    assert (baseline.python, baseline.versions) == (sys.executable, VERSIONS)
    assert {"fake", "onnxruntime-cpu", "tensorrt"} <= {*asked.questions[0][1]}


def test_an_interpreter_without_any_runtime_is_refused(tmp_path, asked, monkeypatch):
    known = ("fake", "onnxruntime-cpu", "tensorrt")
    monkeypatch.setattr("harness.baseline.pin.registry.names", lambda: known)
    asked.missing |= {"onnxruntime-cpu": "no onnxruntime.", "tensorrt": "no tensorrt."}
    pinner = Pinner(store=tmp_path / "store")

    assert problem(lambda: pinner.interpreter("main", sys.executable)) == (
        f"main: expected a runtime in {sys.executable}, got none: onnxruntime-cpu: no "
        "onnxruntime. tensorrt: no tensorrt. "
        "Install one there, or name another interpreter with --python."
    )


@pytest.mark.parametrize("name", ["", "a b", "../up", "früh", "new\nline"])
def test_a_name_has_letters_digits_and_a_few_marks(gates, name):
    assert problem(lambda: check_name(gates, name, "rnn")) == (
        "baseline: expected a name of letters, digits, '-', '_' and '.', "
        f"got {name!r}. Choose such a name."
    )


def test_a_name_that_is_taken_points_to_rebase(gates, made):
    gates.add_baseline(made.baseline())
    gates.add_baseline(made.baseline(id="other", suite=""))

    check_name(gates, "main", "cnn")
    check_name(gates, "main-2.x_y", "rnn")
    assert problem(lambda: check_name(gates, "main", "rnn")) == (
        "main: expected a name that is free for suite 'rnn', got one pinned at "
        "2026-11-21 03:00 UTC. "
        "Baselines are never overwritten: use 'dyno baseline rebase main SUITE'."
    )
    assert problem(lambda: check_name(gates, "main", "")) == (
        "main: expected a name that is free for an interpreter, got one pinned at "
        "2026-11-21 03:00 UTC. Baselines are never overwritten: choose another."
    )


def test_a_suite_is_pinned_under_the_names_own_interpreter_where_it_has_one(gates, made):
    gates.add_baseline(made.baseline(suite=""))
    gates.add_baseline(made.baseline(id="other", name="old", python="/old/bin/python"))

    assert interpreter_of(gates, "main") == "/venv/bin/python"
    assert interpreter_of(gates, "old") == sys.executable


def test_pinning_a_part_again_uses_the_same_files_and_makes_another_baseline(
    pin, shelf, suite_of, matrix
):
    suite = suite_of(matrix=matrix(batch=[1, 2]))
    first = pin(suite).baseline
    files = sorted(shelf.root.rglob("*"))

    again = pin(suite, only=(("batch", "2"),)).baseline

    assert again.id != first.id
    assert again.cases == (replace(first.cases[1], position=0),)
    assert sorted(shelf.root.rglob("*")) == files


def test_a_model_at_another_precision_is_pinned_as_the_runtime_loads_it(
    pin, shelf, suite_of, matrix
):
    from onnxruntime import InferenceSession

    precisions = {"backend": ["onnxruntime-cpu"], "precision": ["fp32", "int8"]}
    suite = suite_of(models={"tiny": {"builtin": "mlp", "hidden": 8}}, matrix=matrix(**precisions))

    baseline = pin(suite).baseline
    shutil.rmtree(shelf.root.parent / "cache")

    nodes = []
    for case in baseline.cases:
        prepared, _ = Restorer(baseline=baseline, shelf=shelf).restore(case)
        InferenceSession(prepared.path, providers=["CPUExecutionProvider"])
        nodes.append({node.op_type for node in onnx.load(prepared.path).graph.node})
    assert ["QuantizeLinear" in found for found in nodes] == [False, True]
    assert set(baseline.devices) == {"cpu"}
