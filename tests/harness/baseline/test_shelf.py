import hashlib
import os
from dataclasses import replace

import pytest

from engines.durable import NEW
from harness.baseline.shelf import Shelf
from results.record import Failed


def test_a_model_and_inputs_are_copied_to_names_that_are_hashes(made, shelf, tmp_path):
    model, inputs = made.model(tmp_path, b"a model"), made.inputs(tmp_path)

    files = shelf.keep_model(model)
    shelf.keep_inputs(inputs)

    assert files == {"model.onnx": hashlib.sha256(b"a model").hexdigest()}
    root = tmp_path / "store" / "baselines"
    assert (root / "models" / model.sha256 / "model.onnx").read_bytes() == b"a model"
    kept = root / "inputs" / f"{inputs.sha256}.npz"
    assert kept.read_bytes() == inputs.path.read_bytes()


def test_weights_beside_the_model_keep_their_place(made, shelf, tmp_path):
    model = made.beside(tmp_path / "own", weights=b"w" * 16)

    files = shelf.keep_model(model)

    assert list(files) == ["model.onnx", "weights/w.bin"]
    folder = shelf.model_folder(model.sha256)
    assert (folder / "model.onnx").read_bytes() == model.path.read_bytes()
    assert (folder / "weights" / "w.bin").read_bytes() == b"w" * 16


def test_weights_called_as_pinned_models_are_do_not_collide_with_the_model(made, shelf, tmp_path):
    files = shelf.keep_model(made.beside(tmp_path / "own", location="model.onnx"))

    assert list(files) == ["graph.onnx", "model.onnx"]


def test_a_model_out_of_the_engine_cache_is_known_by_the_hashes_of_its_files(made, shelf, tmp_path):
    own = made.beside(tmp_path / "own")
    hashes = [hashlib.sha256(own.path.read_bytes()), hashlib.sha256(bytes(16))]
    joined = "".join(each.hexdigest() for each in hashes)
    model = replace(own, sha256=hashlib.sha256(joined.encode()).hexdigest())

    assert list(shelf.keep_model(model).values()) == [each.hexdigest() for each in hashes]


def test_what_a_crash_left_half_written_is_replaced(made, shelf, tmp_path):
    model, inputs = made.model(tmp_path, b"a model"), made.inputs(tmp_path)
    folder, kept = shelf.model_folder(model.sha256), shelf.inputs_file(inputs.sha256)
    folder.mkdir(parents=True)
    kept.parent.mkdir()
    (folder / "model.onnx").write_bytes(b"a mo")
    (folder / f"{NEW}1-ab").write_bytes(b"a")
    kept.write_bytes(inputs.path.read_bytes()[:-40])

    shelf.keep_model(model)
    shelf.keep_inputs(inputs)

    assert (folder / "model.onnx").read_bytes() == b"a model"
    assert kept.read_bytes() == inputs.path.read_bytes()


def test_what_is_there_whole_is_not_written_again_and_counts_as_new_to_pruning(
    made, shelf, tmp_path
):
    model, inputs = made.model(tmp_path), made.inputs(tmp_path)
    shelf.keep_model(model)
    shelf.keep_inputs(inputs)
    folder, kept = shelf.model_folder(model.sha256), shelf.inputs_file(inputs.sha256)
    before = [(folder / "model.onnx").stat().st_ino, kept.stat().st_ino]
    os.utime(folder, (0, 0))
    os.utime(kept, (0, 0))

    again = Shelf.of(tmp_path / "store")
    again.keep_model(model)
    again.keep_inputs(inputs)

    assert [(folder / "model.onnx").stat().st_ino, kept.stat().st_ino] == before
    assert min(folder.stat().st_mtime, kept.stat().st_mtime) > 0


def test_files_that_several_cases_share_are_looked_at_once(made, shelf, tmp_path):
    model, inputs = made.model(tmp_path), made.inputs(tmp_path)
    files = shelf.keep_model(model)
    shelf.keep_inputs(inputs)
    model.path.unlink()
    inputs.path.unlink()

    assert shelf.keep_model(model) == files
    shelf.keep_inputs(inputs)


def test_a_model_that_was_written_to_since_it_was_prepared_is_not_pinned(made, shelf, tmp_path):
    model = made.beside(tmp_path / "own")
    (tmp_path / "own" / "weights" / "w.bin").write_bytes(b"other weights...")

    assert shelf.keep_model(model) == Failed(
        kind="invalid-model",
        message=f"{model.path}: expected the model as it was prepared, got another one",
        hint="Let nothing write to it, and pin again.",
    )
    assert not shelf.root.exists()


def test_weights_that_are_gone_are_told(made, shelf, tmp_path):
    model = made.beside(tmp_path / "own")
    (tmp_path / "own" / "weights" / "w.bin").unlink()

    assert shelf.keep_model(model) == Failed(
        kind="invalid-model",
        message="expected weights in 'weights/w.bin' beside the model, got no file",
        hint="Mend the model's files, and pin again.",
    )


def test_a_copy_that_fails_leaves_nothing_and_names_the_file(made, shelf, tmp_path, monkeypatch):
    model = made.model(tmp_path)

    def full(_read, written, _chunk):
        written.write(b"a m")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.baseline.shelf.shutil.copyfileobj", full)

    with pytest.raises(OSError, match="No space left on device") as caught:
        shelf.keep_model(model)

    folder = shelf.model_folder(model.sha256)
    assert caught.value.filename == str(folder / "model.onnx")
    assert list(folder.iterdir()) == []


def test_the_size_counts_shared_files_once_and_lost_ones_not(made, keep, shelf, tmp_path):
    small, large = made.model(tmp_path, b"1" * 10), made.model(tmp_path, b"2" * 1000)
    cases = [keep(small), keep(small), keep(large)]
    inputs_bytes = shelf.inputs_file(cases[0].inputs_sha256).stat().st_size

    assert shelf.size_bytes(made.baseline(*cases)) == 1010 + inputs_bytes
    (shelf.model_folder(large.sha256) / "model.onnx").unlink()
    assert shelf.size_bytes(made.baseline(*cases)) == 10 + inputs_bytes
