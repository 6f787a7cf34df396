from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import suites

FOLDER = Path(suites.__file__).parent / "library" / "trained"
MODEL = FOLDER / "digits_lstm.onnx"


@pytest.fixture(scope="module")
def model():
    return onnx.load(MODEL)


@pytest.fixture(scope="module")
def session():
    return onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def heldout():
    with np.load(FOLDER / "digits_heldout.npz") as file:
        return file["rows"], file["labels"]


def logits_of(session, rows):
    return session.run(None, {"rows": rows.astype(np.float32) / 16})[0]


def test_the_files_are_small_enough_to_be_committed():
    assert MODEL.stat().st_size < 1_000_000
    assert (FOLDER / "digits_heldout.npz").stat().st_size < 20_000


def test_the_model_has_one_symbolic_dimension_and_it_is_the_batch(model):
    values = (*model.graph.input, *model.graph.output)
    assert {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in values
    } == {"rows": ["batch", 8, 8], "logits": ["batch", 10]}
    assert {value.type.tensor_type.elem_type for value in values} == {onnx.TensorProto.FLOAT}


def test_the_model_passes_the_full_check(model):
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]


def test_the_model_is_two_lstm_layers_of_128_with_every_output_named(model):
    layers = [node for node in model.graph.node if node.op_type == "LSTM"]
    sizes = [a.i for node in layers for a in node.attribute if a.name == "hidden_size"]
    assert sizes == [128, 128]
    assert "" not in [output for node in model.graph.node for output in node.output]


def test_the_held_out_images_are_raw_digits_of_every_class(heldout):
    rows, labels = heldout
    assert (rows.dtype, rows.shape, int(rows.min()), int(rows.max())) == (
        np.dtype("uint8"),
        (360, 8, 8),
        0,
        16,
    )
    assert (labels.dtype, labels.shape) == (np.dtype("uint8"), (360,))
    assert np.bincount(labels).min() >= 25
    assert len(np.bincount(labels)) == 10


def test_the_accuracy_on_the_held_out_images_is_the_one_in_the_metadata(model, session, heldout):
    rows, labels = heldout
    accuracy = float((logits_of(session, rows).argmax(axis=1) == labels).mean())
    assert {prop.key: prop.value for prop in model.metadata_props} == {
        "accuracy": f"{accuracy:.4f}",
        "accuracy_on": "360 held-out images of scikit-learn's load_digits",
        "input_scale": "raw pixels 0..16 divided by 16",
        "made_by": "digits_lstm.py",
    }
    assert accuracy >= 0.97


def test_an_image_does_not_depend_on_the_rest_of_its_batch(session, heldout):
    rows, _ = heldout
    whole = logits_of(session, rows[:8])
    for i in range(8):
        alone = logits_of(session, rows[i : i + 1])
        np.testing.assert_allclose(whole[i : i + 1], alone, rtol=0, atol=1e-4)
