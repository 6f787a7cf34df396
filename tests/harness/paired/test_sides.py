from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.paired.sides import Stage, named, refused
from results.baseline import PinnedCase
from results.paired import BASELINE, CANDIDATE
from results.record import Failed, Measured, Skipped
from suites.case import Case

BROKEN = Failed(kind="build", message="it broke", hint="Mend it.")
CASE = Case(model="m", backend="fake", precision="fp32", batch=1)


@pytest.fixture
def stage(side):
    """Return a function that makes a stage of a role, whose builder answers with `built`."""

    def make(role, built=None):
        whole = built or side(role).ready.built

        def build_all(waiting):
            for planned, prepared in reversed(waiting):
                yield planned, prepared, whole

        builder = SimpleNamespace(build_all=build_all, rebuild=lambda *_: whole)
        return Stage(role=role, builder=builder, workplace=side(role).workplace)

    return make


def pinned(position, **options):
    return PinnedCase(
        position=position,
        case=replace(CASE, batch=position),
        options=options,
        model_sha256="0",
        inputs_sha256="1",
        model={},
        inputs={},
    )


def test_a_failure_says_which_side_it_is_of():
    assert named(BASELINE, BROKEN) == replace(BROKEN, message="baseline: it broke")
    assert refused(CANDIDATE, BROKEN) == replace(BROKEN, message="candidate: it broke")


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (Skipped(reason="no device"), "candidate: skipped: no device"),
        (Measured(stopped_by="target"), "candidate: skipped: it was not tried"),
    ],
)
def test_a_case_that_is_not_tried_is_failed(outcome, message):
    assert refused(CANDIDATE, outcome, hint="Try.") == Failed(
        kind="environment", message=message, hint="Try."
    )


def test_cases_of_a_plan_are_ready_or_failed_by_their_id(stage, side):
    ready = side(CANDIDATE).ready
    results = {"a": ready, "b": BROKEN, "c": Skipped(reason="too large")}
    staging = SimpleNamespace(
        build=lambda supplies: (
            (SimpleNamespace(id=case_id), result) for case_id, result in supplies.items()
        )
    )

    found = dict(stage(CANDIDATE).staged(staging, results))

    assert (found["a"].role, found["a"].ready) == (CANDIDATE, ready)
    assert found["b"].message == "candidate: it broke"
    assert found["c"].message == "candidate: skipped: too large"


def test_pinned_cases_get_their_own_files_and_every_option_as_it_was(stage, side):
    prepared = side(BASELINE).ready.prepared
    inputs = {position: side(BASELINE).ready.inputs for position in (1, 2)}
    inputs[2] = replace(inputs[2], sha256="2")
    gone = Failed(kind="disk", message="baseline: gone", hint="")
    restorer = SimpleNamespace(
        restore=lambda case: gone if case.position == 3 else (prepared, inputs[case.position])
    )
    cases = [pinned(1, latency_ns=7), pinned(2, latency_ns=8), pinned(3)]

    found = dict(stage(BASELINE).restored(cases, restorer))

    first, second = found["m/fake/fp32/b1"], found["m/fake/fp32/b2"]
    assert found["m/fake/fp32/b3"] == gone
    assert (first.ready.inputs.sha256, second.ready.inputs.sha256) == ("1", "2")
    assert first.ready.planned.case.options == (("latency_ns", 7),)
    assert second.ready.planned.options == {"latency_ns": 8}
    assert {side.role for side in (first, second)} == {BASELINE}


def test_a_pinned_case_whose_engine_cannot_be_built_is_failed(stage, side):
    ready = side(BASELINE).ready
    restorer = SimpleNamespace(restore=lambda _case: (ready.prepared, ready.inputs))

    found = dict(stage(BASELINE, built=BROKEN).restored([pinned(1)], restorer))

    assert found == {"m/fake/fp32/b1": replace(BROKEN, message="baseline: it broke")}


def test_a_side_goes_on_with_the_engine_that_was_built_again(stage, side):
    before = side(CANDIDATE)
    anew = replace(before.ready.built, facts={"layers": 2})

    after = stage(CANDIDATE, built=anew).rebuild(before)

    assert after == replace(before, ready=replace(before.ready, built=anew))


def test_an_engine_that_cannot_be_built_again_is_a_failure_of_its_side(stage, side):
    found = stage(CANDIDATE, built=BROKEN).rebuild(side(CANDIDATE))

    assert found == replace(BROKEN, message="candidate: it broke")
