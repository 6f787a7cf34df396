from types import SimpleNamespace

import pytest

from harness.folders import Folders
from harness.launch import Warm, Workplace
from harness.protocol import warmup_rule
from harness.wire import Message
from suites.suite import Measure


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


@pytest.mark.parametrize(("role", "name"), [("", "3.log"), ("baseline", "3-baseline.log")])
def test_the_workers_of_a_side_have_a_log_of_their_own(tmp_path, role, name):
    workplace = Workplace(
        measure=Measure(),
        closure=tmp_path,
        folders=Folders(store=tmp_path, run_id="r"),
        devices={},
        role=role,
    )
    ready = SimpleNamespace(planned=SimpleNamespace(position=3))
    assert workplace.log(ready) == tmp_path / "logs" / "r" / name
