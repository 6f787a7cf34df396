import ml_dtypes
import numpy as np
import pytest

from suites.signature import Signature, TensorSpec


def taking(*dims, dtype="float32", bound=None):
    given = TensorSpec(name="x", dtype=dtype, dims=("batch", *dims), bound=bound)
    return Signature(
        inputs=(given,), outputs=(TensorSpec(name="y", dtype="float32", dims=("batch", 3)),)
    )


def test_types_that_convert_without_loss_are_converted(data):
    data.save(images=np.arange(6, dtype=np.uint8).reshape(3, 2))

    found = data.load(taking(2)).inputs["x"]

    assert found.dtype == np.float32
    assert found.tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("float64", "float32"),
        ("float32", "float16"),
        ("int64", "int32"),
        ("int64", "float32"),
        ("float32", "int64"),
        ("uint8", "bool"),
        ("float32", "bfloat16"),
    ],
)
def test_types_that_would_lose_something_are_refused(data, stored, wanted):
    data.save(images=np.zeros((3, 2), stored))

    assert data.error(taking(2, dtype=wanted)) == (
        f".inputs.x: expected {wanted} or a type that converts to it without loss, got {stored} "
        f"in 'images'. Save it as {wanted}."
    )


def test_text_is_refused(data):
    data.save(images=np.array([["a"], ["b"]]))

    assert data.error(taking(1)) == (
        ".inputs.x: expected float32 or a type that converts to it without loss, got str32 "
        "in 'images'. Save it as float32."
    )


def test_types_that_numpy_saves_as_bytes_are_read_as_what_the_input_takes(data):
    values = np.array([[1.5], [-2.0]], dtype=ml_dtypes.bfloat16)
    data.save(images=values)

    found = data.load(taking(1, dtype="bfloat16")).inputs["x"]

    assert found.dtype == ml_dtypes.bfloat16
    assert found.tolist() == values.tolist()


@pytest.mark.parametrize(
    ("shape", "dims", "wanted"),
    [
        ((5, 4), (2, 2), "[samples, 2, 2]"),
        ((5, 2, 3), (2, 2), "[samples, 2, 2]"),
        ((5, 2, 3), ("sequence", 2), "[samples, sequence, 2]"),
        ((5,), ("sequence",), "[samples, sequence]"),
        ((), (2,), "[samples, 2]"),
    ],
)
def test_other_shapes_are_refused(data, shape, dims, wanted):
    data.save(images=np.zeros(shape, np.float32))

    assert data.error(taking(*dims)) == (
        f".inputs.x: expected shape {wanted}, got {list(shape)} in 'images'. Save it in that shape."
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_sample_that_is_not_finite_is_named(data, images, value):
    images[3:, 1, 1] = value
    data.save(images=images)

    assert data.error() == (
        f".inputs.x: expected finite values, got {value} in sample 3 of 'images'. "
        "Replace it, or leave the sample out."
    )


@pytest.mark.parametrize("value", [8, -9])
def test_indices_beyond_what_they_index_are_refused(data, value):
    ids = np.zeros((4, 3), np.int64)
    ids[2, 1] = value
    data.save(images=ids)

    assert data.error(taking("sequence", dtype="int64", bound=8)) == (
        f".inputs.x: expected values from -8 to 7, which index 8 entries, got {value} in sample 2 "
        "of 'images'. Replace it, or leave the sample out."
    )


def test_indices_may_count_from_either_end(data):
    ids = np.array([[-8, 0], [-1, 7]])
    data.save(images=ids)

    found = data.load(taking("sequence", dtype="int64", bound=8))

    assert found.inputs["x"].tolist() == ids.tolist()


def test_inputs_must_agree_about_a_named_dimension(data):
    signature = Signature(
        inputs=(
            TensorSpec(name="ids", dtype="float32", dims=("batch", "sequence")),
            TensorSpec(name="mask", dtype="float32", dims=("batch", "2*sequence")),
            TensorSpec(name="other", dtype="float32", dims=("batch", "sequence", "width*k")),
        ),
        outputs=(TensorSpec(name="y", dtype="float32", dims=("batch", 3)),),
    )
    inputs = (("ids", "a"), ("mask", "b"), ("other", "c"))
    a, b = np.zeros((5, 4), np.float32), np.zeros((5, 8), np.float32)
    c = np.zeros((5, 4, 2), np.float32)

    data.save(a=a, b=b, c=c)
    assert len(data.load(signature, inputs)) == 5
    data.save(a=a, b=a, c=c)
    assert data.error(signature, inputs) == (
        ".inputs: expected 8 as dimension '2*sequence' of 'mask', got 4. Save arrays that agree."
    )
    data.save(a=a, b=b, c=np.zeros((5, 3, 2), np.float32))
    assert data.error(signature, inputs) == (
        ".inputs: expected 4 as dimension 'sequence' of 'other', got 3. Save arrays that agree."
    )
