from dataclasses import replace

import pytest

from harness.paired.pace import pair_s
from harness.paired.rounds import joined
from harness.rotation import round_order
from results.compare import LOOKS
from results.paired import BASELINE, CANDIDATE
from results.record import Failed
from results.verdict import FASTER, INCOMPARABLE, SAME, SLOWER, UNSURE

GUESS_S = pair_s("fake")


def apart(low, high):
    """Return what pairs say that are each calm, and so far from each other: high, low, high …"""
    return lambda _phase, number: low if number % 2 else high


UNSETTLED = apart(0.98, 1.06)
"""Neither a change nor its absence is shown by such pairs, however many there are."""
CRASHED = Failed(kind="crash", message="candidate: SIGSEGV in 'block'", hint="The hint.")


@pytest.fixture
def two_seconds(monkeypatch):
    """Every pair takes two seconds."""
    monkeypatch.setattr("harness.paired.rounds.stopwatch", lambda: lambda: 2_000_000_000)


def words(found):
    return {case_id: case.outcome.word for case_id, case in found.items()}


def one(found):
    (case,) = found.values()
    return case.outcome


def test_pair_k_of_every_case_comes_before_pair_k_plus_1_in_an_order_by_the_seed(
    rounds, cases, scripted
):
    found = rounds().measure(cases(0, 1, 2, 3))

    assert words(found) == {f"case-{k}": SAME for k in range(4)}
    orders = [round_order((0, 1, 2, 3), seed=7, number=number) for number in range(5)]
    assert scripted.order() == [position for order in orders for position in order]
    assert len(set(orders)) > 1
    assert [number for _, _, number in scripted.made] == [k for k in range(5) for _ in range(4)]


def test_every_pair_is_kept_with_its_case_and_number(rounds, cases, scripted):
    scripted.says[0] = 1.03

    rounds().measure(cases(0))

    assert rounds.kept == [("case-0", phase, k) for phase in ("look", "confirm") for k in range(5)]


@pytest.mark.parametrize(
    ("says", "pairs", "word"),
    [
        (1.0, 5, SAME),
        (apart(1.03 / 1.017, 1.03 * 1.017), 8, SLOWER),
        (apart(1.03 / 1.025, 1.03 * 1.025), 12, SLOWER),
        (UNSETTLED, 12, UNSURE),
    ],
)
def test_a_case_stops_at_the_look_that_decides_it(
    rounds, cases, scripted, watcher, says, pairs, word
):
    scripted.says[0] = says

    outcome = one(rounds(confirms=False).measure(cases(0)))

    assert (outcome.word, outcome.estimate.pairs, len(scripted.made)) == (word, pairs, pairs)
    assert [count for *_, count in watcher.rests] == [k for k in LOOKS if k <= pairs]
    assert [told for _, told, _ in watcher.rests] == [None] * (len(watcher.rests) - 1) + [word]


def test_a_case_that_is_decided_leaves_the_others_to_go_on(rounds, cases, scripted):
    scripted.says[1] = UNSETTLED

    found = rounds().measure(cases(0, 1))

    assert words(found) == {"case-0": SAME, "case-1": UNSURE}
    assert (scripted.order().count(0), scripted.order().count(1)) == (5, 12)


@pytest.mark.parametrize(("ratio", "word"), [(1.03, SLOWER), (0.97, FASTER)])
def test_a_change_is_confirmed_by_as_many_fresh_pairs(
    rounds, cases, scripted, watcher, ratio, word
):
    scripted.says[0] = ratio

    outcome = one(rounds().measure(cases(0, 1)[:1]))

    assert (outcome.word, outcome.confirmation.confirmed) == (word, True)
    assert outcome.reason.endswith(f"; confirmed by 5 fresh pairs: ×{ratio:.3f}")
    assert scripted.order("confirm") == [0] * 5
    assert watcher.confirmations == [1]
    assert [case.outcome for case in watcher.closings] == [outcome]


def test_what_fresh_pairs_do_not_show_is_unsure(rounds, cases, scripted):
    scripted.says[0] = lambda phase, _number: 1.031 if phase == "look" else 1.004

    outcome = one(rounds().measure(cases(0)))

    assert (outcome.word, outcome.confirmation.confirmed) == (UNSURE, False)
    assert outcome.reason == "SLOWER ×1.031 was not confirmed by 5 fresh pairs: ×1.004"


def test_confirmations_rotate_too_and_only_changes_are_confirmed(rounds, cases, scripted, watcher):
    scripted.says |= {1: 1.03, 3: 0.96}

    rounds().measure(cases(0, 1, 2, 3))

    orders = [round_order((1, 3), seed=7, number=number) for number in range(5)]
    assert scripted.order("confirm") == [position for order in orders for position in order]
    assert watcher.confirmations == [2]


def test_without_confirmation_a_change_stands_as_it_is(rounds, cases, scripted, watcher):
    scripted.says[0] = 1.03

    outcome = one(rounds(confirms=False).measure(cases(0)))

    assert (outcome.word, outcome.confirmation) == (SLOWER, None)
    assert (scripted.order("confirm"), watcher.confirmations) == ([], [])


def test_a_change_that_is_not_significant_among_all_goes_on_to_its_next_look(
    rounds, cases, scripted, watcher
):
    scripted.says[0] = (1.03, 0.0149)

    found = rounds().measure(cases(*range(20)))

    assert watcher.rests[-1] == ("case-0", SLOWER, 8)
    assert ("case-0", SLOWER, 5) in watcher.rests
    outcome = found["case-0"].outcome
    assert (outcome.word, outcome.estimate.pairs) == (SLOWER, 8)
    assert scripted.order("look").count(0) == scripted.order("confirm").count(0) == 8
    assert scripted.order("look").count(1) == 5


def test_the_same_change_alone_is_significant_at_once(rounds, cases, scripted):
    scripted.says[0] = (1.03, 0.0149)

    assert one(rounds(confirms=False).measure(cases(0))).estimate.pairs == 5


def test_sides_that_differ_are_incomparable_after_one_pair(rounds, cases, scripted, watcher):
    def difference(baseline, candidate):
        assert (baseline.inputs_sha256, candidate.precision) == ("1", "fp32")
        return "expected equal clock"

    found = rounds(difference=difference).measure(cases(0))

    outcome = one(found)
    assert (outcome.word, outcome.reason) == (INCOMPARABLE, "expected equal clock")
    assert (outcome.estimate, len(scripted.made), len(rounds.kept)) == (None, 1, 1)
    assert [case.outcome for case in watcher.closings] == [outcome]
    assert watcher.rests == []


def test_sides_are_held_against_each_other_at_the_first_pair_only(rounds, cases):
    asked = []

    rounds(difference=lambda *terms: asked.append(terms)).measure(cases(0))

    assert len(asked) == 1


@pytest.mark.usefixtures("two_seconds")
def test_the_time_left_and_the_pairs_to_the_next_look_are_told(rounds, cases, scripted, watcher):
    scripted.says[1] = UNSETTLED

    rounds().measure(cases(0, 1))

    first, second, *rest = watcher.pairs
    assert [told[1:4] for told in (first, second)] == [("look", 0, 5)] * 2
    assert first[4] == pytest.approx(10 * GUESS_S)
    assert second[4] == pytest.approx(4 * 2.0 + 5 * GUESS_S)
    assert [left_s for *_, left_s in rest[:8]] == [2.0 * pairs for pairs in range(8, 0, -1)]
    assert [told[1:] for told in rest[8:]] == [
        *(("look", number, 8, 2.0 * (8 - number)) for number in range(5, 8)),
        *(("look", number, 12, 2.0 * (12 - number)) for number in range(8, 12)),
    ]


@pytest.mark.usefixtures("two_seconds")
def test_the_time_left_of_a_confirmation_counts_down_over_its_cases(
    rounds, cases, scripted, watcher
):
    scripted.says |= {0: 1.03, 1: 1.05}

    rounds().measure(cases(0, 1))

    fresh = [told for told in watcher.pairs if told[1] == "confirm"]
    assert [left_s for *_, left_s in fresh] == [2.0 * pairs for pairs in range(10, 0, -1)]
    assert {of for *_, of, _ in fresh} == {5}


@pytest.mark.usefixtures("two_seconds")
def test_a_case_that_fails_takes_no_more_time(rounds, cases, scripted, watcher, side_error):
    first, second = round_order((0, 1), seed=7, number=0)
    scripted.says[first] = [side_error(CANDIDATE)] * 2

    times_s = {}
    rounds(times_s=times_s).measure(cases(0, 1))

    assert watcher.pairs[1][4] == pytest.approx(5 * GUESS_S)
    assert times_s == {f"case-{first}": 2.0, f"case-{second}": 10.0}


@pytest.mark.usefixtures("two_seconds")
def test_the_time_of_a_case_has_its_fresh_pairs(rounds, cases, scripted):
    scripted.says[0] = 1.03
    times_s = {}

    rounds(times_s=times_s).measure(cases(0))

    assert times_s == {"case-0": 20.0}


def test_an_interrupt_leaves_what_the_pairs_until_then_say(
    rounds, cases, scripted, watcher, side_error
):
    scripted.says |= {0: 1.03, 1: [side_error(CANDIDATE)] * 2, 2: UNSETTLED}
    made = rounds()
    watcher.interrupt_at = 5 + 1 + 5 + 2

    with pytest.raises(KeyboardInterrupt):
        made.measure(cases(0, 1, 2))

    found = made.so_far()
    assert found["case-1"].outcome == CRASHED
    assert words({k: v for k, v in found.items() if k != "case-1"}) == {
        "case-0": UNSURE,
        "case-2": UNSURE,
    }
    assert found["case-0"].outcome.reason == (
        "SLOWER ×1.030 was not confirmed: the gate was interrupted"
    )
    assert found["case-2"].outcome.estimate.pairs == 7


def test_an_interrupt_while_changes_are_confirmed_confirms_none(rounds, cases, scripted, watcher):
    scripted.says |= {0: 1.03, 1: 0.97}
    made = rounds()
    watcher.interrupt_at = 20 + 4

    with pytest.raises(KeyboardInterrupt):
        made.measure(cases(0, 1, 2, 3))

    assert words(made.so_far()) == {
        "case-0": UNSURE,
        "case-1": UNSURE,
        "case-2": SAME,
        "case-3": SAME,
    }


def test_an_interrupt_before_the_first_pair_leaves_every_case(rounds, cases, watcher):
    made = rounds()
    watcher.interrupt_at = 0

    with pytest.raises(KeyboardInterrupt):
        made.measure(cases(0, 1))

    outcomes = [case.outcome for case in made.so_far().values()]
    assert [(each.word, each.reason) for each in outcomes] == [
        (UNSURE, "0 pairs, 5 are needed")
    ] * 2


def test_an_interrupt_while_a_verdict_is_told_does_not_lose_it(rounds, cases, watcher, monkeypatch):
    def interrupted(_case):
        raise KeyboardInterrupt

    monkeypatch.setattr(watcher, "closed", interrupted)
    made = rounds()

    with pytest.raises(KeyboardInterrupt):
        made.measure(cases(0, 1))

    assert words(made.so_far()) == {"case-0": SAME, "case-1": SAME}


def test_no_case_at_all_is_no_verdict(rounds):
    assert rounds().measure([]) == {}


def test_cases_are_joined_in_order_and_a_failure_on_either_side_is_theirs(cases):
    first, second, third = cases(2, 0, 1)
    failed = replace(CRASHED, message="candidate: gone")

    found, others = joined(
        {"a": 2, "b": 0, "c": 1, "d": 3},
        {"a": first.baseline, "b": second.baseline, "c": CRASHED},
        {
            "a": first.candidate,
            "b": second.candidate,
            "c": third.candidate,
            "d": failed,
        },
    )

    assert [(case.position, case.case_id) for case in found] == [(0, "b"), (2, "a")]
    assert found[0].baseline is second.baseline
    assert others == {"c": CRASHED, "d": failed}


@pytest.mark.parametrize("role", [BASELINE, CANDIDATE])
def test_a_side_whose_idle_pool_spins_gets_no_pair_and_the_others_go_on(
    rounds, cases, scripted, watcher, role
):
    fit, unfit = cases(0, 1)
    spun = getattr(unfit, role)
    planned = replace(spun.ready.planned, options={"threads": 2, "spinning": True})
    spun = replace(spun, ready=replace(spun.ready, planned=planned))

    found = rounds().measure([fit, replace(unfit, **{role: spun})])

    assert words(found) == {"case-0": SAME, "case-1": INCOMPARABLE}
    assert scripted.order() == [0] * 5
    assert found["case-1"] in watcher.closings
    assert found["case-1"].outcome.reason == (
        "expected no idle pool that spins in the other side's blocks, got spinning with 2 threads "
        f"on the {role}. Take spinning: false, or threads: 1"
    )
