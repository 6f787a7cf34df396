import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.contract import EngineError
from engines.precision import convert as module
from engines.precision import recipes
from engines.precision.convert import convert
from engines.precision.recipe import Calibration, Converted
from engines.precision.recipes import RECIPES, RecipeName, recipe_code

NOTHING = Calibration(samples=(), method="minmax")
SHAPES = {"x": (1, 4)}


def linear(weight_type=TensorProto.FLOAT, *, extra=()):
    weight = numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")
    graph = helper.make_graph(
        [*extra, helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        "g",
        [helper.make_tensor_value_info("x", weight_type, ["batch", 4])],
        [helper.make_tensor_value_info("y", weight_type, ["batch", 4])],
        [weight],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.fixture
def source(tmp_path):
    def save(model):
        path = tmp_path / "source.onnx"
        onnx.save(model, path)
        return path

    return save


@pytest.fixture
def recipe(monkeypatch):
    """Have a function be the recipe of fp16."""

    def put(function):
        monkeypatch.setattr(RecipeName, "load", lambda _: function)

    return put


def refused(source, target, precision="fp16"):
    with pytest.raises(EngineError) as caught:
        convert(source, target, precision, NOTHING, SHAPES)
    return caught.value.kind, caught.value.message, caught.value.hint


def test_the_graph_is_written_checked_and_told(source, tmp_path):
    found = convert(source(linear()), tmp_path / "engine", "fp16", NOTHING, SHAPES)

    onnx.checker.check_model(str(tmp_path / "engine"), full_check=True)
    assert found.weights == {"fp16": 1.0}
    assert (found.bytes_before, found.bytes_after) == (64, 32)


def test_the_same_model_gives_the_same_bytes(source, tmp_path):
    path = source(linear())
    for name in ("a", "b"):
        convert(path, tmp_path / name, "fp16", NOTHING, SHAPES)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_recipe_that_changes_nothing_is_no_precision(source, tmp_path, recipe):
    recipe(lambda model, _: Converted(model=model))
    target = tmp_path / "engine"

    assert refused(source(linear()), target) == (
        "precision-mismatch",
        "fp16: expected something in the graph that the recipe can change, got MatMul",
        "Exclude this precision for the model, or ask for fp32.",
    )
    assert not target.exists()


def test_a_model_that_is_quantized_already_is_refused_with_its_node(source, tmp_path):
    model = linear()
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.eye(4, dtype=np.int8), "q"))
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0.5), "s"))
    node = helper.make_node("DequantizeLinear", ["q", "s"], ["w"], name="dequantize")
    model.graph.node.insert(0, node)

    assert refused(source(model), tmp_path / "engine", "int8") == (
        "invalid-model",
        (
            "int8: node 'dequantize' (DequantizeLinear): expected an fp32 graph, got one that is "
            "int8-weights already"
        ),
        "Export the model in fp32.",
    )


def test_a_graph_that_the_checker_refuses_is_the_recipes_fault(source, tmp_path, recipe):
    def broken(model, _):
        model.graph.initializer[0].CopyFrom(
            numpy_helper.from_array(np.eye(4, dtype=np.float16), "w")
        )
        return Converted(model=model)

    recipe(broken)
    kind, message, hint = refused(source(linear()), tmp_path / "engine")

    assert kind == "invalid-model"
    assert message.startswith("fp16: expected a valid graph of the recipe, got: [ShapeInference")
    assert hint == "Exclude this precision for the model, and tell dyno's makers."


def test_large_weights_lie_beside_the_graph(source, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_INSIDE_BYTES", 1)
    monkeypatch.setattr(module, "_OUTSIDE_BYTES", 0)
    convert(source(linear()), tmp_path / "engine", "fp16", NOTHING, SHAPES)

    assert (tmp_path / "engine.data").stat().st_size >= 32
    onnx.checker.check_model(str(tmp_path / "engine"), full_check=True)


def test_small_weights_stay_in_the_file_of_a_large_graph(source, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_INSIDE_BYTES", 1)
    convert(source(linear()), tmp_path / "engine", "fp16", NOTHING, SHAPES)

    model = onnx.load(tmp_path / "engine", load_external_data=False)
    assert not model.graph.initializer[0].external_data


def test_every_recipe_can_be_imported():
    assert all(callable(name.load()) for name in RECIPES.values())


def test_the_code_of_recipes_is_all_that_they_are_made_of(monkeypatch, tmp_path):
    files = [tmp_path / name for name in ("precision/a.py", "precision/half/a.py", "graph/a.py")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("a = 1\n")
    monkeypatch.setattr(recipes, "__file__", str(tmp_path / "precision" / "recipes.py"))
    codes = [recipe_code()]
    for file in files:
        file.write_text("a = 2\n")
        codes.append(recipe_code())
    files[1].rename(files[1].with_name("b.py"))

    assert len({*codes, recipe_code()}) == 5
