from dataclasses import replace

from results.record import RunResume
from results.report.footnotes import footnotes, machine_notes, marks, tails
from results.rules import STATISTICS_VERSION
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
        "9 What the engine says of itself. #5: 2 of 9 nodes run on another provider.",
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


def test_what_engines_say_is_one_note_with_the_cases_of_each_remark(run, summaries):
    said = {
        0: replace(summaries[0], remarks=("1 of 2 operators compute in int8.", "spun\ndown")),
        1: replace(summaries[0], remarks=("1 of 2 operators compute in int8.",)),
    }

    (note,) = footnotes(measured(run, said))

    assert note.text == (
        "What the engine says of itself. #1, #2: 1 of 2 operators compute in int8; #1: spun down."
    )
    assert marks([note]) == {0: "1", 1: "1"}


def test_a_clean_case_has_no_notes(run, summaries):
    assert footnotes(measured(run, {0: summaries[0]})) == ()


def finding_of(name, level="warning", finding="powersave"):
    return {
        "id": name,
        "level": level,
        "finding": finding,
        "effect": "The clock drops in pauses.",
        "remedy": "Let the clock stay up:",
        "command": "true",
    }


def diagnosed(run, *findings, resumed=()):
    environment = {**run.record.environment, "doctor": list(findings)}
    resume = RunResume(number=1, resumed_at=1.0, environment={"doctor": list(resumed)})
    record = replace(run.record, environment=environment)
    return replace(run, record=record, resumes=(resume,) if resumed else ())


def test_what_the_doctor_warned_of_is_noted_and_nothing_less(run):
    diagnosis = (
        finding_of("governor"),
        finding_of("turbo", "note"),
        finding_of("quota", "unknown"),
    )

    assert machine_notes(diagnosed(run, *diagnosis)) == (
        "Machine, governor: powersave. The clock drops in pauses. What to do: dyno doctor.",
    )


def test_the_way_to_the_remedies_is_told_once(run):
    notes = machine_notes(
        diagnosed(run, finding_of("governor"), finding_of("load", finding="2 of 2"))
    )

    assert notes == (
        "Machine, governor: powersave. The clock drops in pauses.",
        "Machine, load: 2 of 2. The clock drops in pauses. What to do: dyno doctor.",
    )


def test_a_resumed_run_adds_what_was_found_when_it_went_on(run):
    resumed = (finding_of("governor", finding="schedutil"), finding_of("load"))

    notes = machine_notes(diagnosed(run, finding_of("governor"), resumed=resumed))

    assert [note.partition(". ")[0] for note in notes] == [
        "Machine, governor: powersave",
        "Machine, load: powersave",
    ]


def test_a_run_without_a_doctor_has_no_notes_on_the_machine(run):
    assert machine_notes(run) == ()
    assert machine_notes(diagnosed(run)) == ()


def test_an_engine_that_was_damaged_in_the_cache_is_noted_with_what_was_wrong(run, summaries):
    record = replace(run.cases[0].record, facts={"cache_damage": "engine: \x1bchecksum differs"})
    hit = replace(run, cases=(replace(run.cases[0], record=record), *run.cases[1:]))

    (note,) = footnotes(measured(hit, {0: summaries[0]}))

    assert note.text == (
        "The engine was in the cache but damaged, and was built anew. "
        "#1: engine: \\x1bchecksum differs."
    )


def test_a_summary_by_older_rules_is_noted_where_raw_timings_were_pruned(run, summaries):
    older = replace(summaries[0], notes=("older-statistics",), statistics_version=0)

    (note,) = footnotes(measured(run, {0: older}))

    assert note.text == (
        "By older rules: the raw timings were pruned, so this cannot be computed by version "
        f"{STATISTICS_VERSION} of the statistics. #1: version 0."
    )
