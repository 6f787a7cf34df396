import pytest

from results import schema
from results.columns import check_columns

RUN = {"id": "r1", "seed": 7, "started_at": 1_767_323_045.5, "estimate_s": 42, "other": object()}


def test_a_row_of_the_right_types_passes():
    check_columns(schema.run, RUN)
    check_columns(schema.launch, {"steady": None, "started_at": 1.0})


@pytest.mark.parametrize(
    ("table", "name", "value", "message"),
    [
        (schema.run, "seed", b"", "expected a whole number in 'seed', got b''"),
        (schema.run, "id", None, "expected text in 'id', got None"),
        (
            schema.run,
            "started_at",
            4.745e18,
            "expected seconds up to the year 9999 in 'started_at', got 4.745e+18",
        ),
        (schema.run_end, "ended_at", b"", "expected a number in 'ended_at', got b''"),
        (
            schema.run_end,
            "ended_at",
            float("nan"),
            "expected seconds up to the year 9999 in 'ended_at', got nan",
        ),
        (schema.launch, "warmup_ns", "", "expected a whole number in 'warmup_ns', got ''"),
        (schema.timings, "wall_ns", "text", "expected bytes in 'wall_ns', got 'text'"),
    ],
)
def test_a_value_that_its_column_cannot_have_is_named(table, name, value, message):
    with pytest.raises(ValueError, match="expected") as caught:
        check_columns(table, {name: value})
    assert str(caught.value) == message
