import struct
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


def test_timings_of_version_1_are_still_read():
    planes = bytes([1, 0, 2, 1]) + bytes(2 * 6)

    assert decode(b"\x01" + zlib.compress(planes, 6)).tolist() == [0x0201, 0x0100]


def test_the_stream_of_version_2_is_high_bytes_low_bits_and_tail():
    timings = 0x10000 + np.array([0x0403, 0x0402] * 2048 + [0], dtype=np.int64)

    data = encode(timings)
    stream = zlib.decompress(data[1:])
    base, count, low_bits = struct.unpack("<qIB", stream[-13:])
    high = [((value - base) >> low_bits) & 0xFF for value in timings.tolist()]

    assert data[0] == 2
    assert (base, count) == (0x10000, 4097)
    assert stream[:4097] == bytes(high)
    assert len(stream) == 8 * 4097 + low_bits * 513 + 13


def test_low_bits_that_are_noise_are_kept_apart():
    noise = np.random.default_rng(0).integers(0, 1 << 12, 5000)

    stream = zlib.decompress(encode(noise)[1:])

    assert stream[-1] > 0
    assert len(encode(noise)) < 5000 * 12 / 8 * 1.02


@pytest.mark.parametrize("values", [[], [5], [-(2**63), 2**63 - 1, 0], list(range(9))])
def test_few_and_far_timings_come_back(values):
    assert decode(encode(np.array(values, dtype=np.int64))).tolist() == values


def test_a_strided_view_is_stored_by_its_values():
    timings = np.arange(20, dtype=np.int64)

    assert decode(encode(timings[::3])).tolist() == [0, 3, 6, 9, 12, 15, 18]


def test_decoded_timings_can_be_written_to():
    found = decode(encode(np.array([5, 6], dtype=np.int64)))
    found[0] = 7

    assert found.tolist() == [7, 6]


def test_steady_timings_of_a_model_of_400_us_take_under_two_bytes_each():
    noise = np.random.default_rng(0).lognormal(0, 0.01, 1200)
    timings = (400_000 * noise).astype(np.int64)

    assert len(encode(timings)) < 2 * 1200


def test_a_bit_that_flips_is_noticed():
    data = bytearray(encode(np.random.default_rng(0).integers(0, 1 << 12, 100)))
    data[60] ^= 1

    with pytest.raises(ValueError, match="expected whole timings"):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected timings of version 1 or 2, got 'no bytes'"),
        (b"\x09abc", "expected timings of version 1 or 2, got 9"),
        (b"\x02" + zlib.compress(b""), "expected whole timings of 13 bytes, got 0"),
        (
            b"\x02" + zlib.compress(bytes(8) + struct.pack("<qIB", 0, 1, 2)),
            "expected whole timings of 23 bytes, got 21",
        ),
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
