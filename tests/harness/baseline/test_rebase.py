from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.baseline.pin import Pin
from harness.baseline.rebase import rebase, repinned, unspliced
from harness.baseline.site import BaselineError
from results.baseline import Splice
from results.gates import Gates
from results.store import Store

SPLICE = Splice(log_ratio=0.03, se=0.001)


@pytest.fixture
def gates(tmp_path):
    return Gates(Store(tmp_path / "store"))


@pytest.fixture
def pinner(made, keep):
    """A pinner that makes one new baseline, and remembers the interpreter it was asked for."""
    fresh = made.baseline(keep(), id="20261122-030000-cd00", pinned_at=1_795_320_000.0)

    def suite(_suite, _vocabulary, *, name, python):
        stand_in.asked.append((name, python))
        return Pin(baseline=fresh, failed=("bad",))

    stand_in = SimpleNamespace(suite=suite, asked=[])
    return stand_in


def rebased(pinner, gates, measure, **options):
    suite = SimpleNamespace(name="rnn")
    return rebase(pinner, gates, suite, None, name="main", measure=measure, **options)


def test_the_new_baseline_goes_on_with_the_series_by_what_was_measured(pinner, gates, made, keep):
    old = made.baseline(keep())
    gates.add_baseline(old)
    measured = []

    def measure(new):
        measured.append(new.id)
        return {"tiny/fake/fp32/b1": SPLICE}

    pin = rebased(pinner, gates, measure)

    assert measured == ["20261122-030000-cd00"]
    assert pinner.asked == [("main", "/venv/bin/python")]
    assert pin.failed == ("bad",)
    assert pin.baseline.replaces == old.id
    assert [case.splice for case in pin.baseline.cases] == [SPLICE]
    assert gates.baseline("main", "rnn") == pin.baseline


@pytest.mark.parametrize("python", ["/new/bin/python", ""])
def test_another_interpreter_may_be_named(pinner, gates, made, python):
    gates.add_baseline(made.baseline())

    rebased(pinner, gates, lambda _new: {}, python=python)

    assert pinner.asked == [("main", python)]


def test_where_measuring_ends_early_nothing_is_stored(pinner, gates, made):
    gates.add_baseline(made.baseline())

    def interrupted(_new):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebased(pinner, gates, interrupted)
    assert [one.id for one in gates.baselines()] == ["20261121-030000-ab00"]


def test_an_interpreter_that_waits_for_its_first_gate_cannot_be_rebased(pinner, gates, made):
    gates.add_baseline(made.baseline(suite=""))

    with pytest.raises(BaselineError) as caught:
        rebased(pinner, gates, lambda _new: {})
    assert str(caught.value) == (
        "main: expected a baseline of suite 'rnn' to replace, got an interpreter that waits for "
        "its first gate. Pin it with 'dyno gate SUITE --baseline main'."
    )
    assert pinner.asked == []


def test_cases_of_both_baselines_without_a_splice_are_told(made, keep):
    both, new = (
        keep(),
        keep(planned=replace(made.planned, case=replace(made.planned.case, batch=2))),
    )
    old = made.baseline(both)

    spliced = repinned(old, made.baseline(both, new, id="new"), {"tiny/fake/fp32/b1": SPLICE})

    assert unspliced(old, spliced) == ()
    assert unspliced(old, repinned(old, made.baseline(both, new, id="new"), {})) == (
        "tiny/fake/fp32/b1",
    )
