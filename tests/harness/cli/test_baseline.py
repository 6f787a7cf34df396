import re
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from typer.testing import CliRunner

from harness.baseline.site import BaselineError
from harness.cli.baseline import group
from harness.paired.interpreter import InterpreterError
from results.gates import Gates
from results.store import Store, StoreError

SUITE = """
suite: simulated
models: {tiny: {builtin: mlp, hidden: 8}, bad: {onnx: bad.onnx}}
matrix: {model: [tiny, bad], backend: [fake, tensorrt], batch: [1, 2]}
exclude: [{model: bad, batch: 2}]
"""


@pytest.fixture
def dyno(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "simulated.yaml").write_text(SUITE)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Nonsense", ["x"], ["y"])], "g", [x], [y])
    onnx.save(helper.make_model(graph), tmp_path / "bad.onnx")

    def call(*arguments):
        return CliRunner().invoke(group, arguments)

    return call


def plain(text):
    """Return the text without what differs from run to run or from machine to machine."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{4}", "ID", text)
    text = re.sub(r"[\d.]+ [KM]iB", "SIZE", text)
    return re.sub(r"(with \S+: ).*", r"\1VERSIONS", text)


def test_a_suite_is_pinned_told_listed_and_shown(dyno, tmp_path):
    told = dyno("pin", "main", "simulated.yaml")

    assert (told.exit_code, told.stderr) == (1, "")
    lines = plain(told.stdout).splitlines()
    assert lines[0] == (
        "pinned main (ID): 2 cases of suite simulated, 1 model, SIZE in .dyno/baselines"
    )
    assert lines[1] == f"with {sys.executable}: VERSIONS"
    assert lines[2].startswith("FAIL  bad/fake/fp32/b1  unsupported-op: node #1 (Nonsense): ")
    assert lines[3].startswith("skip  3 cases  tensorrt: ")
    assert lines[-1] == "gate against it with: dyno gate simulated.yaml --baseline main"
    (baseline,) = Gates(Store(tmp_path / ".dyno")).baselines()
    listed = dyno("list")
    assert listed.exit_code == 0
    assert "main" in listed.stdout
    shown = dyno("show", "main")
    assert shown.exit_code == 0
    assert f"main ({baseline.id})" in shown.stdout
    assert "tiny/fake/fp32/b2" in shown.stdout
    assert dyno("show", baseline.id).stdout == dyno("show", "main", "simulated").stdout
    again = dyno("pin", "main", "simulated.yaml")
    assert isinstance(again.exception, BaselineError)
    assert str(again.exception).endswith(
        "Baselines are never overwritten: use 'dyno baseline rebase main SUITE'."
    )
    assert len(Gates(Store(tmp_path / ".dyno")).baselines()) == 1


def test_an_empty_interpreter_is_not_taken_for_the_present_one(dyno, tmp_path):
    told = dyno("pin", "main", "simulated.yaml", "--python", "")

    assert isinstance(told.exception, InterpreterError)
    assert str(told.exception) == (
        "'': expected a Python interpreter, got an empty path. Name one, such as .venv/bin/python."
    )
    assert Gates(Store(tmp_path / ".dyno")).baselines() == ()


def test_an_interpreter_alone_is_pinned_and_says_what_comes_next(dyno):
    told = dyno("pin", "main", "--python", sys.executable)

    assert told.exit_code == 0
    assert plain(told.stdout).splitlines() == [
        "pinned main (ID): an interpreter",
        "the first 'dyno gate SUITE --baseline main' pins that suite's cases as they are then",
        f"with {sys.executable}: VERSIONS",
    ]
    assert "(waits for its first gate)" in dyno("show", "main").stdout


def test_an_unknown_name_is_refused_with_the_known_ones(dyno):
    dyno("pin", "main", "--python", sys.executable)

    told = dyno("show", "mian")

    assert isinstance(told.exception, StoreError)
    assert "expected the name of a baseline, got 'mian'. Did you mean 'main'?" in str(
        told.exception
    )


def test_what_a_user_gets_wrong_is_one_line_and_exit_code_2(tmp_path):
    dyno = str(Path(sys.executable).with_name("dyno"))

    told = subprocess.run(
        [dyno, "baseline", "pin", "a b"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == (
        "baseline: expected a name of letters, digits, '-', '_' and '.', got 'a b'. "
        "Choose such a name.\n"
    )


def test_help_tells_every_command_in_a_line_of_its_own(dyno):
    told = dyno("--help")

    assert told.exit_code == 0
    for command in group.registered_commands:
        assert f"\n  {command.name} " in told.stdout
    assert "...\n" not in told.stdout.partition("\n")[2]


def test_a_suite_that_may_be_left_out_is_shown_so(dyno):
    for command in ("pin", "show"):
        assert dyno(command, "--help").stdout.partition("\n")[0].endswith(" {NAME} [SUITE]")
