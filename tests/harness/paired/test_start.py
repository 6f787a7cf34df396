import re
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest

from harness.baseline.pin import Pinner
from harness.baseline.site import BaselineError
from harness.paired import interpreter, start
from harness.paired.interpreter import InterpreterError
from harness.paired.start import gating
from harness.vocabulary import installed_vocabulary
from results.paired import BASELINE, CANDIDATE
from results.store import StoreError
from results.verdict import INCOMPARABLE, SAME


@pytest.fixture
def wait_for(place):
    """Pin an interpreter alone, as `main`."""

    def pinned():
        made = Pinner(store=place.store).interpreter("main", sys.executable)
        place.gates.add_baseline(made)
        return made

    return pinned


def words(found):
    return [case.outcome.word for case in found.cases]


def refused(call, kind):
    with pytest.raises(kind) as raised:
        call()
    return str(raised.value)


def test_both_sides_have_their_own_interpreter(place, suite_of):
    place.pin(suite_of(), change=lambda made: replace(made, python="/venv/bin/python"))
    fields = {"baseline": "main", "store": place.store, "observer": place.observer}

    with gating(suite_of(), installed_vocabulary(), python="/new/bin/python", **fields) as gate:
        assert (gate.baselines.role, gate.candidates.role) == (BASELINE, CANDIDATE)
        assert gate.baselines.workplace.python == gate.baselines.builder.python
        assert gate.baselines.builder.python == "/venv/bin/python"
        assert gate.candidates.workplace.python == gate.candidates.builder.python
        assert gate.candidates.builder.python == gate.staging.python == "/new/bin/python"
        assert place.probed[-1] == ("/venv/bin/python", ("fake",))
    assert place.gates.gates() == ()


def test_an_interpreter_alone_gets_the_whole_suite_at_its_first_gate(
    place, suite_of, matrix, wait_for
):
    suite, waiting = suite_of(matrix=matrix(batch=[1, 2])), wait_for()

    first = place.gate(suite, only=(("batch", "2"),))
    second = place.gate(suite)

    assert (words(first), words(second)) == ([SAME], [SAME, SAME])
    assert [case.case.batch for case in first.baseline.cases] == [1, 2]
    assert (first.baseline.name, first.baseline.suite) == ("main", "simulated")
    assert first.baseline.id == second.baseline.id != waiting.id
    assert [made.suite for made in place.gates.baselines()] == ["", "simulated"]


def test_its_first_gate_pins_the_versions_of_the_backends_that_are_needed_alone(
    place, suite_of, monkeypatch, wait_for
):
    probe = place.probe

    def by_backend(python, backends, **places):
        found = probe(python, backends, **places)
        more = {"onnxruntime": "1.30.0"} if "onnxruntime-cpu" in backends else {}
        return replace(found, versions={**found.versions, **more})

    for module in ("harness.baseline.pin", "harness.paired.start"):
        monkeypatch.setattr(f"{module}.probe", by_backend)
    assert "onnxruntime" in wait_for().versions

    assert place.gate(suite_of()).baseline.versions == place.versions
    assert words(place.gate(suite_of())) == [SAME]


def test_a_backend_that_the_interpreter_lacks_is_not_pinned(place, suite_of, matrix, wait_for):
    wait_for()
    place.missing["onnxruntime-cpu"] = "onnxruntime is not installed"

    found = place.gate(suite_of(matrix=matrix(backend=["fake", "onnxruntime-cpu"])))

    assert words(found) == [SAME, INCOMPARABLE]
    assert found.cases[1].outcome.reason == (
        f"not pinned: {sys.executable}: onnxruntime-cpu: onnxruntime is not installed. "
        "The runtime is enough there, without dyno. "
        "Have it pinned with 'dyno baseline rebase main SUITE'"
    )


def test_what_a_query_costs_is_counted_neither_for_a_pin_nor_for_a_gate(
    place, suite_of, monkeypatch
):
    counted = []
    monkeypatch.setattr("harness.staging.graph_costs", lambda *told: counted.append(told) or {})
    place.pin(suite_of())

    assert words(place.gate(suite_of())) == [SAME]
    assert counted == []


def test_an_environment_that_was_upgraded_since_the_pin_is_refused(place, suite_of):
    place.pin(suite_of())
    place.versions = {**place.versions, "numpy": "2.5.0"}

    message = refused(lambda: place.gate(suite_of()), BaselineError)

    assert message.startswith(
        f"main: expected numpy 2.4.6 in {sys.executable} as pinned, got 2.5.0. "
    )
    assert place.gates.gates() == ()


def test_an_interpreter_that_is_gone_is_told_with_its_baseline(place, suite_of, monkeypatch):
    place.pin(suite_of(), change=lambda made: replace(made, python="/gone/bin/python"))
    monkeypatch.setattr(start, "probe", interpreter.probe)

    assert refused(lambda: place.gate(suite_of()), InterpreterError) == (
        "main: /gone/bin/python: expected a Python interpreter, got nothing there. "
        "Name another, or make the environment anew."
    )


def test_a_baseline_that_is_not_known_is_told_before_anything_is_prepared(place, suite_of, watcher):
    place.pin(suite_of())

    message = refused(lambda: place.gate(suite_of(), baseline="mian"), StoreError)

    assert message == (
        f"{place.store}: expected the name of a baseline, got 'mian'. Did you mean 'main'? "
        "Pin one with 'dyno baseline pin mian SUITE --python PYTHON'."
    )
    assert watcher.prepared == []


def test_a_store_that_is_not_there_is_not_made(place, suite_of):
    message = refused(lambda: place.gate(suite_of()), StoreError)

    assert re.match(f"{re.escape(str(place.store))}: ", message)
    assert not place.store.exists()


def test_a_baseline_that_was_rebased_while_the_device_was_busy_is_the_one(
    place, suite_of, monkeypatch
):
    place.pin(suite_of())
    (old,) = place.gates.baselines()
    bench = start.bench

    @contextmanager
    def busy(*args, **fields):
        place.gates.add_baseline(
            replace(old, id="rebased", replaces=old.id, pinned_at=old.pinned_at + 1)
        )
        with bench(*args, **fields) as made:
            yield made

    monkeypatch.setattr(start, "bench", busy)

    found = place.gate(suite_of())

    assert found.baseline.id == "rebased"
    assert found.record.started_at > place.gates.baselines()[0].pinned_at
