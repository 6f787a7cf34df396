import subprocess
import sys

import pytest

from suites.errors import SuiteError
from suites.models.builtin import Builtin, Parameter, builtins, get, resolve

NAMES = (
    "rnn",
    "lstm",
    "gru",
    "stacked-lstm",
    "bilstm-text",
    "mlp",
    "cnn",
    "detector",
    "transformer",
    "matmul-peak",
    "copy-peak",
)


def test_lists_the_models_by_family():
    assert tuple(builtins()) == NAMES
    assert [builtin.family for builtin in builtins().values()] == [
        "recurrent",
        "recurrent",
        "recurrent",
        "recurrent",
        "text",
        "mlp",
        "cnn",
        "detector",
        "transformer",
        "ceiling",
        "ceiling",
    ]


def test_fills_in_the_defaults():
    assert resolve(get("lstm"), {"hidden": 8}) == {
        "hidden": 8,
        "layers": 1,
        "features": 64,
        "classes": 10,
    }


def test_a_misspelt_model_is_refused():
    with pytest.raises(SuiteError) as error:
        get("lsmt", where="rnn.yaml: models.a.builtin")
    assert str(error.value) == (
        "rnn.yaml: models.a.builtin: expected one of rnn, lstm, gru, stacked-lstm, bilstm-text, "
        "mlp, cnn, detector, transformer, matmul-peak, copy-peak, got 'lsmt'. Did you mean 'lstm'?"
    )


def test_a_misspelt_parameter_is_refused():
    with pytest.raises(SuiteError) as error:
        resolve(get("lstm"), {"hiden": 8}, where="rnn.yaml: models.a")
    assert str(error.value) == (
        "rnn.yaml: models.a: expected parameters among hidden, layers, features, classes, "
        "got 'hiden'. Did you mean 'hidden'?"
    )


def test_a_parameter_like_no_other_is_refused_without_a_guess():
    with pytest.raises(SuiteError) as error:
        resolve(get("mlp"), {"zzz": 8})
    assert str(error.value) == (
        "mlp: expected parameters among features, hidden, layers, classes, got 'zzz'. Leave it out."
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (-3, "-3"), (True, "true"), (2.0, "2.0"), ("8", "'8'"), (None, "nothing")],
)
def test_a_value_that_is_no_positive_integer_is_refused(value, shown):
    with pytest.raises(SuiteError) as error:
        resolve(get("lstm"), {"hidden": value}, where="rnn.yaml: models.a")
    assert str(error.value) == (
        f"rnn.yaml: models.a.hidden: expected an integer from 1 on, got {shown}. "
        "It is the width of a layer's state; the default is 256."
    )


def test_a_size_below_its_own_minimum_is_refused():
    with pytest.raises(SuiteError) as error:
        resolve(get("detector"), {"image": 31})
    assert str(error.value) == (
        "detector.image: expected an integer from 32 on, got 31. "
        "It is the side of the image in pixels; the default is 160."
    )


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(SuiteError) as error:
        resolve(get("transformer"), {"heads": 3}, where="t.yaml: models.a")
    assert str(error.value) == (
        "t.yaml: models.a: expected heads that divide the width 256, got 3. "
        "Give a width that is a multiple of heads."
    )


def test_a_builtin_made_elsewhere_resolves_too(built, signature):
    builtin = Builtin(
        name="mine",
        summary="",
        family="mine",
        parameters=(Parameter(name="size", default=4, minimum=2, help="the size"),),
        signature=lambda _: signature("mlp"),
        build=lambda _: built("mlp"),
    )
    assert resolve(builtin, {}) == {"size": 4}


def test_names_signatures_and_checks_need_neither_numpy_nor_onnx():
    program = (
        "import sys\n"
        "from suites.models.builtin import builtins, resolve\n"
        "for builtin in builtins().values(): builtin.signature(resolve(builtin, {}))\n"
        "print(sorted({'numpy', 'onnx', 'ml_dtypes'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
