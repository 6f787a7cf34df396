import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.report.units import (
    BYTES,
    CELSIUS,
    ENERGY,
    MEGAHERTZ,
    RATES,
    TIMES,
    WATTS,
    Scaled,
    aligned,
    duration,
    fraction,
    scaled,
    significant,
    size,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.001234, "0.00123"),
        (1.2, "1.20"),
        (9.996, "10.0"),
        (99.95, "100"),
        (999.5, "1000"),
        (1234, "1230"),
        (123_456, "123000"),
        (-1.234, "-1.23"),
    ],
)
def test_numbers_have_three_significant_digits_and_no_exponent(value, text):
    assert significant(value) == text


@given(st.floats(1e-6, 1e12))
def test_rounding_is_never_off_by_more_than_half_a_unit_of_the_third_digit(value):
    assert float(significant(value)) == pytest.approx(value, rel=0.00501)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (812, "812 ns"),
        (80_312, "80.3 µs"),
        (999_900, "1.00 ms"),
        (45.1e9, "45.1 s"),
        (119e9, "119 s"),
        (150e9, "2.50 min"),
        (7199e9, "120 min"),
        (40_000e9, "11.1 h"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(nanoseconds, text):
    assert duration(nanoseconds) == text


def test_bytes_are_binary():
    assert [size(13_100_000), size(512), size(3 * 2**30)] == ["12.5 MiB", "512 B", "3.00 GiB"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123, "1.2 %"), (0.12, "12 %"), (0.00034, "0.034 %"), (1.5, "150 %"), (0.0, "0 %")],
)
def test_a_fraction_is_shown_in_per_cent(value, text):
    assert fraction(value) == text


def test_decimal_points_stand_under_one_another():
    assert aligned(["80.3", "1640", "0.723", "—", "skipped"]) == (
        "     80.3  ",
        "   1640    ",
        "      0.723",
        "      —    ",
        "skipped    ",
    )


def test_a_column_has_one_unit_in_which_its_smallest_number_is_at_least_one():
    assert scaled([80_300.0, 12_300_000.0, None], TIMES) == Scaled(
        unit="µs", cells=("   80.3", "12300  ", "    —  ")
    )


def test_a_column_that_sprawls_takes_a_greater_unit():
    assert scaled([723_000.0, 111_000_000.0], TIMES) == Scaled(
        unit="ms", cells=("  0.723", "111    ")
    )


def test_a_number_that_rounds_to_the_next_unit_is_shown_in_it():
    assert scaled([999_600.0], TIMES) == Scaled(unit="ms", cells=("1.00",))
    assert scaled([999.4], RATES) == Scaled(unit="/s", cells=("999",))


def test_columns_that_share_a_span_share_its_unit():
    assert scaled([4.2e6, None], TIMES, span=[429e3, 4.2e6]) == Scaled(
        unit="µs", cells=("4200", "   —")
    )
    assert scaled([None], TIMES, span=[429e3]) == Scaled(unit="", cells=("—",))


def test_gaps_are_filled_with_the_words_given():
    assert scaled([None, 5.0], RATES, gaps=["open", ""]).cells == ("open   ", "   5.00")


def test_a_column_without_numbers_has_no_unit():
    assert scaled([None, None], BYTES) == Scaled(unit="", cells=("—", "—"))
    assert scaled([], BYTES) == Scaled(unit="", cells=())


def test_zeros_leave_the_unit_to_the_others():
    assert scaled([0.0, 5e6], TIMES) == Scaled(unit="ms", cells=("0   ", "5.00"))


@pytest.mark.parametrize(
    ("joules", "cell"),
    [(2.1, "2.10 J/sample"), (0.0021, "2.10 mJ/sample"), (3.4e-6, "3.40 µJ/sample")],
)
def test_energy_is_told_in_the_unit_that_suits_it(joules, cell):
    found = scaled([joules], ENERGY)

    assert f"{found.cells[0]} {found.unit}" == cell


def test_watts_megahertz_and_degrees_have_one_unit_each():
    units = [scaled([0.5, 2000.0], scale).unit for scale in (WATTS, MEGAHERTZ, CELSIUS)]

    assert units == ["W", "MHz", "°C"]
