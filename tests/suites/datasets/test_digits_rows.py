from pathlib import Path

import numpy as np
import pytest

import suites
from suites.datasets import digits_rows

pytest.importorskip("sklearn")
HELD_OUT = Path(suites.__file__).parent / "library" / "trained" / "digits_heldout.npz"


def test_rows_are_scaled_as_the_trained_model_takes_them():
    found = digits_rows.load()

    assert (found.values.shape, found.values.dtype) == ((1797, 8, 8), np.float32)
    assert (found.values.min(), found.values.max()) == (0, 1)


def test_the_trained_model_has_seen_none_of_the_samples_that_are_scored():
    found = digits_rows.load()

    with np.load(HELD_OUT) as held_out:
        np.testing.assert_array_equal(found.values[found.training :] * 16, held_out["rows"])
        np.testing.assert_array_equal(found.labels[found.training :], held_out["labels"])
