"""Models at the precisions of cases: made once by a child, kept in the cache, told with them."""

import json
from dataclasses import replace

import onnx
import pytest

from engines.cache.cache import EngineCache
from harness.child import Child
from harness.folders import Folders
from harness.plan import make_plan
from harness.prepare.datasets import Datasets
from harness.prepare.models import Prepared
from harness.staging import Staging
from harness.vocabulary import installed_vocabulary
from results.record import Failed, Measured
from suites.load import parse_suite

pytest.importorskip("onnxruntime")
TINY = {"tiny": {"builtin": "mlp", "hidden": 16, "features": 8}}


@pytest.fixture
def asked(monkeypatch):
    """The verbs that children were asked for."""
    verbs, real = [], Child.ask

    def ask(self, verb, **fields):
        verbs.append(verb)
        return real(self, verb, **fields)

    monkeypatch.setattr(Child, "ask", ask)
    return verbs


@pytest.fixture
def prepare(tmp_path):
    """Return a function that prepares the models of a suite on ONNX Runtime's CPU."""

    def prepare(*precisions, models=TINY, told=None, closed=0, matrix=(), **more):
        document = {
            "suite": "small",
            "models": models,
            "matrix": {
                "backend": ["onnxruntime-cpu"],
                "batch": [2],
                "precision": list(precisions),
                **dict(matrix),
            },
            **more,
        }
        vocabulary = installed_vocabulary()
        suite = parse_suite(
            document,
            where="test",
            base=tmp_path,
            sha256="0" * 64,
            path=None,
            vocabulary=vocabulary,
        )
        cache = EngineCache.make(tmp_path / "cache")
        plan = make_plan(suite, vocabulary, store=tmp_path)
        done = Measured(stopped_by="target")
        settled = [replace(each, outcome=done) for each in plan.cases[:closed]]
        with cache.in_use():
            staging = Staging(
                plan=replace(plan, cases=(*settled, *plan.cases[closed:])),
                data=Datasets(calibrating={}, judging={}),
                seed=0,
                folders=Folders(store=tmp_path, run_id="r"),
                cache=cache,
                closure=tmp_path,
            )
            return staging.prepare_models(*([told] if told else []))[1]

    return prepare


def entries(tmp_path):
    return sorted(path.parent for path in (tmp_path / "cache").rglob("entry.json"))


def test_each_precision_is_a_graph_of_its_own_with_its_effect(prepare):
    found = prepare("fp32", "fp16", "int8")

    own, half, quantized = (found["tiny", name] for name in ("fp32", "fp16", "int8"))
    assert own.effect is None
    assert (half.precision, half.effect.weights) == ("fp16", {"fp16": 1.0})
    assert (quantized.precision, quantized.effect.weights) == ("int8", {"int8": 1.0})
    assert quantized.effect.bytes_after < 0.5 * quantized.effect.bytes_before
    assert quantized.calibration == "64 seeded inputs, minmax"
    assert len({own.sha256, half.sha256, quantized.sha256}) == 3
    onnx.checker.check_model(str(quantized.path), full_check=True)


def test_the_second_time_nothing_is_converted(prepare, asked):
    first = prepare("fp16", "int8")
    del asked[:]
    second = prepare("fp16", "int8")

    assert "convert" not in asked
    assert {key: each.sha256 for key, each in second.items()} == {
        key: each.sha256 for key, each in first.items()
    }
    assert {key: each.effect for key, each in second.items()} == {
        key: each.effect for key, each in first.items()
    }


def test_a_run_that_goes_on_has_the_graphs_that_it_had(prepare):
    before = prepare("int8", models=LSTM, matrix={"sequence": [3, 5]})
    after = prepare("int8", models=LSTM, matrix={"sequence": [3, 5]}, closed=1)

    assert after["lstm", "int8"].sha256 == before["lstm", "int8"].sha256


LSTM = {"lstm": {"builtin": "lstm", "hidden": 8, "features": 4}}


def test_a_graph_is_made_once_for_all_batches_and_anew_for_other_sizes(prepare, asked):
    prepare("fp16", models=LSTM, matrix={"sequence": [5]})
    del asked[:]
    prepare("fp16", models=LSTM, matrix={"sequence": [5], "batch": [4]})
    assert "convert" not in asked

    prepare("fp16", models=LSTM, matrix={"sequence": [6]})
    assert asked.count("convert") == 1


def test_the_sizes_of_a_graph_are_those_of_the_first_case_that_is_not_excluded(prepare, asked):
    prepare("fp16", models=LSTM, matrix={"sequence": [5]})
    del asked[:]
    exclude = [{"sequence": 3, "reason": "too short"}]
    prepare("fp16", models=LSTM, matrix={"sequence": [3, 5]}, exclude=exclude)

    assert "convert" not in asked


def test_a_model_that_comes_in_the_precision_asked_for_is_itself(prepare, tmp_path):
    half = onnx.TensorProto.FLOAT16
    weight = onnx.helper.make_tensor("w", half, [4, 4], [0.5] * 16)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", half, ["batch", 4])],
        [onnx.helper.make_tensor_value_info("y", half, ["batch", 4])],
        [weight],
    )
    opsets = [onnx.helper.make_opsetid("", 21)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.save(model, tmp_path / "half.onnx")
    found = prepare("fp16", models={"m": {"onnx": "half.onnx"}})["m", "fp16"]

    assert (found.precision, found.effect) == ("fp16", None)
    assert entries(tmp_path) == []


@pytest.mark.parametrize(
    "change",
    [
        {"calibration": {"samples": 3}},
        {"calibration": {"method": "entropy"}},
        {"models": {"tiny": {**TINY["tiny"], "inputs": {"features": {"low": 0, "high": 1}}}}},
    ],
    ids=["samples", "method", "inputs"],
)
def test_another_calibration_is_another_graph(prepare, asked, change):
    before = prepare("fp16", "int8")
    del asked[:]
    after = prepare("fp16", "int8", **change)

    assert asked.count("convert") == 1
    assert before["tiny", "int8"].sha256 != after["tiny", "int8"].sha256
    assert before["tiny", "fp16"].sha256 == after["tiny", "fp16"].sha256


@pytest.mark.parametrize("name", ["recipe_code", "_version"])
def test_other_recipes_and_other_tools_of_theirs_convert_anew(prepare, asked, monkeypatch, name):
    prepare("fp16")
    monkeypatch.setattr(f"harness.prepare.variants.{name}", lambda *_: "other")
    del asked[:]
    prepare("fp16")

    assert asked.count("convert") == 1


def test_who_waits_is_told_of_every_precision(prepare):
    told = []
    prepare("fp16", "int8", told=lambda *said: told.append(said))

    assert told == [("models", 0, 1), ("precisions", 1, 2), ("precisions", 2, 2)]


def test_a_recipe_that_changes_nothing_fails_the_precision_and_leaves_nothing(prepare, tmp_path):
    found = prepare("fp16", "int8-scan")

    assert isinstance(found["tiny", "fp16"], Prepared)
    failed = found["tiny", "int8-scan"]
    assert isinstance(failed, Failed)
    assert failed.kind == "precision-mismatch"
    (entry,) = entries(tmp_path)
    assert json.loads((entry / "entry.json").read_text())["entry"]["fields"]["graph"] == "fp16"
    assert [path.name for path in (tmp_path / "cache").rglob("*fresh*")] == []


def test_a_model_that_cannot_be_prepared_fails_at_every_precision(prepare, tmp_path):
    broken = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Relu", ["missing"], ["y"])],
            "g",
            [onnx.helper.make_tensor_value_info("x", 1, ["batch", 4])],
            [onnx.helper.make_tensor_value_info("y", 1, ["batch", 4])],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 21)],
        ir_version=10,
    )
    onnx.save(broken, tmp_path / "broken.onnx")
    found = prepare("fp32", "int8", models={"m": {"onnx": "broken.onnx"}})

    assert found["m", "fp32"] == found["m", "int8"]
    assert found["m", "int8"].kind == "invalid-model"


def test_weights_beside_the_file_are_converted_with_it(prepare, tmp_path):
    from suites.models.builtin import get, resolve

    built = get("mlp").build(resolve(get("mlp"), {"hidden": 64, "features": 64}))
    onnx.save(
        built,
        tmp_path / "big.onnx",
        save_as_external_data=True,
        location="big.data",
        size_threshold=0,
    )
    found = prepare("fp32", "int8", models={"m": {"onnx": "big.onnx"}})

    assert found["m", "fp32"].external_data
    assert found["m", "int8"].effect.weights == {"int8": 1.0}
    assert not found["m", "int8"].external_data
