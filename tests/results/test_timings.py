import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from results.timings import decode, encode


@given(arrays(np.int64, st.integers(0, 300)))
def test_any_timings_come_back_exactly(timings):
    found = decode(encode(timings))

    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, timings)


def test_the_bytes_of_version_1_are_fixed():
    planes = bytes([1, 0, 2, 1]) + bytes(2 * 6)
    stored = b"\x01" + zlib.compress(planes, 6)

    assert encode(np.array([0x0201, 0x0100], dtype=np.int64)) == stored
    assert decode(stored).tolist() == [0x0201, 0x0100]


def test_a_strided_view_is_stored_by_its_values():
    timings = np.arange(20, dtype=np.int64)

    assert decode(encode(timings[::3])).tolist() == [0, 3, 6, 9, 12, 15, 18]


def test_decoded_timings_can_be_written_to():
    found = decode(encode(np.array([5, 6], dtype=np.int64)))
    found[0] = 7

    assert found.tolist() == [7, 6]


def test_timings_of_a_model_of_80_us_take_under_a_quarter_of_their_memory():
    noise = np.random.default_rng(0).lognormal(0, 0.02, 6250)
    timings = (80_000 * noise).astype(np.int64)

    assert len(encode(timings)) < timings.nbytes / 4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected timings of version 1, got 'no bytes'"),
        (b"\x09abc", "expected timings of version 1, got 9"),
        (
            b"\x01" + zlib.compress(b"12345"),
            "expected whole timings, got 5 bytes, not a multiple of 8",
        ),
        (
            b"\x01" + zlib.compress(b"12345678")[:-3],
            (
                "expected whole timings, got a broken stream "
                "(Error -5 while decompressing data: incomplete or truncated stream)"
            ),
        ),
    ],
)
def test_anything_else_is_refused(data, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        decode(data)

    assert str(caught.value) == message
