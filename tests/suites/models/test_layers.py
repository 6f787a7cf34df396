import numpy as np
import onnx
import onnxruntime
import pytest

from suites.models.builtin import builtins, get, resolve
from suites.models.ceilings import ceiling

NAMES = tuple(name for name in builtins() if not ceiling(name))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("sequence", [5, 48])
def test_runs_to_finite_outputs_of_the_declared_shape(
    name, batch, sequence, session, signature, feed
):
    expected, sizes = signature(name), {"batch": batch, "sequence": sequence}
    outputs = session(name).run(None, feed(expected.inputs, sizes))
    for spec, output in zip(expected.outputs, outputs, strict=True):
        assert output.dtype == np.dtype(spec.dtype)
        assert output.shape == tuple(sizes.get(dim, dim) for dim in spec.dims)
        assert np.isfinite(output).all()
        assert output.std() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_does_not_depend_on_the_rest_of_its_batch(name, session, signature, feed):
    arrays = feed(signature(name).inputs, {"batch": 8, "sequence": 12})
    whole = session(name).run(None, arrays)
    for i in (0, 5):
        alone = session(name).run(None, {key: value[i : i + 1] for key, value in arrays.items()})
        for a, b in zip(whole, alone, strict=True):
            np.testing.assert_allclose(a[i : i + 1], b, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_samples_of_different_inputs_differ(name, session, signature, feed):
    outputs = session(name).run(None, feed(signature(name).inputs, {"batch": 2, "sequence": 12}))
    assert all(np.abs(output[0] - output[1]).max() > 1e-2 for output in outputs)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "stacked-lstm", "bilstm-text"])
def test_a_long_sequence_stays_within_the_range_of_half_precision(name, session, signature, feed):
    outputs = session(name).run(None, feed(signature(name).inputs, {"batch": 1, "sequence": 2000}))
    assert all(np.abs(output).max() < 100 for output in outputs)


@pytest.mark.parametrize(("name", "side"), [("cnn", 33), ("detector", 97)])
def test_an_odd_image_gives_the_declared_shapes(name, side, feed):
    builtin = get(name)
    params = resolve(builtin, {"image": side})
    expected, model = builtin.signature(params), builtin.build(params)
    onnx.checker.check_model(model, full_check=True)
    outputs = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    ).run(None, feed(expected.inputs, {"batch": 2}))
    assert [output.shape[1:] for output in outputs] == [s.dims[1:] for s in expected.outputs]


def test_the_tail_of_a_masked_sequence_has_no_influence(session, signature, feed):
    arrays = feed(signature("transformer").inputs, {"batch": 1, "sequence": 10}, mask=True)
    arrays["mask"][:, 6:] = False
    masked = session("transformer").run(None, arrays)[0]
    shorter = session("transformer").run(None, {k: v[:, :6] for k, v in arrays.items()})[0]
    np.testing.assert_allclose(masked[:, :6], shorter, rtol=0, atol=1e-4)


def test_a_wholly_masked_sequence_stays_finite(session, signature, feed):
    arrays = feed(signature("transformer").inputs, {"batch": 2, "sequence": 10}, mask=False)
    assert np.isfinite(session("transformer").run(None, arrays)[0]).all()
