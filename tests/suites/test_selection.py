import pytest

from suites.case import Case
from suites.errors import SuiteError
from suites.matrix import Planned, parse_only, select


def planned(model, batch, **more):
    case = Case(model=model, backend="cpu", precision="fp32", batch=batch, **more)
    return Planned(case=case)


PLAN = (
    planned("lstm", 1, dims=(("sequence", 16),)),
    planned("lstm", 8, dims=(("sequence", 16),)),
    planned("mlp", 1, options=(("spinning", True),)),
    planned("mlp", 8, options=(("spinning", False),)),
)


def picked(text):
    return [PLAN.index(entry) for entry in select(PLAN, parse_only(text))]


def test_only_is_parsed_into_pairs():
    assert parse_only("model=lstm, batch = 1") == (("model", "lstm"), ("batch", "1"))


@pytest.mark.parametrize("text", ["", "lstm", "=1", "batch=", "batch=1,"])
def test_only_without_axis_and_value_is_an_error(text):
    with pytest.raises(SuiteError) as caught:
        parse_only(text)
    assert str(caught.value) == (
        f"--only: expected axis=value, got {text.split(',')[-1]!r}. "
        "Separate several by commas: model=lstm,batch=1."
    )


def test_values_of_one_axis_add_up_and_axes_narrow():
    assert picked("batch=1") == [0, 2]
    assert picked("batch=1,batch=8") == [0, 1, 2, 3]
    assert picked("batch=1,model=mlp") == [2]
    assert picked("sequence=16") == [0, 1]
    assert picked("spinning=true") == [2]
    assert select(PLAN, ()) == PLAN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "modle=mlp",
            (
                "expected one of model, backend, precision, batch, sequence, spinning, "
                "got 'modle'. Did you mean 'model'?"
            ),
        ),
        ("model=mpl", "expected model to be one of lstm, mlp, got 'mpl'. Did you mean 'mlp'?"),
        ("batch=2", "expected batch to be one of 1, 8, got '2'."),
        (
            "model=mlp,sequence=16",
            "expected cases with model=mlp,sequence=16, got none. Ask for fewer axes.",
        ),
    ],
)
def test_only_that_picks_nothing_is_an_error(text, message):
    with pytest.raises(SuiteError) as caught:
        select(PLAN, parse_only(text))
    assert str(caught.value) == f"--only: {message}"
