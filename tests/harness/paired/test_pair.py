import math
import signal
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from harness.child import ChildError
from harness.machine.reading import Facts
from harness.paired import pair as module
from harness.paired.pair import LiveSide, SideError, run_pair, turns
from harness.protocol import warmup_rule
from harness.telemetry.watch import Watch
from harness.wire import Message
from results.compare import QUADS, pair_ratio
from results.paired import BASELINE, CANDIDATE
from results.record import Failed

IDLE = Facts(values={"idle_watts": None}, unknown={})
A, B = BASELINE, CANDIDATE


def test_quads_are_abba_and_baab_in_turn():
    assert turns(3) == (A, B, B, A, B, A, A, B, A, B, B, A)


def test_a_pair_of_simulated_sides_has_their_exact_ratio(side):
    found = run_pair(
        side(A, latency_ns=1_000_000), side(B, latency_ns=1_030_000), phase="look", number=0
    )
    assert (found.phase, found.number, found.first, found.watched) == ("look", 0, A, False)
    for launch, latency_ns, queries in (
        (found.baseline, 1_000_000, 50),
        (found.candidate, 1_030_000, 49),
    ):
        blocks = launch.blocks
        for times in (blocks.median_ns, blocks.mean_ns, blocks.p95_ns, blocks.p99_ns):
            assert times.tolist() == [latency_ns] * 2 * QUADS
        assert blocks.queries.tolist() == [queries] * 2 * QUADS
        assert blocks.elapsed_ns.tolist() == [queries * latency_ns] * 2 * QUADS
        assert blocks.disturbed is None
        assert (launch.p95_ns, launch.clean_p99_ns) == (latency_ns, latency_ns)
        assert launch.clean_queries == 2 * QUADS * queries
        assert launch.first_query_ns == 10 * latency_ns
        assert (launch.steady, launch.gpu_compute_ns) == (True, None)
        assert launch.protocol.clock == "simulated"
        assert launch.facts["options"]["latency_ns"] == latency_ns
        assert launch.start_ns > 0
    ratio = pair_ratio(found)
    assert (ratio.log_ratio, ratio.se) == (pytest.approx(math.log(1.03)), pytest.approx(0.0))
    assert set(found.covariates) == {"before", "after"}
    assert "gpu" not in found.covariates["before"]


OPENING = ["describe", "open", "warm"]


def test_one_side_is_warm_before_the_other_starts_and_then_they_take_turns(side, asked):
    run_pair(side(A), side(B), phase="look", number=0, quads=2)
    opening = [(role, verb) for role in (A, B) for verb in OPENING]
    blocks = [(role, "block") for role in (A, B, *turns(2))]
    closing = [(role, verb) for verb in ("outputs", "close") for role in (A, B)]
    assert asked.verbs == opening + blocks + closing


def test_the_candidate_starts_first_in_odd_pairs_and_the_turns_stay(side, asked):
    found = run_pair(side(A), side(B), phase="look", number=1, quads=1)
    assert found.first == B
    opening = [(role, verb) for role in (B, A) for verb in OPENING]
    assert asked.verbs[:6] == opening
    assert asked.verbs[6:] == [
        *((role, "block") for role in (B, A, *turns(1))),
        (B, "close"),
        (A, "close"),
    ]


def test_each_block_is_one_and_each_side_has_a_number_of_queries_of_its_own(side, asked):
    run_pair(
        side(A, latency_ns=1_000_000),
        side(B, latency_ns=40_000_000),
        phase="look",
        number=1,
        quads=1,
    )
    blocks = [(role, fields) for role, verb, fields in asked.asks if verb == "block"]
    assert all(fields["total_s"] == 0.0 for _, fields in blocks)
    assert [(fields["block_s"], fields["block_queries"]) for _, fields in blocks[:2]] == [
        (0.05, 3)
    ] * 2
    counted = {(role, fields["block_s"], fields["block_queries"]) for role, fields in blocks[2:]}
    assert counted == {(A, 0.0, 50), (B, 0.0, 3)}


@pytest.mark.parametrize("role", [A, B])
def test_outputs_that_are_nonsense_name_their_side(side, role):
    sides = {each: side(each, failure="nan" if each == role else "none") for each in (A, B)}
    with pytest.raises(SideError) as raised:
        run_pair(sides[A], sides[B], phase="look", number=0, quads=1)
    assert raised.value.role == role
    assert raised.value.outcome == Failed(
        kind="bad-output",
        message=f"{role}: output 'y': expected numbers, got NaN in 1 of 1 values",
        hint="Give the model inputs it was made for, under `models.<name>.inputs`.",
    )


def test_outputs_are_looked_at_once_a_case(side):
    bad = side(A, failure="nan"), side(B, failure="nan")
    assert run_pair(*bad, phase="confirm", number=0, quads=1).phase == "confirm"


@pytest.mark.parametrize(
    ("role", "failure", "kind", "message", "hint"),
    [
        (
            A,
            "crash",
            "crash",
            "SIGSEGV in 'warm'",
            "The runtime's last words: fake: illegal memory access",
        ),
        (B, "open", "out-of-memory", "fake: 3 GiB wanted, 2 GiB free", "Lower the batch."),
    ],
)
def test_a_side_that_fails_is_named_and_the_other_is_ended(
    side, role, failure, kind, message, hint
):
    sides = {each: side(each, failure=failure if each == role else "none") for each in (A, B)}
    with pytest.raises(SideError) as raised:
        run_pair(sides[A], sides[B], phase="look", number=0)
    expected = Failed(kind=kind, message=f"{role}: {message}", hint=hint)
    assert raised.value.outcome == expected


def test_a_death_within_a_block_is_told_with_its_side(side, asked):
    asked.strike_at[4] = signal.SIGKILL
    with pytest.raises(SideError) as raised:
        run_pair(side(A), side(B), phase="look", number=0, quads=1)
    assert str(raised.value) == "candidate: SIGKILL in 'block'"


def test_a_side_that_hangs_in_a_block_is_found_soon(side, asked, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(module, "TIMEOUT_BLOCKS", 1)
    asked.strike_at[3] = signal.SIGSTOP
    with pytest.raises(SideError) as raised:
        run_pair(side(A), side(B), phase="look", number=1, quads=1)
    assert raised.value.outcome == Failed(
        kind="timeout",
        message="candidate: no answer to 'block' within 0.2 s, for a block of 0.05 s",
        hint="It ran before: look for what stops the query, or for a machine that slept.",
    )


def test_a_side_may_live_in_another_environment_that_has_no_dyno(side, foreign, asked):
    elsewhere = side(A, latency_ns=2_000_000)
    elsewhere = replace(elsewhere, workplace=replace(elsewhere.workplace, python=foreign))
    found = run_pair(elsewhere, side(B), phase="look", number=1, quads=1)
    assert found.baseline.blocks.median_ns.tolist() == [2_000_000] * 2
    assert asked.pythons == {A: foreign, B: sys.executable}


def test_ctrl_c_ends_both_sides(side, asked):
    asked.strike_at[3] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run_pair(side(A), side(B), phase="look", number=0)


def test_an_engine_that_is_stale_is_told_as_that(side, tmp_path):
    (tmp_path / "engine").write_text("plan of an older device", encoding="utf-8")
    with pytest.raises(SideError) as raised:
        run_pair(side(A), side(B), phase="look", number=1)
    assert (raised.value.role, raised.value.error.stale) == (B, True)


def test_with_several_streams_a_block_gives_elapsed_time_over_queries(side):
    queue = {"loop": "device-stamped", "streams": 2, "enqueue_ns": 0}
    found = run_pair(
        side(A, latency_ns=1_000_000, **queue),
        side(B, latency_ns=1_100_000, **queue),
        phase="look",
        number=0,
        quads=1,
    )
    assert found.baseline.blocks.median_ns.tolist() == [500_000] * 2
    assert found.candidate.blocks.median_ns.tolist() == [550_000] * 2
    assert found.candidate.p95_ns == 550_000
    assert found.baseline.gpu_compute_ns == 1_000_000


def watched(gpu):
    return Watch(device=None, gpu=gpu, idle=IDLE)


def test_a_device_is_watched_between_the_blocks(side, gpu):
    watch = watched(gpu(sm_mhz=1980))
    found = run_pair(side(A, watch=watch), side(B, watch=watch), phase="look", number=0, quads=2)
    assert found.watched
    assert found.baseline.blocks.disturbed.tolist() == [False] * 4
    assert found.candidate.blocks.disturbed.tolist() == [False] * 4
    assert found.covariates["sm_mhz"] == {A: 1980.0, B: 1980.0}
    for moment in ("before", "after"):
        told = found.covariates[moment]["gpu"]
        assert (told["sm_mhz"], told["other_pids"], told["other_processes"]) == (1980, [], 0)


def test_a_stranger_on_the_device_disturbs_every_block(side, gpu):
    watch = watched(gpu(others="7"))
    found = run_pair(side(A, watch=watch), side(B, watch=watch), phase="look", number=0, quads=1)
    assert found.watched
    assert found.candidate.blocks.disturbed.tolist() == [True] * 2
    assert (found.baseline.clean_p99_ns, found.baseline.clean_queries) == (None, 0)
    assert found.covariates["after"]["gpu"]["other_pids"] == [7]


def test_where_nvml_does_not_answer_nothing_is_watched(side, gpu):
    watch = watched(gpu(refuse="nvmlDeviceGetClockInfo"))
    found = run_pair(side(A, watch=watch), side(B, watch=watch), phase="look", number=0, quads=1)
    assert not found.watched
    assert found.baseline.blocks.disturbed is None
    assert found.covariates["before"]["gpu"]["sm_mhz"] is None


class Stub:
    """A worker whose blocks take so long a query, in turn; it remembers what it was asked."""

    def __init__(self, *query_ns):
        self.query_ns = list(query_ns)
        self.asked = []

    def ask(self, _verb, **fields):
        self.asked.append((fields["timeout_s"], fields["block_queries"]))
        if not self.query_ns:
            raise ChildError("timeout", "no answer to 'block' within 1 s", "")
        times = np.full(3, self.query_ns.pop(0), np.int64)
        row = [3, int(times.sum()), 0, 0, 0]
        return Message(header={"blocks": [row]}, arrays={"wall_ns": times})


def stubbed(side, stub, query_ns, *, timeout_s=300.0):
    warm = SimpleNamespace(
        child=stub,
        rule=warmup_rule("cpu"),
        opened=Message(header={"loop": "blocking", "clock": "perf_counter_ns"}),
        warmed=Message(header={"query_ns": query_ns}),
    )
    return LiveSide(side(A, timeout_s=timeout_s), warm)


@pytest.mark.parametrize(
    ("warm_ns", "settled_ns", "timeouts_s", "queries"),
    [
        (1e6, 2e6, [10.0, 10.0], 50),
        (2e6, 1e6, [10.0, 10.0], 50),
        (1e9, 1e9, [60.0, 60.0], 3),
        (9e9, 9e9, [300.0, 300.0], 3),
    ],
)
def test_a_block_is_sized_by_the_faster_of_two_and_has_time_that_fits(
    side, warm_ns, settled_ns, timeouts_s, queries
):
    stub = Stub(settled_ns, settled_ns)
    live = stubbed(side, stub, warm_ns)
    live.settle()
    live.block()
    assert stub.asked == list(zip(timeouts_s, [3, queries], strict=True))


def test_the_suite_may_allow_less_time(side):
    stub = Stub(1e6)
    stubbed(side, stub, 1e6, timeout_s=5.0).block()
    assert stub.asked == [(5.0, 3)]


def test_another_failure_of_a_block_is_told_as_it_is(side, monkeypatch):
    stub = Stub()
    error = ChildError("crash", "SIGSEGV in 'block'", "hint")
    monkeypatch.setattr(stub, "ask", lambda *_, **__: (_ for _ in ()).throw(error))
    with pytest.raises(SideError) as raised:
        stubbed(side, stub, 1e6).block()
    assert raised.value.error is error
