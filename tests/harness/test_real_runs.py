"""Whole runs with ONNX Runtime on the CPU: real models, and what goes wrong with them."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from harness.observer import Silent
from harness.start import starting
from harness.vocabulary import installed_vocabulary
from results.record import Failed, Measured, Skipped
from results.summaries import summaries
from suites.errors import SuiteError
from suites.load import parse_suite

pytest.importorskip("onnxruntime")
ODD = "a:0/b 'c' \"d\""
DOMAIN = "com.example"
WRONG_KEY = (
    "real: models.m.inputs.x.key: expected one of rows, shape, dtype, got 'rwos'. "
    "Did you mean 'rows'?"
)
WRONG_SHAPE = (
    "real: models.m.inputs.x: expected shape [1, 4] for m/onnxruntime-cpu/fp32/b1, "
    "got [1, 5] in 'in.npz'. The first axis may be longer."
)
WRONG_DTYPE = (
    "real: models.m.inputs.x: expected float32, got float64 in 'in.npz'. Save it as float32."
)


def tensor(name, *shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def save(path, *nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(list(nodes), "g", inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


@pytest.fixture
def run(tmp_path):
    def execute(model, **matrix):
        document = {
            "suite": "real",
            "models": {"m": model},
            "matrix": {"model": ["m"], "backend": ["onnxruntime-cpu"], "batch": [1], **matrix},
            "measure": {"launches": 1, "launch_s": 0.02},
        }
        vocabulary = installed_vocabulary()
        suite = parse_suite(
            document,
            where="real.yaml",
            base=tmp_path,
            sha256="0" * 64,
            path=None,
            vocabulary=vocabulary,
        )
        with starting(suite, vocabulary, store=tmp_path / "store", observer=Silent()) as runner:
            runner.execute()
        return runner.store, runner.store.read_run(runner.run.id)

    return execute


@pytest.fixture
def relu(tmp_path):
    shape = ("batch", 4)
    save(
        tmp_path / "relu.onnx",
        helper.make_node("Relu", ["x"], ["y"]),
        inputs=[tensor("x", *shape)],
        outputs=[tensor("y", *shape)],
    )
    return {"onnx": "relu.onnx"}


def outcomes(stored):
    _, result = stored
    return {case.record.id: case.outcome for case in result.cases}


def only_outcome(stored):
    (outcome,) = outcomes(stored).values()
    return outcome


def test_a_measured_case_tells_all_that_the_report_needs(run):
    store, result = run({"builtin": "lstm"}, batch=[2], sequence=[8])
    (case,) = result.cases
    assert case.record.id == "m/onnxruntime-cpu/fp32/b2/sequence=8"
    assert case.outcome == Measured(stopped_by="launches")
    assert case.record.effective_precision == "fp32"
    assert case.record.build_ns > 0
    assert case.record.engine_bytes > 1_000_000
    assert case.record.facts["nodes:CPUExecutionProvider"] > 1
    (launch,) = store.launches(result.record.id, 0)
    assert launch.protocol.clock == "perf_counter_ns"
    assert launch.protocol.loop == "blocking"
    assert launch.wall_ns.sum() == sum(block.elapsed_ns for block in launch.blocks)
    assert len(launch.wall_ns) == sum(block.queries for block in launch.blocks)
    assert 0 < sum(block.cpu_ns for block in launch.blocks) < 2 * launch.wall_ns.sum()
    assert launch.start_ns > 0
    assert launch.open_ns > 0
    assert launch.first_query_ns > 0
    assert launch.peak_rss_bytes > 1_000_000
    assert launch.facts["options"]["threads"] == 1
    assert launch.facts["placement"][0]["provider"] == "CPUExecutionProvider"
    assert set(launch.covariates) == {"before", "after"}
    rates = summaries(store, result)[0].rates
    assert rates.samples_per_s == pytest.approx(2 * rates.queries_per_s)
    assert rates.steps_per_s == pytest.approx(8 * rates.samples_per_s)


def test_input_names_with_colons_quotes_spaces_and_slashes_run(run, tmp_path):
    save(
        tmp_path / "odd.onnx",
        helper.make_node("Relu", [ODD], ["out:0/y z"]),
        inputs=[tensor(ODD, "batch", 4)],
        outputs=[tensor("out:0/y z", "batch", 4)],
    )
    assert only_outcome(run({"onnx": "odd.onnx"})) == Measured(stopped_by="launches")


def test_a_static_batch_runs_and_others_are_skipped_with_the_reason(run, tmp_path):
    save(
        tmp_path / "static.onnx",
        helper.make_node("Relu", ["x"], ["y"]),
        inputs=[tensor("x", 1, 4)],
        outputs=[tensor("y", 1, 4)],
    )
    assert outcomes(run({"onnx": "static.onnx"}, batch=[1, 8])) == {
        "m/onnxruntime-cpu/fp32/b1": Measured(stopped_by="launches"),
        "m/onnxruntime-cpu/fp32/b8": Skipped(
            reason="static batch 1: the model has no 'batch' dimension; "
            "export it with one to vary it"
        ),
    }


def test_a_model_that_the_checker_refuses_is_invalid(run, tmp_path):
    save(
        tmp_path / "broken.onnx",
        helper.make_node("Relu", ["nowhere"], ["y"], name="relu"),
        inputs=[tensor("x", "batch", 4)],
        outputs=[tensor("y", "batch", 4)],
    )
    outcome = only_outcome(run({"onnx": "broken.onnx"}))
    assert outcome.kind == "invalid-model"
    assert "input 'nowhere' of node" in outcome.message
    assert outcome.hint == "Export the model again, or check the file with onnx.checker."


def test_an_operator_that_onnx_does_not_have_is_unsupported(run, tmp_path):
    save(
        tmp_path / "unknown.onnx",
        helper.make_node("Nope", ["x"], ["y"], name="nope"),
        inputs=[tensor("x", "batch", 4)],
        outputs=[tensor("y", "batch", 4)],
    )
    assert only_outcome(run({"onnx": "unknown.onnx"})) == Failed(
        kind="unsupported-op",
        message="node 'nope': expected an operator of ai.onnx opset 21, got 'Nope'",
        hint="Export the model without it, or give the node the domain of its runtime.",
    )


def test_an_operator_that_the_runtime_does_not_have_is_unsupported(run, tmp_path):
    save(
        tmp_path / "foreign.onnx",
        helper.make_node("Nope", ["x"], ["y"], domain=DOMAIN),
        inputs=[tensor("x", "batch", 4)],
        outputs=[tensor("y", "batch", 4)],
    )
    assert only_outcome(run({"onnx": "foreign.onnx"})) == Failed(
        kind="unsupported-op",
        message="com.example:Nope(-1) is not a registered function/op",
        hint="Try another backend, or another opset or precision of the model.",
    )


def test_nan_for_the_given_inputs_is_a_bad_output(run, tmp_path):
    save(
        tmp_path / "log.onnx",
        helper.make_node("Log", ["x"], ["y"]),
        inputs=[tensor("x", "batch", 4)],
        outputs=[tensor("y", "batch", 4)],
    )
    inputs = {"x": {"value": -1}}
    assert only_outcome(run({"onnx": "log.onnx", "inputs": inputs})) == Failed(
        kind="bad-output",
        message="output 'y': expected numbers, got NaN in 4 of 4 values",
        hint="Give the model inputs it was made for, under `models.<name>.inputs`.",
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"not a model at all", "18 bytes that are none"),
        (b"", "an empty file"),
    ],
)
def test_a_file_that_is_no_model_stops_before_anything_runs(run, tmp_path, content, found):
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(SuiteError) as error:
        run({"onnx": "bad.onnx"})
    assert str(error.value) == (
        f"real: models.m.onnx: expected an ONNX model, got {found}. "
        "It may be truncated: copy or export it again."
    )


def test_a_truncated_model_stops_before_anything_runs(run, relu, tmp_path):
    path = tmp_path / relu["onnx"]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(SuiteError) as error:
        run(relu)
    assert str(error.value) == (
        f"real: models.m.onnx: expected an ONNX model, got {len(data) // 2} bytes that are none. "
        "It may be truncated: copy or export it again."
    )
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"file": "in.npz", "key": "rwos"},
            WRONG_KEY,
        ),
        ({"file": "in.npz", "key": "shape"}, WRONG_SHAPE),
        ({"file": "in.npz", "key": "dtype"}, WRONG_DTYPE),
    ],
)
def test_an_input_file_that_does_not_fit_stops_before_anything_runs(
    run, relu, tmp_path, source, message
):
    np.savez(
        tmp_path / "in.npz",
        rows=np.ones((1, 4), np.float32),
        shape=np.ones((1, 5), np.float32),
        dtype=np.ones((1, 4)),
    )
    with pytest.raises(SuiteError) as error:
        run({**relu, "inputs": {"x": source}})
    assert str(error.value) == message
    assert not (tmp_path / "store").exists()


def test_an_input_file_that_fits_is_what_runs(run, relu, tmp_path):
    np.savez(tmp_path / "in.npz", rows=np.full((1, 4), 7, np.float32))
    source = {"file": "in.npz", "key": "rows"}
    assert only_outcome(run({**relu, "inputs": {"x": source}})) == Measured(stopped_by="launches")
    (stored,) = (tmp_path / "store" / "inputs").iterdir()
    with np.load(stored) as arrays:
        assert arrays["input0"].tolist() == [[7.0] * 4]


def test_external_data_stays_where_it_is(run, tmp_path):
    weight = np.arange(4096, dtype=np.float32).reshape(4, 1024)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [tensor("x", "batch", 4)],
        [tensor("y", "batch", 1024)],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, tmp_path / "big.onnx", save_as_external_data=True, location="big.bin")
    first = run({"onnx": "big.onnx"})
    assert only_outcome(first) == Measured(stopped_by="launches")
    assert not (tmp_path / "store" / "models").exists()
    data = Path(tmp_path / "big.bin").read_bytes()
    (tmp_path / "big.bin").write_bytes(bytes(4) + data[4:-4] + b"\0\0\0\1")
    second = run({"onnx": "big.onnx"})
    hashes = [stored[1].cases[0].record.model_sha256 for stored in (first, second)]
    assert hashes[0] != hashes[1]


def test_integer_ids_stay_below_the_table_they_index(run, tmp_path):
    table = onnx.numpy_helper.from_array(np.ones((3, 8), np.float32), "table")
    save(
        tmp_path / "gather.onnx",
        helper.make_node("Gather", ["table", "ids"], ["y"]),
        inputs=[tensor("ids", "batch", "sequence", kind=TensorProto.INT64)],
        outputs=[tensor("y", "batch", "sequence", 8)],
        initializers=[table],
    )
    stored = run({"onnx": "gather.onnx"}, sequence=[64])
    assert only_outcome(stored) == Measured(stopped_by="launches")
    (path,) = (tmp_path / "store" / "inputs").iterdir()
    with np.load(path) as arrays:
        assert set(arrays["input0"].ravel().tolist()) == {0, 1, 2}


def test_the_model_of_a_function_runs_with_what_the_suite_passes_it(run, tmp_path):
    (tmp_path / "zoo.py").write_text(ZOO)
    inputs = {"x": {"value": 1}}
    stored = run({"python": "zoo:build", "args": {"width": 3}, "inputs": inputs}, batch=[2])
    assert only_outcome(stored) == Measured(stopped_by="launches")
    (path,) = (tmp_path / "store" / "inputs").iterdir()
    with np.load(path) as arrays:
        assert arrays["input0"].tolist() == [[1.0] * 3] * 2


ZOO = """
from onnx import TensorProto, helper
def build(width):
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", width]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:])
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
"""
