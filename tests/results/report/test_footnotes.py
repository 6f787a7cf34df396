from dataclasses import replace

from results.report.footnotes import footnotes, marks, tails
from results.totals import measured


def test_each_rule_is_stated_once_with_the_cases_it_hit(run, summaries):
    found = footnotes(measured(run, summaries))

    assert [f"{note.number} {note.text}" for note in found] == [
        (
            "1 Not enough queries (slow ones in a row count less): a 95 % interval needs 72 for "
            "p95, 368 for p99, 3688 for p99.9. #2, #3: 1200 for p99.9; #5: 60 for p95 and p99, "
            "1200 for p99.9."
        ),
        (
            "2 Wider than the target: the interval of p50 exceeds ± 2 %. "
            "#3: stopped by the cap on launches; #5: stopped by the cap on time."
        ),
        "3 Fewer than 5 launches: too few fresh processes for a sure interval. #5: 2 launches.",
        (
            "4 Consecutive launches: the case's own filled more than half of the time from its "
            "first to its last, so the interval may be too narrow. Put more cases into the run. "
            "#5: 93 % of the time."
        ),
        (
            "5 No steady state: block medians still moved at the warm-up's cap of 5 s. "
            "#3: 25 % of launches."
        ),
        "6 Warm-up not judged: queries are too slow for 8 blocks within its cap of 5 s. #2.",
        (
            "7 Disturbed: in more than 10 % of the timed blocks the thread had less than 97 % of a "
            "CPU. #2: 14 % of blocks."
        ),
        "8 Ran in another precision than asked. #5: fp32 asked, bf16 ran.",
        "9 The engine says: 2 of 9 nodes run on another provider. #5.",
    ]


def test_a_case_is_marked_with_the_numbers_of_its_notes(run, summaries):
    found = marks(footnotes(measured(run, summaries)))

    assert found == {1: "1 6 7", 2: "1 2 5", 4: "1 2 3 4 8 9"}


def test_p99_9_is_shown_and_noted_only_where_a_case_has_it(run, summaries):
    without = measured(run, {position: summaries[position] for position in (1, 2)})

    assert tails(without) == ("p90", "p95", "p99")
    assert tails(measured(run, summaries)) == ("p90", "p95", "p99", "p99_9")
    assert not any("Not enough queries" in note.rule for note in footnotes(without))


def test_launches_at_levels_so_different_that_p50_exceeds_p90_are_noted(run, summaries):
    crossed = replace(summaries[0], notes=("levels",))

    (note,) = footnotes(measured(run, {0: crossed}))

    assert note.text == (
        "The launches differ in level: p50 is their geometric mean, p90 and up are over all "
        "queries. #1."
    )


def test_a_clean_case_has_no_notes(run, summaries):
    assert footnotes(measured(run, {0: summaries[0]})) == ()
