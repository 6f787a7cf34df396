import sys
from functools import partial

import pytest

from harness.paired import compare as module
from harness.paired import interpreter
from harness.paired.compare import comparing
from harness.paired.interpreter import InterpreterError
from harness.paired.pace import pair_s
from harness.paired.pair import run_pair
from harness.paired.rounds import Rounds
from harness.vocabulary import installed_vocabulary
from results.paired import BASELINE, CANDIDATE
from results.record import Failed
from results.verdict import INCOMPARABLE, SAME, SLOWER, UNSURE
from suites.errors import SuiteError

ID = "tiny/fake/fp32/b1"


@pytest.fixture
def compare(place):
    """Compare two cases of a suite, given by what stands behind `tiny/fake/`."""

    def compared(suite, one, other, **options):
        ids = (f"tiny/fake/{one}", f"tiny/fake/{other}")
        with comparing(
            suite,
            installed_vocabulary(),
            ids,
            store=place.store,
            observer=place.observer,
            **options,
        ) as contest:
            return contest.execute()

    return compared


@pytest.fixture
def options_of(suite_of, matrix):
    """Return a function that makes a suite with options as axes."""

    def made(**axes):
        return suite_of(matrix=matrix(**axes))

    return made


def test_the_second_case_is_judged_over_the_first_and_nothing_is_confirmed_or_stored(
    compare, options_of, scripted, watcher, place
):
    scripted.says[1] = 1.05
    suite = options_of(latency_ns=[1_000_000, 1_050_000])

    found = compare(suite, "fp32/b1/latency_ns=1000000", "fp32/b1/latency_ns=1050000")

    assert (found.suite, found.threshold) == ("simulated", 0.02)
    assert (found.case_a, found.case_b) == (
        f"{ID}/latency_ns=1000000",
        f"{ID}/latency_ns=1050000",
    )
    assert (found.outcome.word, found.outcome.confirmation) == (SLOWER, None)
    assert found.differences == ("latency_ns: 1000000 against 1050000",)
    assert scripted.made == [(1, "look", number) for number in range(5)]
    assert watcher.starts == [("comparison", 1, pytest.approx(5 * pair_s("fake")))]
    assert watcher.closings[0].case_id == f"{found.case_a} against {found.case_b}"
    assert not list(place.store.glob("*.sqlite*"))
    assert found.environment["source"]["worker"]


def test_a_case_may_be_held_against_itself(compare, suite_of):
    found = compare(suite_of(), "fp32/b1", "fp32/b1")

    assert (found.outcome.word, found.differences) == (SAME, ())


def test_each_difference_is_told_once(compare, options_of):
    found = compare(options_of(precision=["fp32", "fp16"], batch=[1, 2]), "fp32/b1", "fp16/b2")

    assert found.outcome.word == SAME
    names = [line.partition(":")[0] for line in found.differences]
    assert names == ["inputs", "precision", "effective precision", "batch"]
    assert found.differences[1:] == (
        "precision: fp32 against fp16",
        "effective precision: 'fp32' against 'fp16'",
        "batch: 1 against 2",
    )


def test_an_option_of_the_protocol_is_told_once_too(compare, options_of):
    found = compare(
        options_of(loop=["host-synchronised"], streams=[1, 2]),
        "fp32/b1/loop=host-synchronised/streams=1",
        "fp32/b1/loop=host-synchronised/streams=2",
    )

    assert found.differences == ("streams: 1 against 2",)


def test_other_transfers_are_incomparable_and_all_differences_are_told(
    compare, options_of, scripted
):
    axes = {"loop": ["host-synchronised"], "transfers": ["bound", "copied"]}

    found = compare(
        options_of(**axes),
        "fp32/b1/loop=host-synchronised/transfers=bound",
        "fp32/b1/loop=host-synchronised/transfers=copied",
    )

    assert (found.outcome.word, found.outcome.reason) == (
        INCOMPARABLE,
        "expected equal transfers, got 'bound' on the baseline and 'copied' on the candidate",
    )
    assert found.differences == ("transfers: bound against copied",)
    assert len(scripted.made) == 1


@pytest.mark.parametrize("place_of_typo", [0, 1])
def test_an_id_that_the_suite_does_not_have_is_told_with_one_like_it(
    compare, suite_of, place, place_of_typo
):
    ids = ["fp32/b1", "fp32/b1"]
    ids[place_of_typo] = "fp32/b7"

    with pytest.raises(SuiteError) as raised:
        compare(suite_of(), *ids)

    assert str(raised.value) == (
        "simulated: expected the id of a case, got 'tiny/fake/fp32/b7'. "
        f"Did you mean '{ID}'? List them with 'dyno plan SUITE'."
    )
    assert place.probed == []


@pytest.mark.parametrize(
    ("one", "other", "role"), [("b1", "b2", CANDIDATE), ("b2", "b1", BASELINE)]
)
def test_a_case_that_is_skipped_cannot_be_compared(
    compare, suite_of, matrix, scripted, one, other, role
):
    excluded = [{"batch": 2, "reason": "too slow"}]
    suite = suite_of(matrix=matrix(batch=[1, 2]), exclude=excluded)

    found = compare(suite, f"fp32/{one}", f"fp32/{other}")

    assert found.outcome == Failed(
        kind="environment",
        message=f"{role}: skipped: excluded by the suite: too slow",
        hint="'dyno plan' tells which cases can run here.",
    )
    assert found.differences == (f"batch: {one[1:]} against {other[1:]}",)
    assert scripted.made == []


def test_an_interpreter_without_the_runtime_is_told_before_anything_is_prepared(
    compare, suite_of, place, watcher
):
    place.missing["fake"] = "fake is not installed."

    found = compare(suite_of(), "fp32/b1", "fp32/b1")

    assert found.outcome == Failed(
        kind="environment",
        message=f"baseline: {sys.executable}: fake: fake is not installed. "
        "The runtime is enough there, without dyno.",
        hint="Install it there, or name another interpreter.",
    )
    assert watcher.prepared == []


def test_only_versions_that_the_backends_depend_on_are_told(compare, suite_of, place):
    place.versions["tensorrt-rtx-cu13-libs"] = "1.7.1.116"

    assert compare(suite_of(), "fp32/b1", "fp32/b1").versions[CANDIDATE] == {
        "numpy": "2.4.6",
        "python": "3.11.7",
    }


def test_a_side_that_cannot_be_built_is_named(compare, options_of):
    suite = options_of(failure=["none", "build"])

    found = compare(suite, "fp32/b1/failure=none", "fp32/b1/failure=build")

    assert found.outcome == Failed(
        kind="build",
        message="candidate: fake: the builder gave up",
        hint="Ask the builder why.",
    )


def test_a_side_that_fails_twice_in_its_pairs_is_named(compare, suite_of, scripted, side_error):
    scripted.says[0] = [1.0, *[side_error(BASELINE)] * 2]

    assert compare(suite_of(), "fp32/b1", "fp32/b1").outcome == Failed(
        kind="crash", message="baseline: SIGSEGV in 'block'", hint="The hint."
    )


def test_a_noisy_comparison_is_unsure_after_12_pairs(compare, suite_of, scripted):
    scripted.says[0] = (1.019, 0.03)

    assert compare(suite_of(), "fp32/b1", "fp32/b1").outcome.word == UNSURE


def test_the_sides_have_the_interpreters_that_were_named(
    compare, suite_of, place, monkeypatch, scripted
):
    seen = []

    def pair(baseline, candidate, **fields):
        seen.append([side.workplace.python for side in (baseline, candidate)])
        return scripted(baseline, candidate, **fields)

    monkeypatch.setattr(module, "absolute", lambda python: f"/absolute/{python.rpartition('/')[2]}")
    monkeypatch.setattr(module, "Rounds", partial(Rounds, pair=pair))
    monkeypatch.setattr("harness.build.Asker.keys", lambda _self, cases: [{}] * len(cases))
    monkeypatch.setattr("harness.build.Child", _no_child)

    found = compare(suite_of(), "fp32/b1", "fp32/b1", pythons=(None, "their-python"))

    names = [f"/absolute/{sys.executable.rpartition('/')[2]}", "/absolute/their-python"]
    assert [python for python, _ in place.probed] == names
    assert found.versions == {BASELINE: place.versions, CANDIDATE: place.versions}
    assert found.outcome.kind == "environment"


def _no_child(*_, python, **__):
    from harness.child import ChildError

    raise ChildError("environment", f"{python}: no child", "None.")


@pytest.mark.parametrize(
    ("python", "message"),
    [
        (
            "/gone/python",
            (
                "/gone/python: expected a Python interpreter, got nothing there. "
                "Name another, or make the environment anew."
            ),
        ),
        (
            "",
            (
                "'': expected a Python interpreter, got an empty path. "
                "Name one, such as .venv/bin/python."
            ),
        ),
    ],
)
def test_an_interpreter_that_is_not_there_is_told(compare, suite_of, monkeypatch, python, message):
    monkeypatch.setattr(module, "probe", interpreter.probe)

    with pytest.raises(InterpreterError) as raised:
        compare(suite_of(), "fp32/b1", "fp32/b1", pythons=(None, python))

    assert str(raised.value) == message


def test_an_interrupt_is_passed_on(compare, suite_of, watcher):
    watcher.interrupt_at = 2

    with pytest.raises(KeyboardInterrupt):
        compare(suite_of(), "fp32/b1", "fp32/b1")


def test_a_side_in_another_environment_is_built_and_measured_there(
    compare, options_of, foreign, asked, monkeypatch
):
    monkeypatch.setattr(module, "probe", interpreter.probe)
    monkeypatch.setattr(module, "Rounds", partial(Rounds, pair=partial(run_pair, quads=1)))
    suite = options_of(latency_ns=[1_000_000, 1_050_000])

    found = compare(
        suite,
        "fp32/b1/latency_ns=1000000",
        "fp32/b1/latency_ns=1050000",
        pythons=(None, foreign),
    )

    assert found.outcome.word == SLOWER
    assert found.outcome.estimate.ratio == pytest.approx(1.05)
    assert (asked.pythons[BASELINE], asked.pythons[CANDIDATE]) == (sys.executable, foreign)
    assert asked.pythons["keys"] == foreign
    assert found.versions[CANDIDATE].keys() == {"numpy", "python"}
