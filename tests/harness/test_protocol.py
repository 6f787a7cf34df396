from dataclasses import fields, replace

from harness.protocol import resolve_protocol, warmup_rule
from suites.suite import Measure


def protocol(**changes):
    settings = {
        "measure": Measure(),
        "options": {},
        "rule": warmup_rule("cpu"),
        "loop": "blocking",
        "clock": "perf_counter_ns",
        **changes,
    }
    return resolve_protocol(**settings)


def test_a_cpu_query_is_bound_alone_and_waits_for_nothing():
    resolved = protocol()
    assert resolved.transfers == "bound"
    assert (resolved.streams, resolved.queue_depth, resolved.cuda_graph) == (1, 1, False)
    assert (resolved.sync, resolved.l2) == ("none", "n/a")
    assert (resolved.block_s, resolved.block_queries) == (0.05, 3)
    assert (resolved.warmup_s, resolved.warmup_queries, resolved.warmup_cap_s) == (0.3, 10, 5.0)


def test_a_gpu_warms_up_longer():
    resolved = protocol(rule=warmup_rule("cuda"), loop="device-stamped")
    assert (resolved.warmup_s, resolved.warmup_queries, resolved.warmup_cap_s) == (1.0, 50, 20.0)
    assert (resolved.sync, resolved.l2) == ("block", "hot")


def test_the_cases_options_are_what_the_protocol_says():
    options = {"transfers": "copied", "streams": 2, "queue_depth": 3, "cuda_graph": True}
    resolved = protocol(options=options, loop="host-synchronised")
    assert resolved.transfers == "copied"
    assert (resolved.streams, resolved.queue_depth, resolved.cuda_graph) == (2, 3, True)


def test_any_field_changes_the_fingerprint():
    base = protocol()
    others = {"str": "other", "int": 99, "float": 99.5, "bool": True}
    changed = [
        replace(base, **{field.name: others[str(field.type)]}).fingerprint for field in fields(base)
    ]
    assert len({base.fingerprint, *changed}) == 1 + len(fields(base))
    assert protocol().fingerprint == base.fingerprint
