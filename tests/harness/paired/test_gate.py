from dataclasses import replace
from functools import partial

import pytest

from harness.paired.pace import pair_s
from harness.paired.pair import run_pair
from harness.paired.rounds import Rounds
from results.compare import pair_ratio
from results.gate_record import Changes
from results.paired import BASELINE, CANDIDATE
from results.record import Failed
from results.store import StoreError
from results.verdict import INCOMPARABLE, SAME, SLOWER, UNSURE, Verdict


@pytest.fixture
def two(suite_of, matrix):
    """A suite of two cases."""
    return suite_of(matrix=matrix(batch=[1, 2]))


def words(found):
    return {
        case.case_id.partition("fp32/")[2]: getattr(case.outcome, "word", "FAILED")
        for case in found.cases
    }


def options(case, **changes):
    return replace(case, options={**case.options, **changes})


def test_a_gate_is_stored_with_its_pairs_and_verdicts_and_its_end(place, two, scripted):
    place.pin(two)
    scripted.says[1] = 1.03

    found = place.gate(two)

    assert words(found) == {"b1": SAME, "b2": SLOWER}
    assert [case.position for case in found.cases] == [0, 1]
    assert (found.end.state, found.record.changes) == ("done", Changes())
    assert (found.record.kind, found.record.threshold, found.record.only) == ("gate", 0.02, "")
    assert found.record.baseline_id == found.baseline.id
    assert found.record.environment["source"]["worker"] == place.started.staging.closure.name
    pairs = place.gates.pairs(found.record.id, "tiny/fake/fp32/b2")
    assert [(pair.phase, pair.number) for pair in pairs] == [
        (phase, number) for phase in ("look", "confirm") for number in range(5)
    ]
    assert {round(pair_ratio(pair).log_ratio, 4) for pair in pairs} == {0.0296}


def test_what_a_gate_does_is_told(place, two, watcher):
    place.pin(two)

    found = place.gate(two)

    assert watcher.prepared[-4:] == [
        ("engines", 1, 2),
        ("engines", 2, 2),
        ("engines of the baseline", 1, 2),
        ("engines of the baseline", 2, 2),
    ]
    what = f"gate {found.record.id}: simulated against main"
    assert watcher.starts == [(what, 2, pytest.approx(2 * 5 * pair_s("fake")))]
    assert watcher.settlements == []
    assert {case.case_id for case in watcher.closings} == {case.case_id for case in found.cases}
    assert place.started.times_s.keys() == {case.case_id for case in found.cases}


def test_cases_that_are_new_or_gone_are_incomparable_and_the_rest_is_judged(
    place, suite_of, matrix, watcher
):
    place.pin(suite_of(matrix=matrix(batch=[1, 2, 4])))

    found = place.gate(suite_of(matrix=matrix(batch=[1, 8])))

    assert words(found) == {
        "b1": SAME,
        "b8": INCOMPARABLE,
        "b2": INCOMPARABLE,
        "b4": INCOMPARABLE,
    }
    assert [case.position for case in found.cases] == [0, 1, 2, 3]
    assert found.record.changes == Changes(
        new=("tiny/fake/fp32/b8",), gone=("tiny/fake/fp32/b2", "tiny/fake/fp32/b4")
    )
    _, new, gone, _ = (case.outcome.reason for case in found.cases)
    assert new == "it is new since the pin. Have it pinned with 'dyno baseline rebase main SUITE'"
    assert gone == "the suite no longer has a case of this id"
    assert [case.case_id for case in watcher.settlements] == [
        case.case_id for case in found.cases[1:]
    ]
    assert watcher.starts[0][1:] == (4, pytest.approx(5 * pair_s("fake")))


def test_of_a_part_of_the_suite_nothing_is_gone(place, two):
    place.pin(two)

    found = place.gate(two, only=(("batch", "2"),))

    assert words(found) == {"b2": SAME}
    assert (found.record.only, found.record.changes) == ("batch=2", Changes())


def test_a_pinned_case_that_is_skipped_here_is_failed_and_never_green(place, two, suite_of, matrix):
    place.pin(two)
    skipping = suite_of(
        matrix=matrix(batch=[1, 2]), exclude=[{"batch": 2, "reason": "it takes too long"}]
    )

    found = place.gate(skipping)

    assert words(found) == {"b1": SAME, "b2": "FAILED"}
    assert found.cases[1].outcome == Failed(
        kind="environment",
        message="candidate: skipped: excluded by the suite: it takes too long",
        hint="Mend that here, or exclude the case and pin again with 'dyno baseline rebase'.",
    )


def test_other_inputs_are_incomparable_without_a_pair_and_told_as_a_change(
    place, suite_of, scripted
):
    place.pin(suite_of())

    found = place.gate(suite_of(seed=7))

    (case,) = found.cases
    assert found.record.changes == Changes(changed={"tiny/fake/fp32/b1": "inputs"})
    assert case.outcome.word == INCOMPARABLE
    assert case.outcome.reason.startswith("inputs: pinned were ")
    assert scripted.made == []


def test_a_baseline_of_another_device_is_incomparable(place, suite_of, scripted):
    place.pin(suite_of(), change=lambda made: replace(made, devices={"fake": "another"}))

    found = place.gate(suite_of())

    (case,) = found.cases
    assert case.outcome == Verdict(
        word=INCOMPARABLE, reason="device: pinned on another, and this is fake"
    )
    assert (scripted.made, found.end.state) == ([], "done")


def test_a_baseline_runs_with_the_options_that_were_pinned(place, suite_of, scripted, monkeypatch):
    seen = []

    def pair(baseline, candidate, **fields):
        seen.append([side.ready.planned.case.options for side in (baseline, candidate)])
        return scripted(baseline, candidate, **fields)

    monkeypatch.setattr("harness.paired.gate.Rounds", partial(Rounds, pair=pair))
    place.pin(
        suite_of(),
        change=lambda made: replace(made, cases=(options(made.cases[0], latency_ns=970_000),)),
    )

    found = place.gate(suite_of())

    assert found.record.changes.changed == {
        "tiny/fake/fp32/b1": "option latency_ns: 970000 → 1000000"
    }
    assert found.cases[0].case_id == "tiny/fake/fp32/b1"
    baseline, candidate = seen[0]
    assert (("latency_ns", 970_000) in baseline, candidate) == (True, ())


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_pinned_model_that_is_not_what_it_was_fails_its_cases_alone(
    place, suite_of, damage, scripted
):
    models = {"tiny": {"builtin": "mlp"}, "other": {"builtin": "mlp", "hidden": 8}}
    suite = suite_of(
        models=models, matrix={"model": ["tiny", "other"], "backend": ["fake"], "batch": [1]}
    )
    place.pin(suite)
    folder = place.store / "baselines" / "models"
    path = folder / place.gates.baselines()[0].cases[1].model_sha256 / "model.onnx"
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"another")

    found = place.gate(suite)

    same, failed = (case.outcome for case in found.cases)
    got = "nothing there" if damage == "gone" else "another content"
    assert same.word == SAME
    assert failed == Failed(
        kind="disk",
        message=f"baseline: {path}: expected the pinned model, got {got}",
        hint="Bring the file back, or pin again with 'dyno baseline rebase main SUITE'.",
    )
    assert scripted.order() == [0] * 5


def test_an_engine_that_cannot_be_built_fails_its_case_with_the_side_named(
    place, suite_of, matrix, watcher
):
    suite = suite_of(matrix=matrix(batch=[1, 2], failure=["none", "build"]))

    def change(made):
        first, *rest = made.cases
        return replace(made, cases=(options(first, failure="build"), *rest))

    place.pin(suite, change=change)

    found = place.gate(suite)

    assert words(found) == {
        "b1/failure=none": "FAILED",
        "b1/failure=build": "FAILED",
        "b2/failure=none": SAME,
        "b2/failure=build": "FAILED",
    }
    told = {case.case_id[15:]: case.outcome for case in found.cases}
    failed = Failed(
        kind="build",
        message="baseline: fake: the builder gave up",
        hint="Ask the builder why.",
    )
    assert told["b1/failure=none"] == failed
    assert told["b1/failure=build"] == replace(
        failed, message="candidate: fake: the builder gave up"
    )
    assert ("engines", 4, 4) in watcher.prepared
    assert watcher.prepared[-1] == ("engines of the baseline", 2, 2)


@pytest.mark.slow
def test_sides_that_really_fail_are_named_and_a_stale_engine_is_built_again(
    place, suite_of, matrix, monkeypatch
):
    failures = ["none", "nan", "crash", "stale", "stale-again"]
    monkeypatch.setattr(
        "harness.paired.gate.Rounds", partial(Rounds, pair=partial(run_pair, quads=1))
    )
    suite = suite_of(matrix=matrix(failure=failures))
    place.pin(suite)

    found = place.gate(suite)

    outcomes = {case.case_id.partition("=")[2]: case.outcome for case in found.cases}
    assert (outcomes["none"].word, outcomes["none"].notes) == (SAME, ())
    assert outcomes["stale"].word == SAME
    (note,) = outcomes["stale"].notes
    assert note.startswith("an engine was built again: baseline: fake: ")
    messages = {
        name: (outcome.kind, outcome.message)
        for name, outcome in outcomes.items()
        if isinstance(outcome, Failed)
    }
    _, message = messages.pop("stale-again")
    assert message == note.partition(": ")[2]
    assert messages == {
        "nan": ("bad-output", "baseline: output 'y': expected numbers, got NaN in 1 of 1 values"),
        "crash": ("crash", "baseline: SIGSEGV in 'warm'"),
    }


def test_an_interrupted_gate_keeps_what_it_has_and_calls_nothing_slower(
    place, suite_of, matrix, scripted, watcher
):
    suite = suite_of(matrix=matrix(batch=[1, 2, 4]))
    place.pin(suite, change=lambda made: replace(made, cases=made.cases[:2]))
    scripted.says[0] = 1.05
    watcher.interrupt_at = 12

    with pytest.raises(KeyboardInterrupt):
        place.gate(suite)

    assert place.started.is_stored
    found = place.gates.read_gate(place.started.record.id)
    assert words(found) == {"b1": UNSURE, "b2": SAME, "b4": INCOMPARABLE}
    assert found.cases[0].outcome.reason == (
        "SLOWER ×1.050 was not confirmed: the gate was interrupted"
    )
    assert found.end.state == "interrupted"
    assert len(place.gates.pairs(found.record.id, "tiny/fake/fp32/b1")) == 7


def test_a_gate_that_is_interrupted_while_it_builds_has_an_end(place, two, monkeypatch, watcher):
    place.pin(two)
    tell = watcher.preparing

    def preparing(what, done, total):
        tell(what, done, total)
        if what == "engines":
            raise KeyboardInterrupt

    monkeypatch.setattr(watcher, "preparing", preparing)

    with pytest.raises(KeyboardInterrupt):
        place.gate(two)

    found = place.gates.read_gate(place.started.record.id)
    assert (found.end.state, found.cases) == ("interrupted", ())


def test_of_a_gate_that_is_interrupted_while_models_are_prepared_nothing_is_stored(
    place, two, monkeypatch, watcher
):
    place.pin(two)

    def preparing(_what, _done, _total):
        raise KeyboardInterrupt

    monkeypatch.setattr(watcher, "preparing", preparing)

    with pytest.raises(KeyboardInterrupt):
        place.gate(two)

    assert not place.started.is_stored
    assert place.gates.gates() == ()


def test_a_store_that_fails_leaves_the_gate_without_an_end(place, two, monkeypatch):
    place.pin(two)

    def full(*_):
        raise StoreError("the disk is full")

    monkeypatch.setattr("results.gates.Gates.add_pair", full)

    with pytest.raises(StoreError, match=r"^the disk is full$"):
        place.gate(two)

    found = place.gates.read_gate(place.started.record.id)
    assert (found.end, found.cases) == (None, ())


def test_a_rebase_confirms_nothing(place, suite_of, scripted):
    place.pin(suite_of())
    scripted.says[0] = 1.05

    found = place.gate(suite_of(), kind="rebase")

    assert (found.record.kind, words(found)) == ("rebase", {"b1": SLOWER})
    assert scripted.order("confirm") == []


def test_a_stale_engine_is_built_where_its_side_lives(place, suite_of, scripted, side_error):
    scripted.says[0] = [
        side_error(BASELINE, stale=True),
        side_error(CANDIDATE, stale=True),
    ]
    place.pin(
        suite_of(),
        change=lambda made: replace(made, cases=(options(made.cases[0], failure="stale-again"),)),
    )
    scripted.says[0] += [1.0] * 5
    asked = []
    rebuild = "harness.paired.sides.Stage.rebuild"

    def rebuilt(stage, side):
        asked.append((stage.role, side.role))
        return side

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rebuild, rebuilt)
        assert words(place.gate(suite_of())) == {"b1": SAME}
    assert asked == [(BASELINE, BASELINE), (CANDIDATE, CANDIDATE)]
