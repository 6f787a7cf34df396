import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.contract import PreparedModel
from engines.ort.device.model_file import copy_model, input_shapes


def weight(name, value, shape=(40, 40)):
    return numpy_helper.from_array(np.full(shape, value, np.float32), name)


def outside(tensor, folder, location):
    """Move the tensor's values into a file of the folder."""
    (folder / location).write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return tensor


def info(name, *shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


@pytest.fixture
def model(tmp_path):
    """A model with weights in two files, one of them within a branch of an If."""
    source = tmp_path / "source"
    source.mkdir()
    branches = {
        f"{word}_branch": helper.make_graph(
            [helper.make_node("Identity", [word], [f"{word}_y"])],
            word,
            [],
            [info(f"{word}_y", 40, 40)],
            [outside(weight(word, value), source, location)],
        )
        for word, value, location in (("then", 2, "ä weights.bin"), ("else", 3, "else.bin"))
    }
    nodes = [helper.make_node("If", ["c"], ["y"], **branches)]
    inputs = [info("c", kind=TensorProto.BOOL)]
    graph = helper.make_graph(nodes, "g", inputs, [info("y", 40, 40)])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    path = source / "m.onnx"
    path.write_bytes(made.SerializeToString())
    return PreparedModel(path=path, sha256="0", external_data=True)


def test_weights_are_copied_beside_the_copy_and_found_there(model, tmp_path):
    target = tmp_path / "engine"
    copy_model(model, target)
    names = sorted(file.name for file in tmp_path.glob("engine*"))
    assert names == ["engine", "engine.0.data", "engine.1.data"]
    found = onnx.load(target)
    for attribute in found.graph.node[0].attribute:
        values = numpy_helper.to_array(attribute.g.initializer[0])
        assert np.all(values == (2 if attribute.name == "then_branch" else 3))


def test_nothing_but_the_names_of_the_files_changes(model, tmp_path):
    copy_model(model, tmp_path / "engine")
    before, after = (
        onnx.load(path, load_external_data=False) for path in (model.path, tmp_path / "engine")
    )
    for attribute in after.graph.node[0].attribute:
        entry = attribute.g.initializer[0].external_data[0]
        branch = attribute.name.removesuffix("_branch")
        entry.value = "ä weights.bin" if branch == "then" else "else.bin"
    assert after == before


def test_a_model_without_such_files_is_copied_byte_for_byte(model, tmp_path):
    plain = PreparedModel(path=model.path, sha256="0")
    copy_model(plain, tmp_path / "engine")
    assert (tmp_path / "engine").read_bytes() == model.path.read_bytes()


@pytest.fixture
def inputs(tmp_path):
    def save(*shape):
        nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
        given = [info("x", *shape), info("w", 1), info("n", kind=TensorProto.INT64)]
        graph = helper.make_graph(nodes, "g", given, [info("y", *shape)], [weight("w", 1, (1,))])
        onnx.save(helper.make_model(graph, ir_version=10), tmp_path / "m.onnx")
        return tmp_path / "m.onnx"

    return save


def test_the_shapes_of_inputs_are_those_of_the_case(inputs):
    found = input_shapes(inputs("batch", 300, "sequence"), {"batch": 2, "sequence": 16})
    assert found == {"x": (2, 300, 16), "n": ()}


@pytest.mark.parametrize("unknown", ["other", None])
def test_a_dimension_that_the_case_does_not_name_leaves_them_open(inputs, unknown):
    assert input_shapes(inputs("batch", unknown), {"batch": 2}) is None
