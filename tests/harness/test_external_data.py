import pytest
from onnx import TensorProto, helper

from engines.contract import EngineError
from harness.external_data import external_files

HINT = "Keep the model and its files together, or save it again."


def beside(name, location, *, offset=0, length=16):
    tensor = TensorProto(
        name=name, data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL
    )
    place = {"location": location, "offset": offset, "length": length}
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def model_of(*tensors, nodes=()):
    return helper.make_model(helper.make_graph(list(nodes), "g", [], [], list(tensors)))


def problem(model, folder):
    with pytest.raises(EngineError) as caught:
        external_files(model, folder / "m.onnx")
    return caught.value.kind, caught.value.message, caught.value.hint


def test_the_files_of_weights_and_constants_are_listed_once_each(tmp_path):
    constant = helper.make_node("Constant", [], ["c"], value=beside("c", "a.bin", offset=16))
    body = helper.make_graph([], "body", [], [], [beside("w2", "sub/b.bin")])
    inside = helper.make_node("If", ["x"], ["y"], then_branch=body, else_branch=body)
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.bin").write_bytes(bytes(32))
    (tmp_path / "sub" / "b.bin").write_bytes(bytes(16))

    found = external_files(
        model_of(beside("w", "a.bin"), nodes=(constant, inside)), tmp_path / "m.onnx"
    )

    assert found == [tmp_path / "a.bin", tmp_path / "sub" / "b.bin"]


def test_a_model_with_its_weights_inside_has_none(tmp_path):
    inside = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])

    assert external_files(model_of(inside), tmp_path / "m.onnx") == []


def test_a_missing_file_is_told(tmp_path):
    assert problem(model_of(beside("w", "a.bin")), tmp_path) == (
        "invalid-model",
        "expected weights in 'a.bin' beside the model, got no file",
        HINT,
    )


def test_a_file_that_was_cut_short_is_told(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(20))

    assert problem(model_of(beside("w", "a.bin", offset=16)), tmp_path) == (
        "invalid-model",
        "expected at least 32 bytes of weights in 'a.bin', got 20",
        HINT,
    )


@pytest.mark.parametrize("location", ["../a.bin", "sub/../../a.bin", "/etc/passwd", "link"])
def test_a_file_outside_the_models_folder_is_refused(tmp_path, location):
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "a.bin").write_bytes(bytes(16))
    (folder / "link").symlink_to(tmp_path / "a.bin")

    assert problem(model_of(beside("w", location)), folder) == (
        "invalid-model",
        f"expected weights in the model's folder, got {location!r}, which is outside it",
        "Save the model again.",
    )
