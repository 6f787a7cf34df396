from dataclasses import replace

import numpy as np
import pytest

from harness.plan import make_plan
from harness.prepare.datasets import Datasets, load_datasets
from harness.vocabulary import installed_vocabulary
from suites.load import parse_suite


@pytest.fixture
def load(tmp_path):
    """Return a function that loads the data set of a built-in model."""
    rows = np.arange(6 * 8, dtype=np.float32).reshape(6, 8)
    np.savez(tmp_path / "v.npz", rows=rows, y=np.arange(6) % 2)

    def load(*, tried=True, **more):
        dataset = {"npz": "v.npz", "inputs": {"features": "rows"}, **more}
        document = {
            "suite": "s",
            "models": {"m": {"builtin": "mlp", "features": 8, "dataset": dataset}},
            "matrix": {"backend": ["fake"], "batch": [1]},
            "calibration": {"samples": 2},
        }
        vocabulary = installed_vocabulary()
        suite = parse_suite(
            document,
            where="test",
            base=tmp_path,
            sha256="0" * 64,
            path=None,
            vocabulary=vocabulary,
        )
        plan = make_plan(suite, vocabulary, store=tmp_path)
        return load_datasets(plan if tried else replace(plan, cases=()))

    return load


@pytest.mark.parametrize("labels", [{}, {"labels": "y", "task": "classification"}])
def test_what_does_not_calibrate_judges_with_labels_or_without(load, labels):
    found = load(**labels)

    assert found.calibrating["m"].inputs["features"][:, 0].tolist() == [8.0, 32.0]
    assert found.judging["m"].inputs["features"][:, 0].tolist() == [0.0, 16.0, 24.0, 40.0]
    assert (found.judging["m"].labels is None) == (not labels)


def test_a_data_set_that_is_not_installed_judges_with_its_reason(load, monkeypatch):
    monkeypatch.setattr("suites.datasets.load.load_dataset", lambda *_, **__: "not installed.")

    assert load() == Datasets(calibrating={}, judging={"m": "not installed."})


def test_the_data_set_of_a_model_that_is_not_tried_is_not_read(load, monkeypatch):
    monkeypatch.setattr("suites.datasets.load.load_dataset", None)

    assert load(tried=False) == Datasets(calibrating={}, judging={})
