import os

import pytest

from harness.child import Child, ChildError
from harness.python_model import PythonModel, build_python
from suites.errors import SuiteError
from suites.suite import Model, PythonSource

ZOO = """
import os, time
from onnx import TensorProto, helper
def build(width=4):
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", width]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", value[:1], value[1:])
    opsets = [helper.make_opsetid("", 21)]
    print("a word on the way")
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
def hang():
    time.sleep(600)
def die():
    print("the last words", flush=True)
    os.abort()
def boom():
    raise ValueError("no")
"""


@pytest.fixture
def build(tmp_path):
    (tmp_path / "zoo.py").write_text(ZOO)

    def call(function, timeout_s=60.0, **args):
        source = PythonSource(
            module="zoo", function=function, folder=tmp_path, args=tuple(args.items())
        )
        return build_python(
            Model(name="m", source=source),
            source,
            folder=tmp_path / "store" / "models",
            where="s.yaml: models.m.python",
            timeout_s=timeout_s,
        )

    return call


def problem(build, function, **options):
    with pytest.raises(SuiteError) as caught:
        build(function, **options)
    return str(caught.value)


def test_a_model_is_built_in_a_child_that_prints_to_a_log(build, tmp_path):
    built = build("build", width=9)

    assert built == PythonModel(path=built.path, mismatch="")
    assert built.path.parent == tmp_path / "store" / "models"
    assert os.listdir(built.path.parent) == [built.path.name]
    log = tmp_path / "store" / "logs" / "python-m.log"
    assert log.read_text() == "a word on the way\n"


def test_a_function_that_raises_is_told_with_the_suites_place(build):
    assert problem(build, "boom") == (
        "s.yaml: models.m.python: expected a model from zoo:boom, got ValueError: no (zoo.py:16). "
        "Call it in Python to see the whole traceback."
    )


def test_a_function_that_kills_its_process_is_told_with_its_last_words(build):
    assert problem(build, "die") == (
        "s.yaml: models.m.python: expected a model from zoo:die, got SIGABRT in 'build'. "
        "The runtime's last words: the last words."
    )


def test_a_function_that_hangs_is_ended(build):
    assert problem(build, "hang", timeout_s=0.5) == (
        "s.yaml: models.m.python: expected a model from zoo:hang within 0.5 s, got none. "
        "Raise measure.timeout_s if it takes that long."
    )


def test_a_model_that_cannot_be_written_is_told_without_blaming_the_suite(build, monkeypatch):
    def ask(*_, **__):
        raise ChildError("disk", "store/models/a.onnx: read-only file system", "Mend that.")

    monkeypatch.setattr(Child, "ask", ask)

    assert problem(build, "build") == "store/models/a.onnx: read-only file system. Mend that."
