import pytest

from engines.cuda import options

DEFAULTS = {option.name: option.default for option in options.OPTIONS}


def test_the_defaults_are_one_query_at_a_time_on_warm_caches():
    assert DEFAULTS == {
        "cuda_graph": False,
        "transfers": "bound",
        "streams": 1,
        "queue_depth": 1,
        "sync": "spin",
        "l2": "hot",
    }
    assert options.read(DEFAULTS) == options.DeviceOptions(
        cuda_graph=False,
        copied=False,
        streams=1,
        queue_depth=1,
        blocking_sync=False,
        flushed=False,
    )


def test_other_values_are_read():
    given = {
        "cuda_graph": True,
        "transfers": "copied",
        "streams": 2,
        "queue_depth": 3,
        "sync": "block",
        "l2": "flushed",
    }
    assert options.read(given) == options.DeviceOptions(
        cuda_graph=True,
        copied=True,
        streams=2,
        queue_depth=3,
        blocking_sync=True,
        flushed=True,
    )


def test_slots_go_round_the_streams():
    device = options.read({**DEFAULTS, "streams": 2, "queue_depth": 3})
    assert device.stream_of == (0, 1, 0, 1, 0, 1)


@pytest.mark.parametrize("queue", [{"streams": 2}, {"queue_depth": 2}])
def test_caches_are_not_flushed_under_queries_in_flight(queue):
    assert options.conflict({**DEFAULTS, "l2": "flushed", **queue}) == (
        "caches cannot be flushed under queries in flight; use one stream and depth 1"
    )
    assert options.conflict({**DEFAULTS, **queue}) is None


def test_caches_are_flushed_before_one_query_at_a_time():
    assert options.conflict({**DEFAULTS, "l2": "flushed"}) is None
