import ml_dtypes
import numpy as np
import pytest

from harness.child import ChildError
from harness.outcome import check_outputs, failed
from results.record import Failed


def test_a_childs_failure_becomes_the_outcome_word_for_word():
    error = ChildError("timeout", "no answer", "Wait longer.")
    assert failed(error) == Failed(kind="timeout", message="no answer", hint="Wait longer.")


def test_numbers_infinities_and_integers_pass():
    check_outputs(
        {
            "a": np.array([1.0, -np.inf]),
            "b": np.array([1, 2]),
            "c": np.array(["text"]),
            "d": np.zeros((0, 4)),
            "e": np.array([True]),
        }
    )


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.complex64, ml_dtypes.bfloat16]
)
def test_nan_is_a_bad_output(dtype):
    with pytest.raises(ChildError) as error:
        check_outputs({"y": np.array([[1, np.nan], [np.nan, 2]], dtype)})
    assert error.value.kind == "bad-output"
    assert error.value.message == "output 'y': expected numbers, got NaN in 2 of 4 values"


def test_an_output_of_infinities_only_is_bad():
    with pytest.raises(ChildError) as error:
        check_outputs({"x": np.array([1.0]), "y": np.array([[np.inf, -np.inf]], np.float16)})
    assert error.value.kind == "bad-output"
    assert error.value.message == "output 'y': expected numbers, got infinity in all of 2 values"
    assert error.value.hint == (
        "Give the model inputs it was made for, under `models.<name>.inputs`."
    )


def test_types_without_nan_pass():
    check_outputs({"y": np.array([1, -1]).astype(ml_dtypes.int4)})
