import numpy as np
import pytest

from harness import blocks
from harness.blocks import Usage, block_length, timed_blocks
from harness.timing import Timings


class Device:
    """A loop whose query i of the whole run lasts `latency(i)`."""

    def __init__(self, latency):
        self.latency = latency
        self.lengths = []

    def __call__(self, queries, *, edge):
        first = sum(self.lengths)
        self.lengths.append(queries)
        edge()
        edge()
        wall = np.array([self.latency(first + i) for i in range(queries)], np.int64)
        return lambda: Timings(elapsed_ns=int(wall.sum()), wall_ns=wall)


@pytest.mark.parametrize(
    ("query_ns", "queries"),
    [(1_000_000, 50), (16_000_000, 4), (25_000_000, 3), (1e9, 3), (0.0, 50_000_000)],
)
def test_a_block_is_fifty_milliseconds_or_three_queries(query_ns, queries):
    assert block_length(0.05, 3, query_ns) == queries


def test_blocks_follow_each_other_until_they_last_long_enough():
    loop = Device(lambda _: 1_000_000)
    done = timed_blocks(loop, block_s=0.05, block_queries=3, total_s=0.5, query_ns=1e6)
    assert loop.lengths == [50] * 10
    assert [len(block.timings.wall_ns) for block in done] == [50] * 10


def test_each_block_sizes_the_next():
    loop = Device(lambda i: 1_000_000 if i < 50 else 2_000_000)
    timed_blocks(loop, block_s=0.05, block_queries=3, total_s=0.2, query_ns=1e6)
    assert loop.lengths == [50, 50, 25]


def test_queries_side_by_side_fill_a_block_at_their_rate_not_at_their_latency():
    lengths = []

    def loop(queries, *, edge):
        lengths.append(queries)
        edge()
        edge()
        wall = np.full(queries, 4_000_000, np.int64)
        return lambda: Timings(elapsed_ns=queries * 1_000_000, wall_ns=wall)

    timed_blocks(loop, block_s=0.05, block_queries=3, total_s=0.15, query_ns=1e6)
    assert lengths == [50, 50, 50]


def test_one_block_is_run_when_no_total_is_asked_for():
    loop = Device(lambda _: 1_000_000)
    timed_blocks(loop, block_s=0.05, block_queries=3, total_s=0.0, query_ns=1e6)
    assert loop.lengths == [50]


def test_a_block_carries_what_was_used_between_its_edges(monkeypatch):
    readings = iter(
        [
            Usage(cpu_ns=100, voluntary_switches=1, involuntary_switches=10),
            Usage(cpu_ns=350, voluntary_switches=3, involuntary_switches=15),
        ]
    )
    monkeypatch.setattr(blocks, "usage", lambda: next(readings))
    block = blocks.timed_block(Device(lambda _: 7), 2)
    assert block.used == Usage(cpu_ns=250, voluntary_switches=2, involuntary_switches=5)
    assert block.timings.elapsed_ns == 14


def test_usage_grows_while_the_process_computes():
    before = blocks.usage()
    while blocks.usage().cpu_ns == before.cpu_ns:
        pass
    assert blocks.usage().cpu_ns > before.cpu_ns
