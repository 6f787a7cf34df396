"""Whole runs on the simulated device: exact numbers, every failure, the order of launches."""

import os
from pathlib import Path

import numpy as np
import pytest

from harness import staging
from harness.accuracy.check import Checker
from harness.child import ChildError
from harness.rotation import round_order
from results.record import Failed, Measured, Skipped
from results.store import Store


def test_a_run_measures_exactly_what_the_device_does(run, suite_of):
    result = run(suite_of())
    (case,), (launches,) = result.cases, result.launches
    assert case.outcome == Measured(stopped_by="launches")
    assert [launch.number for launch in launches] == [0, 1]
    for launch in launches:
        assert launch.wall_ns.tolist() == [1_000_000] * 100
        assert [block.queries for block in launch.blocks] == [50, 50]
        assert [block.elapsed_ns for block in launch.blocks] == [50_000_000] * 2
        assert launch.first_query_ns == 10_000_000
        assert launch.steady
        assert launch.protocol.clock == "simulated"
        assert launch.protocol.loop == "blocking"
        assert launch.facts["device_memory_bytes"] == 1 << 20
    assert result.end.state == "done"


def test_device_times_are_stored_beside_the_wall_times(run, suite_of, matrix):
    axes = matrix(
        loop=["device-stamped"], transfers=["copied"], cuda_graph=[True], cold_queries=[0]
    )
    launch = run(suite_of(matrix=axes)).launches[0][0]
    assert set(launch.wall_ns.tolist()) == {1_100_000}
    assert set(launch.enqueue_ns.tolist()) == {1_000}
    assert set(launch.gpu_compute_ns.tolist()) == {1_000_000}
    assert set(launch.h2d_ns.tolist()) == set(launch.d2h_ns.tolist()) == {50_000}
    assert launch.protocol.cuda_graph
    assert launch.protocol.transfers == "copied"


def test_launches_rotate_in_the_order_of_the_stored_seed(run, suite_of, matrix, recorder):
    watcher = recorder()
    result = run(suite_of(matrix=matrix(latency_ns=[1000, 2000, 3000])), watcher)
    ids = [case.record.id for case in result.cases]
    seed = result.record.seed
    expected = [
        (ids[position], number)
        for number in range(2)
        for position in round_order((0, 1, 2), seed=seed, number=number)
    ]
    assert watcher.launches == expected


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (
            "unavailable-op",
            Failed(
                kind="unsupported-op",
                message="fake: no kernel for op 'Foo'",
                hint="Use another op.",
            ),
        ),
        (
            "build",
            Failed(kind="build", message="fake: the builder gave up", hint="Ask the builder why."),
        ),
        (
            "build-crash",
            Failed(kind="crash", message="SIGABRT in 'build'", hint="The runtime said nothing."),
        ),
        (
            "open",
            Failed(
                kind="out-of-memory",
                message="fake: 3 GiB wanted, 2 GiB free",
                hint="Lower the batch.",
            ),
        ),
        (
            "open-crash",
            Failed(kind="crash", message="SIGSEGV in 'open'", hint="The runtime said nothing."),
        ),
        (
            "query",
            Failed(
                kind="bad-output",
                message="fake: the device reported an error 700 in a query",
                hint="Leave the option `failure` at none.",
            ),
        ),
        (
            "nan",
            Failed(
                kind="bad-output",
                message="output 'y': expected numbers, got NaN in 1 of 1 values",
                hint="Give the model inputs it was made for, under `models.<name>.inputs`.",
            ),
        ),
        (
            "crash",
            Failed(
                kind="crash",
                message="SIGSEGV in 'warm'",
                hint="The runtime's last words: fake: illegal memory access",
            ),
        ),
        (
            "exit",
            Failed(
                kind="crash", message="exit status 7 in 'warm'", hint="The runtime said nothing."
            ),
        ),
        (
            "memory",
            Failed(
                kind="out-of-memory",
                message="fake: 1099511627776 bytes were asked for",
                hint="Lower the batch.",
            ),
        ),
    ],
)
def test_a_case_that_fails_is_told_and_the_suite_goes_on(
    run, failure, outcome, suite_of, matrix, outcomes
):
    result = run(suite_of(matrix=matrix(failure=[failure, "none"])))
    assert outcomes(result) == {
        f"tiny/fake/fp32/b1/failure={failure}": outcome,
        "tiny/fake/fp32/b1/failure=none": Measured(stopped_by="launches"),
    }


def test_a_hang_is_a_timeout_and_the_suite_goes_on(run, suite_of, matrix, outcomes):
    measure = {"launches": 2, "launch_s": 0.1, "timeout_s": 3}
    result = run(suite_of(matrix=matrix(failure=["hang", "none"]), measure=measure))
    assert outcomes(result) == {
        "tiny/fake/fp32/b1/failure=hang": Failed(
            kind="timeout",
            message="no answer to 'warm' within 3 s",
            hint="Raise measure.timeout_s if the model is that slow.",
        ),
        "tiny/fake/fp32/b1/failure=none": Measured(stopped_by="launches"),
    }


def test_a_graph_that_cannot_be_captured_is_never_timed(run, suite_of, matrix):
    axes = matrix(loop=["host-synchronised"], cuda_graph=[True], failure=["capture"])
    (case,) = run(suite_of(matrix=axes)).cases
    assert isinstance(case.outcome, Failed)
    assert case.outcome.message == "fake: operation not permitted when stream is capturing"
    assert case.launches == 0


def test_what_the_backend_does_not_do_is_skipped_with_its_reason(run, suite_of, matrix):
    (case,) = run(suite_of(matrix=matrix(streams=[2]))).cases
    assert case.outcome == Skipped(
        reason="a blocking runtime has no streams, queue, copies or graph; use another loop"
    )


def test_a_precision_that_no_recipe_makes_is_skipped(run, suite_of, matrix, outcomes):
    result = run(suite_of(matrix=matrix(precision=["fp32", "fp64"])))
    assert outcomes(result)["tiny/fake/fp64/b1"] == Skipped(
        reason="dyno makes no fp64 graphs of fp32 models; use fp32"
    )


def test_a_required_backend_that_is_missing_fails(run, monkeypatch, suite_of, outcomes):
    from engines.backends.fake import Fake

    monkeypatch.setattr(Fake, "unavailable", lambda _: "no device. Buy one.")
    assert outcomes(run(suite_of())) == {
        "tiny/fake/fp32/b1": Skipped(reason="fake: no device. Buy one.")
    }
    assert outcomes(run(suite_of(require=["fake"]))) == {
        "tiny/fake/fp32/b1": Failed(
            kind="environment",
            message="fake: no device. Buy one.",
            hint="The suite requires fake.",
        )
    }


def test_ctrl_c_keeps_what_was_measured(run, tmp_path, suite_of, matrix, recorder):

    watcher = recorder(interrupt_at=4)
    with pytest.raises(KeyboardInterrupt):
        run(suite_of(matrix=matrix(latency_ns=[1000, 2000])), watcher)
    store = Store(tmp_path / "store")
    result = store.read_run(store.find_run(None))
    assert result.end.state == "interrupted"
    assert sorted(case.launches for case in result.cases) == [1, 2]
    assert len(watcher.outcomes) == 1


def test_the_run_leaves_its_engines_in_the_cache_and_nowhere_else(run, tmp_path, suite_of):
    run(suite_of())
    (engine,) = (tmp_path / "store").rglob("engine")
    assert engine.is_relative_to(tmp_path / "store" / "cache")
    assert not list((tmp_path / "store" / "cache" / "users").iterdir())


def test_inputs_are_the_same_file_for_the_same_case(run, tmp_path, suite_of):
    first, second = run(suite_of()), run(suite_of())
    assert first.cases[0].record.inputs_sha256 == second.cases[0].record.inputs_sha256
    (stored,) = (tmp_path / "store" / "inputs").iterdir()
    with np.load(stored) as arrays:
        assert not (arrays["input0"] == 0).all()


def test_real_devices_are_locked_and_simulated_ones_are_not(run, suite_of, matrix):
    locks = Path(os.environ["DYNO_LOCKS"])
    run(suite_of())
    assert not locks.exists()
    run(suite_of(matrix=matrix(backend=["onnxruntime-cpu"])))
    assert [path.name for path in locks.iterdir()] == ["cpu.lock"]


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (
            ChildError("out-of-memory", "inputs: 9 GiB wanted", "Lower the batch."),
            Failed(
                kind="out-of-memory",
                message="inputs: 9 GiB wanted",
                hint="Lower the batch.",
            ),
        ),
        (
            OSError(28, "No space left on device", "/s/inputs/a.npz"),
            Failed(
                kind="disk",
                message="/s/inputs/a.npz: no space left on device",
                hint="Mend that, or name another folder with --store.",
            ),
        ),
    ],
)
def test_a_case_whose_inputs_cannot_be_made_fails_and_the_suite_goes_on(
    run, error, failure, monkeypatch, suite_of, matrix, outcomes
):
    real = staging.store_inputs

    def fails_for_batch_2(model, inspected, case, **options):
        if case.batch == 2:
            raise error
        return real(model, inspected, case, **options)

    monkeypatch.setattr(staging, "store_inputs", fails_for_batch_2)
    assert outcomes(run(suite_of(matrix=matrix(batch=[1, 2])))) == {
        "tiny/fake/fp32/b1": Measured(stopped_by="launches"),
        "tiny/fake/fp32/b2": failure,
    }


def test_an_engine_that_the_runtime_refuses_is_built_again_once_for_all_its_cases(
    run, suite_of, matrix
):
    result = run(suite_of(matrix=matrix(failure=["stale"], batch=[1, 2])))
    assert [case.outcome for case in result.cases] == [Measured(stopped_by="launches")] * 2
    assert len({case.record.engine_key for case in result.cases}) == 1
    said = ["its engine was built again: fake: engine is from another device"]
    notes = [launch.facts["notes"] for launches in result.launches for launch in launches]
    assert notes == [said] * 4


def test_an_engine_that_is_refused_while_answering_is_built_again_once(
    run, suite_of, matrix, monkeypatch
):
    def refuse(_, ready):
        for each in ready:
            yield each, ChildError("build", "fake: from another device", "", stale=True)

    rebuilt, real = [], staging.Staging.rebuild
    monkeypatch.setattr(Checker, "check_all", refuse)
    monkeypatch.setattr(Checker, "check", lambda *_: rebuilt.append("checked"))
    monkeypatch.setattr(
        staging.Staging, "rebuild", lambda *args: (rebuilt.append("rebuilt"), real(*args))[1]
    )
    result = run(suite_of(matrix=matrix(batch=[1, 2])))
    assert [case.outcome for case in result.cases] == [Measured(stopped_by="launches")] * 2
    assert rebuilt == ["rebuilt", "checked", "checked"]


def test_an_engine_that_is_refused_again_fails_its_case(run, suite_of, matrix):
    (case,) = run(suite_of(matrix=matrix(failure=["stale-again"]))).cases
    assert case.outcome == Failed(
        kind="build",
        message="fake: engine is from another device",
        hint="Have it built again.",
    )
