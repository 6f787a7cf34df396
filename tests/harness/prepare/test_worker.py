import errno
import os

import onnx
import pytest
from onnx import TensorProto, helper

from engines.contract import EngineError
from harness.prepare.worker import convert, prepare


@pytest.fixture
def file(tmp_path):
    shape = ("batch", 4)
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    path = tmp_path / "relu.onnx"
    opsets = [helper.make_opsetid("", 21)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return path


@pytest.fixture
def header(file, tmp_path):
    return {"file": str(file), "folder": str(tmp_path / "models")}


def only(folder):
    (path,) = folder.iterdir()
    return path


def test_a_file_is_stored_by_its_hash(file, header, tmp_path):
    reply = prepare(header).header

    stored = only(tmp_path / "models")
    assert reply == {"path": str(stored), "sha256": stored.stem, "external_data": False}
    assert stored.read_bytes() == file.read_bytes()


def test_a_damaged_copy_is_written_anew(file, header, tmp_path):
    prepare(header)
    stored = only(tmp_path / "models")
    stored.write_bytes(file.read_bytes()[:-3])

    prepare(header)

    assert only(tmp_path / "models").read_bytes() == file.read_bytes()


def test_a_whole_copy_is_left_alone(header, tmp_path):
    prepare(header)
    before = only(tmp_path / "models").stat()

    prepare(header)

    after = only(tmp_path / "models").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_damaged_built_in_is_written_anew(tmp_path):
    from suites.models.builtin import get, resolve

    params = resolve(get("mlp"), {"hidden": 8, "features": 8})
    header = {"builtin": "mlp", "params": params, "folder": str(tmp_path)}
    first = prepare(header).header
    whole = only(tmp_path).read_bytes()
    only(tmp_path).write_bytes(b"damaged")

    assert prepare(header).header == first
    assert only(tmp_path).read_bytes() == whole


def test_a_full_disk_is_a_failure_of_the_disk(header, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(EngineError) as caught:
        prepare(header)

    path = tmp_path / "models"
    assert caught.value.kind == "disk"
    assert caught.value.message.startswith(f"{path}/")
    assert caught.value.message.endswith(".onnx: no space left on device")
    assert caught.value.hint == "Mend that, or choose another --store."
    assert list(path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_failure_of_the_disk(file, tmp_path):
    (tmp_path / "models").touch()

    with pytest.raises(EngineError) as caught:
        prepare({"file": str(file), "folder": str(tmp_path / "models")})

    assert (caught.value.kind, caught.value.message) == (
        "disk",
        f"{tmp_path}/models: file exists",
    )


def test_weights_outside_the_folder_are_refused_before_anything_reads_them(header, file):
    model = onnx.load(file)
    weight = TensorProto(
        name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL
    )
    weight.external_data.add(key="location", value="../secret")
    model.graph.initializer.append(weight)
    file.write_bytes(model.SerializeToString())

    with pytest.raises(EngineError) as caught:
        prepare(header)

    assert caught.value.message == (
        "expected weights in the model's folder, got '../secret', which is outside it"
    )


def test_a_recipe_that_breaks_says_which_and_what_to_do(file, tmp_path, monkeypatch):
    def broken(*_):
        raise ValueError("no scale\n of x")

    monkeypatch.setattr("engines.precision.convert.convert", broken)
    asked = {"source": str(file), "target": str(tmp_path / "t"), "precision": "int8"}
    with pytest.raises(EngineError) as caught:
        convert({**asked, "shapes": {"x": (1, 4)}, "calibration": None})
    assert (caught.value.kind, caught.value.message, caught.value.hint) == (
        "build",
        "int8: the recipe failed: no scale of x",
        "Exclude this precision for the model, and tell dyno's makers.",
    )
