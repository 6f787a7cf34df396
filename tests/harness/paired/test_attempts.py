from dataclasses import replace

import pytest

from results.paired import BASELINE, CANDIDATE
from results.record import Failed
from results.verdict import SAME, SLOWER

CRASHED = Failed(kind="crash", message="candidate: SIGSEGV in 'block'", hint="The hint.")


def one(found):
    (case,) = found.values()
    return case.outcome


def test_a_pair_in_which_a_side_fails_is_made_again_and_that_is_told(
    rounds, cases, scripted, side_error
):
    scripted.says[0] = [1.0, side_error(CANDIDATE), 1.0, 1.0, 1.0, 1.0]

    outcome = one(rounds().measure(cases(0)))

    assert [number for _, _, number in scripted.made] == [0, 1, 1, 2, 3, 4]
    assert rounds.kept == [("case-0", "look", number) for number in range(5)]
    assert outcome.word == SAME
    assert outcome.notes == ("a pair was made again: candidate: SIGSEGV in 'block'",)


@pytest.mark.parametrize("role", [BASELINE, CANDIDATE])
def test_a_side_that_fails_twice_is_named_and_the_rest_goes_on(
    rounds, cases, scripted, watcher, side_error, role
):
    scripted.says[1] = [1.0, side_error(role), side_error(role)]

    found = rounds().measure(cases(0, 1, 2))

    failed = replace(CRASHED, message=f"{role}: SIGSEGV in 'block'")
    assert found["case-1"].outcome == failed
    assert watcher.closings[0].outcome == failed
    assert (found["case-0"].outcome.word, found["case-2"].outcome.word) == (SAME, SAME)
    assert scripted.order().count(1) == 3


def test_a_case_that_fails_twice_while_it_is_confirmed_is_failed(
    rounds, cases, scripted, side_error
):
    fresh = [1.03, side_error(BASELINE), side_error(CANDIDATE)]
    scripted.says |= {0: [1.03] * 5 + fresh, 1: 1.03}

    found = rounds().measure(cases(0, 1))

    assert found["case-0"].outcome == CRASHED
    assert (found["case-1"].outcome.word, scripted.order("confirm").count(1)) == (SLOWER, 5)


def test_a_failure_leaves_the_family_to_those_that_were_judged(rounds, cases, scripted, side_error):
    scripted.says |= {0: 1.03, 1: [side_error(CANDIDATE)] * 2}

    found = rounds(confirms=False).measure(cases(0, 1))

    assert found["case-0"].outcome.reason.endswith("after 5 pairs, significant")


def test_a_stale_engine_is_built_again_once_for_all_cases_that_share_it(
    rounds, cases, scripted, side_error
):
    stale = side_error(CANDIDATE, message="from another device", stale=True)
    scripted.says[0] = [stale, side_error(CANDIDATE), *[1.0] * 5]
    asked, seen = [], []

    def rebuild(side):
        asked.append(side.role)
        built = replace(side.ready.built, facts={"new": True})
        return replace(side, ready=replace(side.ready, built=built))

    def pair(baseline, candidate, **told):
        position = candidate.ready.planned.position
        seen.append((position, baseline.ready.built.facts, candidate.ready.built.facts))
        return scripted(baseline, candidate, **told)

    found = rounds(rebuild=rebuild, pair=pair).measure(cases(0, 1))

    assert asked == [CANDIDATE]
    new = {"new": True}
    first, *others = (facts for position, *facts in seen if position == 0)
    assert (first, others) == ([{}, {}], [[new, new]] * 6)
    assert [facts for position, *facts in seen if position == 1][-4:] == [[new, new]] * 4
    assert found["case-0"].outcome.notes == (
        "an engine was built again: candidate: from another device",
        "a pair was made again: candidate: SIGSEGV in 'block'",
    )
    assert found["case-1"].outcome.notes == ()


def test_both_sides_may_be_stale(rounds, cases, scripted, side_error):
    stale = [side_error(role, message="old", stale=True) for role in (BASELINE, CANDIDATE)]
    scripted.says[0] = [*stale, *[1.0] * 5]
    asked = []

    def rebuild(side):
        asked.append((side.role, side.ready.built.key))
        return side

    sides = cases(0, **{BASELINE: "old-runtime", CANDIDATE: "new-runtime"})
    outcome = one(rounds(rebuild=rebuild).measure(sides))

    assert outcome.word == SAME
    assert asked == [(BASELINE, "old-runtime"), (CANDIDATE, "new-runtime")]


def test_an_engine_that_is_stale_again_is_not_built_a_third_time(
    rounds, cases, scripted, side_error
):
    stale = side_error(BASELINE, message="from another device", stale=True)
    scripted.says |= {0: lambda *_: stale, 1: lambda *_: stale}
    asked = []

    def rebuild(side):
        asked.append(side)
        return side

    found = rounds(rebuild=rebuild).measure(cases(0, 1))

    failed = replace(CRASHED, message="baseline: from another device")
    assert [case.outcome for case in found.values()] == [failed, failed]
    assert len(asked) == 1
    assert len(scripted.made) == 3


def test_an_engine_that_cannot_be_built_again_fails_its_case(rounds, cases, scripted, side_error):
    scripted.says[0] = [side_error(BASELINE, stale=True)]
    gone = Failed(kind="build", message="baseline: the builder gave up", hint="Ask it.")

    assert one(rounds(rebuild=lambda _side: gone).measure(cases(0))) == gone
