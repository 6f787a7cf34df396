import errno
import itertools
import os
import re
import sys

import onnx
import pytest

from engines.contract import EngineError
from harness.python_worker import build

NUMBERS = itertools.count()
SEE = "Call it in Python to see the whole traceback."
RETURN = (
    "Return an onnx.ModelProto, or a torch.nn.Module and its example inputs by name: "
    "(module, {'x': tensor})."
)
ONNX = """
from onnx import TensorProto, helper
def build(width=4, kind="Relu"):
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", width]) for n in "xy"]
    graph = helper.make_graph([helper.make_node(kind, ["x"], ["y"])], "g", value[:1], value[1:])
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
"""


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Build what a function of a module with this text returns."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def call_text(text, function="build", module=None, **args):
        name = f"zoo{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(text)
        header = {
            "module": module or name,
            "function": function,
            "args": args,
            "path": str(tmp_path),
            "folder": str(tmp_path / "models"),
            "dims": {},
            "values": {},
        }
        return build(header).header

    return call_text


@pytest.fixture
def problem(call):
    """Return the message and hint of a function that gives no model, its module as `zoo`."""

    def told(text, **options):
        with pytest.raises(EngineError) as caught:
            call(text, **options)
        name = f"zoo{next(NUMBERS) - 1}"
        return caught.value.message.replace(name, "zoo"), caught.value.hint

    return told


def test_a_model_is_written_as_it_is_under_its_hash(call, tmp_path):
    answer = call(ONNX, width=7, kind="Tanh")

    (path,) = (tmp_path / "models").iterdir()
    assert answer == {"path": str(path), "mismatch": ""}
    model = onnx.load(path)
    assert model.graph.node[0].op_type == "Tanh"
    assert model.graph.input[0].type.tensor_type.shape.dim[1].dim_value == 7


def test_the_same_model_is_the_same_file(call, tmp_path):
    assert call(ONNX) == call(ONNX)
    assert len(list((tmp_path / "models").iterdir())) == 1


def test_a_module_that_is_not_there_is_told_with_the_folder(problem, tmp_path):
    message, hint = problem("", module="nowhere.rnn")

    assert message == (f"expected a module 'nowhere', got none in {tmp_path} or where Python looks")
    assert hint == "Put it beside the suite, or install it."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\n1 / 0", "ZeroDivisionError: division by zero (zoo.py:2)"),
        ("import sys\nsys.exit(3)", "SystemExit: 3 (zoo.py:2)"),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere' (zoo.py:1)"),
        ("raise ValueError('two\\nlines.')", "ValueError: two lines (zoo.py:1)"),
        ("assert False", "AssertionError (zoo.py:1)"),
    ],
)
def test_a_module_that_does_not_import_is_told_with_the_line(problem, text, found):
    assert problem(text) == (f"expected zoo to import, got {found}", SEE)


def test_a_syntax_error_is_told_with_its_own_place_only(problem):
    assert problem("def build(:") == (
        "expected zoo to import, got SyntaxError: invalid syntax (zoo.py, line 1)",
        SEE,
    )


def test_words_of_an_exception_are_fit_for_a_terminal(problem):
    message, _ = problem("def build():\n    raise ValueError('\\x1b[31m' + 'a' * 999)")

    assert message == (
        f"expected a model from zoo:build, got ValueError: \\x1b[31m{'a' * 292}… (zoo.py:2)"
    )


def test_an_empty_model_is_told(problem):
    assert problem("import onnx\ndef build(): return onnx.ModelProto()") == (
        "expected a model from zoo:build, got an empty onnx.ModelProto",
        RETURN,
    )


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "no space left on device"),
        (errno.EROFS, "read-only file system"),
        (errno.EACCES, "permission denied"),
    ],
)
def test_a_model_that_cannot_be_written_is_the_disks_fault(
    call, monkeypatch, tmp_path, number, reason
):
    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(EngineError) as caught:
        call(ONNX)

    (name,) = re.findall(r"[0-9a-f]{64}", caught.value.message)
    assert caught.value.kind == "disk"
    assert caught.value.message == f"{tmp_path}/models/{name}.onnx: {reason}"
    assert caught.value.hint == "Mend that, or choose another --store."


def test_an_exception_is_told_although_the_disk_of_the_log_is_full(problem, monkeypatch):
    def fail():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("traceback.print_exc", fail)

    assert problem("def build():\n    raise KeyError('hidden')")[0] == (
        "expected a model from zoo:build, got KeyError: 'hidden' (zoo.py:2)"
    )
    assert problem("1 / 0")[0].startswith("expected zoo to import, got ZeroDivisionError")


def test_torch_that_is_missing_is_told_with_the_extra(problem, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)

    message, hint = problem("import torch")

    assert message == (
        "expected zoo to import, got ModuleNotFoundError: import of torch halted; "
        "None in sys.modules (zoo.py:1)"
    )
    assert hint == "Install dyno with the 'torch' extra."


def test_a_function_that_is_not_there_suggests_one(problem):
    assert problem("def build_rnn(): pass", function="biuld_rnn") == (
        "expected a function 'biuld_rnn' in zoo, got none",
        "Did you mean 'build_rnn'?",
    )


def test_what_cannot_be_called_is_no_function(problem):
    assert problem("build = 3") == (
        "expected a function 'build' in zoo, got an int",
        "Define it there, or name another.",
    )


def test_a_function_that_raises_is_told_with_the_line(problem):
    assert problem("def build():\n    raise KeyError('hidden')") == (
        "expected a model from zoo:build, got KeyError: 'hidden' (zoo.py:2)",
        SEE,
    )


def test_an_argument_that_the_function_does_not_take_is_told(problem):
    message, hint = problem("def build(hidden): pass", hiden=3)

    # Newer Pythons add a suggestion of their own.
    assert message.partition(". Did")[0] == (
        "expected a model from zoo:build, got TypeError: "
        "build() got an unexpected keyword argument 'hiden'"
    )
    assert hint == SEE


@pytest.mark.parametrize(
    ("value", "found"),
    [("None", "nothing"), ("3", "an int"), ("b'onnx'", "a bytes"), ("(1, 2)", "a tuple")],
)
def test_anything_but_a_model_says_what_to_return(problem, monkeypatch, value, found):
    monkeypatch.delitem(sys.modules, "torch", raising=False)

    assert problem(f"def build(): return {value}") == (
        f"expected a model from zoo:build, got {found}",
        RETURN,
    )


def test_a_model_that_no_file_can_hold_is_told(problem, monkeypatch):
    from google.protobuf.message import EncodeError

    def refuse(*_, **__):
        raise EncodeError("Failed to serialize proto")

    monkeypatch.setattr("onnx.ModelProto.SerializeToString", refuse)

    assert problem(ONNX) == (
        "expected a model below 2 GB from zoo:build, got a larger one",
        "Save it with external data, and name the file under `onnx`.",
    )


NET = """
import torch
class Net(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)
def build():
    return Net(), {"x": torch.ones(2, 4)}
def alone():
    return Net()
def positions():
    return Net(), (torch.ones(2, 4),)
def numbers():
    return Net(), {"x": 3}
"""


@pytest.mark.filterwarnings("ignore")
def test_a_torch_module_is_written_as_onnx(call, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")

    answer = call(NET)

    (path,) = (tmp_path / "models").iterdir()
    assert answer == {"path": str(path), "mismatch": ""}
    assert [node.op_type for node in onnx.load(path).graph.node] == ["Relu"]


@pytest.mark.parametrize(
    ("function", "found"),
    [
        ("alone", "a torch.nn.Module alone"),
        ("positions", "(a Net, a tuple)"),
        ("numbers", "an example 'x' that is an int"),
    ],
)
def test_a_torch_module_needs_examples_by_name(problem, function, found):
    pytest.importorskip("torch")

    assert problem(NET, function=function) == (
        f"expected a model from zoo:{function}, got {found}",
        RETURN,
    )
