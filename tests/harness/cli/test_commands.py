"""The command line as a user meets it: the installed `dyno`, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engines import registry
from harness.rotation import round_order

DYNO = str(Path(sys.executable).with_name("dyno"))
COMMANDS = (
    "run",
    "bench",
    "plan",
    "build",
    "report",
    "runs",
    "compare",
    "gate",
    "nightly",
    "history",
    "diff",
    "suites",
    "models",
    "backends",
    "doctor",
)
SUITE = """
suite: simulated
models:
  tiny: {builtin: mlp}
matrix:
  model: tiny
  backend: fake
  batch: 1
  failure: FAILURES
measure: {launches: 2, launch_s: 0.05}
"""
UNKNOWN_SUITE = (
    "suite: expected one of precision, precision-gpu, real, rnn, rnn-gpu, smoke, streams, "
    "transformer, transformer-gpu, vision, vision-gpu, or the path of a .yaml file, got 'smoek'. "
    "Did you mean 'smoke'?\n"
)
NO_VALUE = (
    "--dim: expected NAME=VALUE[,VALUE…], got 'sequence'. "
    "Write for example --dim sequence=16,128.\n"
)
NO_STORE = (
    "nowhere: expected a store, got no dyno.db there. Make one with 'dyno run SUITE', "
    "or name another folder with --store.\n"
)
UNKNOWN_BACKEND = (
    f"bench: matrix.backend: expected one of {', '.join(registry.names())}, "
    "got 'onnxruntime-cpi'. Did you mean 'onnxruntime-cpu'?\n"
)


@pytest.fixture
def dyno(tmp_path):
    def call(*arguments, **options):
        command = [DYNO, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, **options
        )

    return call


@pytest.fixture
def suite(tmp_path):
    def write(failures="[none]", text=SUITE):
        path = tmp_path / "simulated.yaml"
        path.write_text(text.replace("FAILURES", failures), encoding="utf-8")
        return "simulated.yaml"

    return write


def test_help_names_every_command(dyno):
    told = dyno("--help")
    assert told.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in told.stdout
    assert "...\n" not in told.stdout.removeprefix("Usage: dyno [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_and_argument_has_help(command):
    import typer

    from harness.cli.app import app

    group = typer.main.get_command(app)
    chosen = group.get_command(None, command)
    assert chosen.help
    for parameter in chosen.params:
        assert parameter.help, f"{command} {parameter.name}"


def test_a_run_prints_its_report_and_keeps_it(dyno, suite):
    told = dyno("run", suite())
    assert told.returncode == 0, told.stderr
    assert "1 measured, 0 skipped, 0 failed" in told.stdout
    assert "tiny/fake/fp32/b1/failure=none  1.00 ms ± 0" in told.stderr
    again = dyno("report")
    assert again.returncode == 0
    assert again.stdout == told.stdout


def test_a_failed_case_is_told_the_rest_goes_on_and_the_exit_code_is_1(dyno, suite):
    told = dyno("run", suite("[open-crash, none]"))
    assert told.returncode == 1
    assert "FAILED (crash): SIGSEGV in 'open'. The runtime said nothing." in told.stderr
    assert "1 measured, 0 skipped, 1 failed" in told.stdout


def test_nothing_measured_is_exit_code_4(dyno, suite):
    text = SUITE.replace("batch: 1", "batch: 1\n  precision: fp64")
    told = dyno("run", suite(text=text))
    assert told.returncode == 4
    assert "0 measured, 1 skipped, 0 failed" in told.stdout


def test_only_runs_the_cases_it_names(dyno, suite):
    told = dyno("run", suite("[none, build]"), "--only", "failure=none")
    assert told.returncode == 0, told.stderr
    assert "1 measured, 0 skipped, 0 failed" in told.stdout


def test_a_name_finds_the_run_again(dyno, suite):
    dyno("run", suite(), "--name", "before")
    dyno("run", suite(), "--name", "after")
    told = dyno("report", "before", "--format", "json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["run"]["name"] == "before"
    listed = dyno("runs").stdout
    assert listed.index("after") < listed.index("before")


@pytest.mark.parametrize("form", ["rich", "json", "csv", "markdown"])
def test_every_format_tells_the_case_and_its_median(dyno, suite, form):
    dyno("run", suite())
    told = dyno("report", "--format", form)
    assert told.returncode == 0, told.stderr
    assert "tiny" in told.stdout
    assert "1000000" in told.stdout or "1.00" in told.stdout


def test_a_plan_runs_nothing_and_says_what_would_run(dyno, suite, tmp_path):
    told = dyno("plan", suite("[none, build]"))
    assert told.returncode == 0
    assert told.stdout.startswith("  run   tiny/fake/fp32/b1/failure=none\n")
    assert "simulated: 2 cases, 2 to run, 0 settled; about " in told.stdout
    assert not (tmp_path / ".dyno").exists()


def test_a_plan_of_one_case_says_so(dyno, suite):
    told = dyno("plan", suite())
    assert "simulated: 1 case, 1 to run, 0 settled; about " in told.stdout


@pytest.mark.parametrize("command", ["run", "plan", "build"])
def test_a_model_in_the_place_of_a_suite_is_told_where_it_belongs(dyno, command):
    told = dyno(command, "mine.onnx")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == UNKNOWN_SUITE.replace("'smoek'", "'mine.onnx'").replace(
        "Did you mean 'smoke'?", "Name the model in a suite, or measure it with `dyno bench`."
    )


def test_a_quick_run_has_three_short_launches(dyno, suite):
    told = dyno("run", suite(), "--quick")
    assert "(3 launches, stopped by launches)" in told.stderr


def test_bench_measures_a_built_in_without_a_suite(dyno):
    told = dyno("bench", "mlp", "-b", "1,2", "--backend", "fake", "--quick")
    assert told.returncode == 0, told.stderr
    assert "2 measured, 0 skipped, 0 failed" in told.stdout


def test_bench_says_in_its_own_flags_what_is_missing(dyno, tmp_path):
    onnx = pytest.importorskip("onnx")
    tensor = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [tensor("x", onnx.TensorProto.FLOAT, ["batch", "frames"])],
        [tensor("y", onnx.TensorProto.FLOAT, ["batch", "frames"])],
    )
    opsets = [onnx.helper.make_opsetid("", 21)]
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10), tmp_path / "m.onnx"
    )
    told = dyno("bench", "m.onnx")
    assert told.returncode == 2
    assert told.stderr == (
        "bench-m: models.m: expected a size for dimension 'frames' of input 'x', got none. "
        "Add matrix.frames, or fix it in models.m.dims. "
        "Here that is --dim NAME=N or --dims INPUT=D,D.\n"
    )
    told = dyno("bench", "m.onnx", "--dim", "frames=5", "--quick", "--backend", "fake")
    assert told.returncode == 0, told.stderr
    assert "m/fake/fp32/b1/frames=5" in told.stderr


def test_the_store_may_be_elsewhere(dyno, suite, tmp_path):
    environment = {**os.environ, "DYNO_STORE": str(tmp_path / "other")}
    told = dyno("run", suite(), env=environment)
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "other" / "dyno.db").exists()
    assert not (tmp_path / ".dyno").exists()


def test_ctrl_c_keeps_the_results_and_exits_130(suite, tmp_path):
    seed = next(s for s in range(99) if round_order((0, 1), seed=s, number=0) == (0, 1))
    text = SUITE.replace("launches: 2", "launches: 1") + f"seed: {seed}\n"
    command = [DYNO, "run", suite("[none, hang]", text)]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        for line in process.stderr:
            if line.startswith("[1/2]"):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("interrupted: what was measured is kept; go on with --resume\n")
    assert "1 measured" in out
    assert "1 open" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("run", "smoek"),
            UNKNOWN_SUITE,
        ),
        (
            ("report", "--store", "nowhere"),
            NO_STORE,
        ),
        (
            ("bench", "mlp", "--dim", "sequence"),
            NO_VALUE,
        ),
        (
            ("bench", "mlp", "--backend", "onnxruntime-cpi"),
            UNKNOWN_BACKEND,
        ),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_exit_code_2(dyno, arguments, message):
    told = dyno(*arguments)
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr == message
