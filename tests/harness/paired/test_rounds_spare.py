from results.verdict import SAME, SLOWER, UNSURE

NOISY = (1.1, 0.0151)
"""Such a pair does not count: its own error is above 1.5 %."""


def one(found):
    (case,) = found.values()
    return case.outcome


def test_pairs_that_are_disturbed_do_not_count_and_are_made_up_for(
    rounds, cases, scripted, watcher
):
    scripted.watched[0] = [True, False, True, False, False, False, True, False]

    outcome = one(rounds().measure(cases(0)))

    assert (outcome.word, outcome.estimate.pairs, len(scripted.made)) == (SAME, 5, 8)
    assert watcher.rests == [("case-0", SAME, 5)]
    assert [(number, of) for _, _, number, of, _ in watcher.pairs] == [
        (0, 5),
        (1, 6),
        (2, 6),
        (3, 7),
        (4, 7),
        (5, 7),
        (6, 7),
        (7, 8),
    ]


def test_a_case_without_five_pairs_that_count_is_unsure_and_says_so(rounds, cases, scripted):
    scripted.says[0] = 1.1
    scripted.watched[0] = [False] + [True] * 13

    outcome = one(rounds().measure(cases(0)))

    assert (outcome.word, len(scripted.made)) == (UNSURE, 14)
    assert outcome.reason == (
        "1 of 14 pairs were calm enough to count, 5 such pairs are needed; "
        "93 % of the blocks were disturbed"
    )


def test_noisy_pairs_get_others_in_their_place_twelve_at_most(rounds, cases, scripted, watcher):
    scripted.says[0] = [1.0] * 4 + [NOISY] * 12 + [1.0]

    outcome = one(rounds().measure(cases(0)))

    assert (outcome.word, outcome.estimate.pairs, len(scripted.made)) == (SAME, 5, 17)
    assert outcome.notes == ("12 of 17 pairs did not count: too disturbed or too noisy",)
    assert watcher.rests == [("case-0", SAME, 5)]
    assert [of for *_, of, _ in watcher.pairs] == [5] * 5 + [*range(6, 18)]


def test_a_case_that_is_noisy_for_ever_is_unsure_and_says_so(rounds, cases, scripted, watcher):
    scripted.says[0] = lambda _phase, number: 1.0 if number < 4 else NOISY

    outcome = one(rounds().measure(cases(0)))

    assert (outcome.word, outcome.estimate.pairs, len(scripted.made)) == (UNSURE, 4, 17)
    assert outcome.reason == ("4 of 17 pairs were calm enough to count, 5 such pairs are needed")
    assert outcome.notes == ("13 of 17 pairs did not count: too disturbed or too noisy",)
    assert watcher.rests == []


def test_a_change_whose_fresh_pairs_are_noisy_for_ever_is_unsure(rounds, cases, scripted):
    scripted.says[0] = lambda phase, number: 1.03 if phase == "look" or number < 4 else NOISY

    outcome = one(rounds().measure(cases(0)))

    assert (outcome.word, scripted.order("confirm")) == (UNSURE, [0] * 17)
    assert outcome.reason == (
        "SLOWER ×1.030 was not confirmed: 4 of 17 fresh pairs were calm enough to count, "
        "5 such pairs are needed"
    )
    assert (outcome.confirmation, outcome.notes) == (None, ())


def test_noisy_fresh_pairs_get_others_in_their_place(rounds, cases, scripted):
    scripted.says[0] = lambda phase, number: NOISY if phase == "confirm" and number < 12 else 1.03

    outcome = one(rounds().measure(cases(0)))

    assert (outcome.word, scripted.order("confirm")) == (SLOWER, [0] * 17)
    assert outcome.reason.endswith("; confirmed by 5 fresh pairs: ×1.030")


def test_fresh_pairs_that_are_disturbed_confirm_nothing(rounds, cases, scripted):
    scripted.says[0] = 1.03
    scripted.watched[0] = [False] * 5 + [False] + [True] * 13

    outcome = one(rounds().measure(cases(0)))

    assert (outcome.word, scripted.order("confirm")) == (UNSURE, [0] * 14)
    assert outcome.reason == (
        "SLOWER ×1.030 was not confirmed: 1 of 14 fresh pairs were calm enough to count, "
        "5 such pairs are needed"
    )
