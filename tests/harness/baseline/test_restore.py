from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from harness.baseline import restore
from harness.baseline.restore import Restorer
from harness.baseline.shelf import inputs_sha256
from harness.prepare.inputs import digest, save
from results.record import Failed

HINT = "Bring the file back, or pin again with 'dyno baseline rebase main SUITE'."


@pytest.fixture
def restorer(made, shelf):
    return Restorer(baseline=made.baseline(), shelf=shelf)


def wrong(path, what, found):
    message = f"baseline: {path}: expected the pinned {what}, got {found}"
    return Failed(kind="disk", message=message, hint=HINT)


def test_a_case_is_restored_from_the_stores_own_copies(made, keep, restorer, shelf, tmp_path):
    model, inputs = made.model(tmp_path), made.inputs(tmp_path)
    pinned = keep(model, inputs)
    model.path.unlink()
    inputs.path.unlink()

    assert restorer.restore(pinned) == (
        replace(model, path=shelf.model_folder(model.sha256) / "model.onnx"),
        replace(inputs, path=shelf.inputs_file(inputs.sha256)),
    )


def test_a_model_that_is_gone_is_told(keep, restorer, shelf):
    pinned = keep()
    path = shelf.model_folder(pinned.model_sha256) / "model.onnx"
    path.unlink()

    assert restorer.restore(pinned) == wrong(path, "model", "nothing there")


def test_weights_whose_hash_changed_are_told(made, keep, restorer, shelf, tmp_path):
    pinned = keep(made.beside(tmp_path / "own"))
    path = shelf.model_folder(pinned.model_sha256) / "weights" / "w.bin"
    path.write_bytes(b"x" * 16)

    assert restorer.restore(pinned) == wrong(path, "model", "another content")


def test_inputs_that_are_gone_are_told(keep, restorer, shelf):
    pinned = keep()
    path = shelf.inputs_file(pinned.inputs_sha256)
    path.unlink()

    assert restorer.restore(pinned) == wrong(path, "inputs", "nothing there")


@pytest.mark.parametrize("damaged", [True, False])
def test_inputs_that_are_damaged_or_others_are_told(made, keep, restorer, shelf, tmp_path, damaged):
    pinned = keep()
    path = shelf.inputs_file(pinned.inputs_sha256)
    other = made.inputs(tmp_path, value=2.0).path.read_bytes()
    path.write_bytes(other[:100] if damaged else other)

    assert restorer.restore(pinned) == wrong(path, "inputs", "another content")


def test_a_file_that_cannot_be_read_is_told_with_the_systems_reason(
    keep, restorer, shelf, monkeypatch
):
    pinned = keep()

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(restore, "sha256_of", refuse)

    path = shelf.model_folder(pinned.model_sha256) / "model.onnx"
    assert restorer.restore(pinned) == wrong(path, "model", "permission denied")


def test_a_file_that_many_cases_share_is_hashed_once(keep, restorer, monkeypatch):
    pinned = keep()
    asked = []
    for name in ("sha256_of", "inputs_sha256"):
        real = getattr(restore, name)
        monkeypatch.setattr(
            restore, name, lambda path, *rest, real=real: asked.append(path) or real(path, *rest)
        )

    first = restorer.restore(pinned)

    assert restorer.restore(replace(pinned, position=1)) == first
    assert [path.name for path in asked] == ["model.onnx", f"{pinned.inputs_sha256}.npz"]


def test_arrays_of_types_that_numpy_forgets_are_known_by_their_names(tmp_path):
    array = np.ones(3, ml_dtypes.bfloat16)
    save({"input0": array}, tmp_path / "a.npz")

    assert inputs_sha256(tmp_path / "a.npz", ("x",), ("bfloat16",)) == digest({"x": array})
