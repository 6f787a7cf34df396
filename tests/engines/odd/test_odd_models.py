"""Every odd model whole: suite, plan, inputs, prepare, build, open and two queries."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from engines import registry
from engines.contract import Device, EngineError, PreparedModel, Site
from harness.folders import Folders
from harness.outcome import check_outputs
from harness.plan import make_plan
from harness.prepare.inputs import store_inputs
from harness.prepare.worker import prepare
from harness.vocabulary import installed_vocabulary
from harness.worker import load_inputs
from results.record import Skipped
from suites.case import Case
from suites.load import parse_suite

pytest.importorskip("onnxruntime")
BACKEND = "onnxruntime-cpu"

SITE = Site(device=Device(kind="cpu"), scratch=Path("unused"))


@pytest.fixture
def plan_of(tmp_path):
    """Return the plan of a suite of one odd model at batches 1 and 8."""

    def plan(odd):
        onnx.save(odd.model, tmp_path / f"{odd.name}.onnx")
        document = {
            "suite": "odd",
            "models": {odd.name: odd.source},
            "matrix": {
                "backend": BACKEND,
                "precision": odd.entry.get("precision", "fp32"),
                "batch": [1, 8],
                **odd.entry.get("axes", {}),
            },
        }
        vocabulary = installed_vocabulary()
        suite = parse_suite(
            document,
            where="odd.yaml",
            base=tmp_path,
            sha256="0" * 64,
            path=None,
            vocabulary=vocabulary,
        )
        return make_plan(suite, vocabulary)

    return plan


@pytest.fixture
def query(tmp_path):
    """Return inputs and outputs of a case's second query, and the notes of its session."""

    def run(plan, case):
        [model] = plan.suite.models
        folders = Folders(store=tmp_path / "store", run_id="odd")
        stored = store_inputs(model, plan.models[model.name], case, seed=0, folders=folders)
        header = {"path": str(stored.path), "names": stored.names, "dtypes": stored.dtypes}
        inputs = load_inputs(header)
        file = tmp_path / model.source.given
        reply = prepare({"file": str(file), "folder": str(folders.models)}).header
        prepared = PreparedModel(path=Path(reply["path"]), sha256=reply["sha256"])
        backend = registry.get(BACKEND)
        engine = backend.build(prepared, case, tmp_path / f"b{case.batch}.engine", SITE)
        with backend.open(engine, case, inputs, SITE) as session:
            for _ in range(2):
                session.enqueue[0]()
            return inputs, session.outputs(), session.facts().notes

    return run


def test_it_runs_whole_and_gives_what_onnx_says(odd, plan_of, query):
    plan = plan_of(odd)
    first, last = plan.cases
    assert (first.case.batch, first.outcome) == (1, None)
    skip = odd.entry.get("skip")
    assert last.outcome == (Skipped(reason=skip) if skip else None)
    for planned in plan.runnable:
        inputs, outputs, _ = query(plan, planned.case)
        check_outputs(outputs)
        assert list(outputs) == [value.name for value in odd.model.graph.output]
        _compare(odd, inputs, outputs)
    if not skip and "shapes" in odd.entry:
        shapes = {name: list(array.shape) for name, array in outputs.items()}
        assert shapes == odd.entry["shapes"]


def _compare(odd, inputs, outputs):
    if not odd.entry.get("reference", True):
        return
    with np.errstate(divide="ignore"):
        expected = ReferenceEvaluator(odd.model).run(None, dict(inputs))
    for array, wanted in zip(outputs.values(), expected, strict=True):
        assert array.dtype == wanted.dtype
        np.testing.assert_allclose(array, wanted, rtol=1e-5)


def named(odd_models, name):
    [found] = [odd for odd in odd_models if odd.name == name]
    return found


def test_indices_stay_within_the_vocabulary(odd_models, plan_of, query):
    plan = plan_of(named(odd_models, "ids-through-a-cast"))
    inputs, _, _ = query(plan, plan.cases[1].case)
    assert set(inputs["ids"].ravel()) == {0, 1, 2}


def test_lengths_stay_within_the_sequence_that_they_cut(odd_models, plan_of, query):
    plan = plan_of(named(odd_models, "lengths-up-to-the-sequence"))
    inputs, outputs, _ = query(plan, plan.cases[1].case)
    assert set(inputs["lengths"]) <= {1, 2, 3, 4}
    for row, length in enumerate(inputs["lengths"]):
        assert not outputs["y"][length:, :, row].any()
        assert outputs["y"][length - 1, :, row].any()


def test_a_random_length_is_allocated_anew_and_noted(odd_models, plan_of, tmp_path):
    odd = named(odd_models, "random-length")
    plan = plan_of(odd)
    case = plan.cases[1].case
    backend = registry.get(BACKEND)
    prepared = PreparedModel(path=tmp_path / f"{odd.name}.onnx", sha256="0" * 64)
    engine = backend.build(prepared, case, tmp_path / "engine", SITE)
    with backend.open(engine, case, {"x": np.zeros((8, 3), np.float32)}, SITE) as session:
        lengths = set()
        for _ in range(30):
            session.enqueue[0]()
            lengths.add(session.outputs()["y"].shape[1])
        assert len(lengths) > 1
        assert session.facts().notes == (
            "output shapes vary; outputs are allocated anew for each query",
        )


def test_a_fixed_length_is_not_noted(odd_models, plan_of, query):
    plan = plan_of(named(odd_models, "empty-output"))
    _, _, notes = query(plan, plan.cases[0].case)
    assert notes == ()


def test_another_failure_of_a_query_with_open_outputs_is_told(tmp_path):
    head = '<ir_version: 8, opset_import: ["": 17]>\n'
    text = "g (float[batch,3] x, int64[2] s) => (float[m,n] y) { y = Reshape(x, s) }"
    onnx.save(onnx.parser.parse_model(head + text), tmp_path / "m.onnx")
    backend = registry.get(BACKEND)
    case = Case(model="m", backend=BACKEND, precision="fp32", batch=2)
    prepared = PreparedModel(path=tmp_path / "m.onnx", sha256="0" * 64)
    engine = backend.build(prepared, case, tmp_path / "engine", SITE)
    inputs = {"x": np.ones((2, 3), np.float32), "s": np.array([7, 1])}
    with (
        backend.open(engine, case, inputs, SITE) as session,
        pytest.raises(Exception, match="cannot be reshaped") as caught,
    ):
        session.enqueue[0]()
    assert isinstance(backend.explain(caught.value), EngineError)
