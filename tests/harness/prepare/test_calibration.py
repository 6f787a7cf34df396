from dataclasses import replace

import numpy as np
import pytest

from harness.folders import Folders
from harness.inspect import Inspected
from harness.prepare import calibration as module
from harness.prepare.calibration import store_calibration
from suites.case import Case
from suites.datasets.samples import Samples
from suites.inputs import make_inputs
from suites.signature import Signature, TensorSpec
from suites.suite import BuiltinSource, Calibration, FileInput, Model

SIGNATURE = Signature(
    inputs=(
        TensorSpec(name="rows", dtype="float32", dims=("sequence", "batch", 2)),
        TensorSpec(name="mask", dtype="float32", dims=("batch", "sequence")),
    ),
    outputs=(),
)
CASE = Case(model="m", backend="fake", precision="int8", batch=8, dims=(("sequence", 3),))
WANTED = Calibration(samples=4, method="entropy")


@pytest.fixture
def store(tmp_path):
    """Return a function that stores a calibration and reads it back, samples by name."""

    def store(samples=None, *, inputs=(), wanted=WANTED, case=CASE):
        model = Model(name="m", source=BuiltinSource(name="mlp"), inputs=inputs)
        inspected = Inspected(signature=SIGNATURE, precision="fp32")
        folders = Folders(store=tmp_path, run_id="r")
        found = store_calibration(model, inspected, case, wanted, samples, folders)
        with np.load(found.path) as stored:
            read = [
                {name: stored[f"sample{k}input{j}"] for j, name in enumerate(found.names)}
                for k in range(found.samples)
            ]
        return found, read

    return store


def data(count=6):
    rows = np.arange(count * 5 * 2, dtype=np.float32).reshape(count, 5, 2)
    return Samples(name="mine", inputs={"rows": rows}, labels=None, task="", output="")


def test_without_data_seeded_inputs_of_batch_1_calibrate_each_of_its_own_seed(store):
    found, samples = store()

    assert (found.told, found.method) == ("4 seeded inputs, entropy", "entropy")
    assert found.path.stem == found.sha256
    assert [sample["rows"].shape for sample in samples] == [(3, 1, 2)] * 4
    assert len({sample["rows"].tobytes() for sample in samples}) == 4


def test_no_run_is_timed_on_what_it_was_calibrated_on(store):
    _, samples = store()
    model = Model(name="m", source=BuiltinSource(name="mlp"))
    timed = {
        make_inputs(model, SIGNATURE, replace(CASE, batch=1), seed)["rows"].tobytes()
        for seed in range(5)
    }

    assert timed.isdisjoint(sample["rows"].tobytes() for sample in samples)


def test_the_same_calibration_is_the_same_file(store):
    assert store()[0] == store()[0]
    assert store()[0].sha256 != store(wanted=Calibration(samples=3, method="entropy"))[0].sha256


def test_a_data_set_calibrates_at_its_own_sizes_and_the_models_batch_axis(store):
    samples = data()
    found, read = store(samples)

    assert found.told == "4 samples of mine, entropy"
    for k, sample in enumerate(read):
        assert sample["rows"].shape == (5, 1, 2)
        np.testing.assert_array_equal(sample["rows"][:, 0], samples.inputs["rows"][k])
        assert sample["mask"].shape == (1, 5)


def test_a_data_set_of_fewer_samples_gives_those_it_has(store):
    found, read = store(data(2))

    assert (found.told, len(read)) == ("2 samples of mine, entropy", 2)


def test_samples_beyond_the_bytes_that_all_may_take_are_left_out_and_told(store, monkeypatch):
    one_bytes = 3 * 2 * 4 + 3 * 4
    monkeypatch.setattr(module, "MOST_BYTES", 2 * one_bytes)
    found, read = store()

    assert len(read) == 2
    assert found.told == "2 seeded inputs of 4, which would take more than 0 MiB, entropy"


def test_one_sample_calibrates_however_large_it_is(store, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1)

    assert len(store()[1]) == 1


def test_a_file_of_an_input_keeps_the_cases_batch(store, tmp_path):
    np.save(tmp_path / "mask.npy", np.ones((8, 3), dtype=np.float32))
    source = FileInput(path=tmp_path / "mask.npy", given="mask.npy")
    _, read = store(inputs=(("mask", source),))

    assert read[0]["mask"].shape == (8, 3)
    assert read[0]["rows"].shape == (3, 8, 2)
