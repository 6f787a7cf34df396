from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from results.pair_rows import pack, pair_row, read_pair, unpack
from results.paired import SideBlocks
from results.timings import encode

FLOATS = ("median_ns", "mean_ns", "p95_ns", "p99_ns")
INTEGERS = ("queries", "elapsed_ns", "cpu_ns", "involuntary_switches")


@st.composite
def blocks(draw):
    count = draw(st.integers(0, 40))
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    floats = {name: draw(arrays(np.float64, count, elements=numbers)) for name in FLOATS}
    integers = {name: draw(arrays(np.int64, count)) for name in INTEGERS}
    disturbed = draw(st.none() | arrays(np.bool_, count))
    return SideBlocks(**floats, **integers, disturbed=disturbed)


def bits(side):
    """Return each column with its type and its bytes: 0.0 and -0.0 are two numbers."""
    found = [getattr(side, field.name) for field in fields(side)]
    return [None if one is None else (one.dtype, one.shape, one.tobytes()) for one in found]


@given(blocks(), blocks())
def test_any_blocks_come_back_to_the_bit(baseline, candidate):
    found = unpack(pack((baseline, candidate)))

    assert list(map(bits, found)) == list(map(bits, (baseline, candidate)))


def told(side):
    return {
        field.name: bits(side.blocks) if field.name == "blocks" else getattr(side, field.name)
        for field in fields(side)
    }


def test_a_pair_comes_back_as_it_was(make_pair, make_side):
    marks = [False, True] * 10
    pair = make_pair(
        make_side(np.linspace(1e6, 1.1e6, 20), disturbed=marks, facts={"runtime": "fake"}),
        make_side(1e6, disturbed=None, steady=None, clean_p99_ns=None, gpu_compute_ns=9e5),
        phase="confirm",
        number=3,
        first="candidate",
        watched=True,
        covariates={"before": {"load1": 0.5}},
    )

    found = read_pair(pair_row(pair))

    for side in ("baseline", "candidate"):
        assert told(getattr(found, side)) == told(getattr(pair, side))
    flat = ("phase", "number", "started_at", "first", "watched", "covariates")
    assert [getattr(found, name) for name in flat] == [getattr(pair, name) for name in flat]


def test_a_pair_of_20_noisy_blocks_a_side_takes_under_3_kilobytes(make_pair, make_side):
    noise = np.random.default_rng(0).lognormal(0, 0.02, (2, 20))
    row = pair_row(make_pair(*(make_side(1e6 * one) for one in noise)))

    assert len(row["blocks"]) < 1500
    assert sum(len(row[name]) for name in ("baseline", "candidate", "blocks")) < 3000


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_blocks_without_a_number_are_never_stored(make_side, value):
    side = make_side([value] + [1e6] * 19)

    with pytest.raises(ValueError, match="expected finite times of blocks, got NaN or infinity"):
        pack((side.blocks,))


def test_columns_of_several_lengths_are_never_stored(make_side):
    blocks = replace(make_side(1e6).blocks, queries=np.ones(19))

    with pytest.raises(ValueError, match="expected 20 blocks in each column, got other lengths"):
        pack((blocks,))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([20, 0, 1, 2], "expected whole blocks, got 4 numbers of 162"),
        ([-1, 0], "expected whole blocks, got 2 numbers of -6"),
        ([0], "expected whole blocks, got 1 numbers of 2"),
    ],
)
def test_blocks_cut_short_are_told(numbers, message):
    with pytest.raises(ValueError, match="expected") as caught:
        unpack(encode(np.array(numbers)))

    assert str(caught.value) == message


def test_blocks_of_one_side_are_no_pair(make_pair):
    pair = make_pair(1e6, 1e6)

    with pytest.raises(ValueError, match="argument 2 is shorter"):
        read_pair({**pair_row(pair), "blocks": pack((pair.baseline.blocks,))})


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("phase", "warm", "expected look or confirm in 'phase', got 'warm'"),
        ("first", "both", "expected baseline or candidate in 'first', got 'both'"),
        ("watched", None, "expected a whole number in 'watched', got None"),
        ("covariates", "3", "expected an object in 'covariates', got 3"),
        ("baseline", "[]", "expected an object in 'baseline', got []"),
        ("blocks", b"", "expected timings of version 1 or 2, got 'no bytes'"),
    ],
)
def test_a_damaged_pair_is_told(make_pair, column, value, message):
    with pytest.raises(ValueError, match="expected") as caught:
        read_pair({**pair_row(make_pair(1e6, 1e6)), column: value})

    assert str(caught.value) == message
