from types import SimpleNamespace

from harness.launch import Warm
from harness.protocol import warmup_rule
from harness.wire import Message


def test_timed_blocks_may_take_the_time_of_a_step_beyond_their_own():
    asked = []

    def ask(verb, **details):
        asked.append((verb, details))
        return Message(header={})

    warm = Warm(
        child=SimpleNamespace(ask=ask),
        pid=1,
        rule=warmup_rule("cpu"),
        start_ns=0,
        opened=Message(header={}),
        warmed=Message(header={}),
        timeout_s=300.0,
    )
    warm.block(40.0)
    details = {"timeout_s": 340.0, "block_s": 0.05, "block_queries": 3, "total_s": 40.0}
    assert asked == [("block", details)]
