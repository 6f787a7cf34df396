from dataclasses import replace

import numpy as np
import pytest

from results.baseline import Baseline, PinnedCase, Splice
from results.database import DamagedError, StoreError, driver_connection
from results.gate_record import Changes, GateRecord
from results.gates import Gates
from results.nights import Reading, nights, reading
from results.record import Failed, RunEnd
from results.store import Store
from results.verdict import SAME, SLOWER, UNSURE, CaseVerdict, Estimate, Verdict
from suites.case import Case

DAY_S = 86_400.0
START = 1_767_323_045.0


class Shelf:
    """A store with one series, filled a baseline and a gate at a time."""

    def __init__(self, folder):
        self.store = Store(folder)
        self.gates = Gates(self.store)

    def pin(self, day, splices, *, name="main", suite="smoke", replaces=""):
        """Pin these cases; the splice of each is a log ratio and its se, or None."""
        made = Baseline(
            id=f"{name}-{suite}-{day}",
            name=name,
            suite=suite,
            suite_sha256="ef" * 32,
            pinned_at=START + day * DAY_S,
            python="/usr/bin/python3",
            versions={},
            devices={},
            seed=0,
            dyno_version="0.1.0",
            replaces=replaces,
            cases=tuple(pinned(place, *told) for place, told in enumerate(splices.items())),
        )
        self.gates.add_baseline(made)
        return made.id

    def gate(self, day, baseline, verdicts, *, kind="nightly", state="done"):
        """Add a gate with these outcomes; a pair of numbers is a log ratio and its se."""
        gate_id = f"gate-{day}"
        self.gates.add_gate(
            GateRecord(
                id=gate_id,
                kind=kind,
                baseline_id=baseline,
                suite="smoke",
                suite_sha256="ef" * 32,
                started_at=START + day * DAY_S,
                dyno_version="0.1.0",
                threshold=0.02,
                environment={},
                changes=Changes(),
            )
        )
        for position, (name, told) in enumerate(verdicts.items()):
            made = CaseVerdict(position=position, case_id=case(name).id, outcome=outcome(told))
            self.gates.add_verdict(gate_id, made)
        if state:
            self.gates.end_gate(gate_id, RunEnd(ended_at=START + (day + 0.1) * DAY_S, state=state))


def case(name):
    return Case(model=name, backend="fake", precision="fp32", batch=1)


def pinned(position, name, splice):
    return PinnedCase(
        position=position,
        case=case(name),
        options={},
        model_sha256="ab" * 32,
        inputs_sha256="cd" * 32,
        model={},
        inputs={},
        splice=None if splice is None else Splice(log_ratio=splice[0], se=splice[1]),
    )


def outcome(told):
    if not isinstance(told, tuple):
        return told
    log_ratio, se = told
    estimate = Estimate(log_ratio=log_ratio, se=se, df=10.0, pairs=8, low=0.9, high=1.1)
    return Verdict(word=SAME, reason="", estimate=estimate)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


FAILED = Failed(kind="crash", message="candidate: it died", hint="")
OPEN = Verdict(word=UNSURE, reason="fewer than 5 usable pairs")


def test_nights_are_gates_by_start_and_cases_by_the_last_night(shelf):
    first = shelf.pin(0, {"a": None, "b": None, "c": None})
    shelf.gate(2, first, {"b": (0.02, 0.004), "a": FAILED})
    shelf.gate(1, first, {"a": (0.01, 0.003), "b": OPEN, "c": (0.03, 0.005)}, kind="gate")

    found = nights(shelf.store)
    assert (found.lineage.name, found.lineage.suite, found.lineage.cut_off) == (
        "main",
        "smoke",
        False,
    )
    assert found.gates == ("gate-1", "gate-2")
    assert found.started_at.tolist() == [START + DAY_S, START + 2 * DAY_S]
    assert found.generation.tolist() == [0, 0]
    assert found.cases == tuple(case(name).id for name in "bac")
    np.testing.assert_array_equal(found.log_ratio, [[np.nan, 0.01, 0.03], [0.02, np.nan, np.nan]])
    np.testing.assert_array_equal(found.se, [[np.nan, 0.003, 0.005], [0.004, np.nan, np.nan]])
    np.testing.assert_array_equal(found.own_se, found.se)
    np.testing.assert_array_equal(found.df, [[np.nan, 10.0, 10.0], [10.0, np.nan, np.nan]])
    assert found.words.tolist() == [["UNSURE", "SAME", "SAME"], ["SAME", "FAILED", ""]]
    assert found.segment.tolist() == [[0, 0, 0]]


def test_only_gates_that_came_to_their_end_are_nights(shelf):
    first = shelf.pin(0, {"a": None})
    for day, kind, state in (
        (1, "nightly", "done"),
        (2, "nightly", "interrupted"),
        (3, "gate", ""),
        (4, "rebase", "done"),
        (5, "gate", "done"),
    ):
        shelf.gate(day, first, {"a": (0.01, 0.003)}, kind=kind, state=state)

    assert nights(shelf.store).gates == ("gate-1", "gate-5")


def test_splices_put_later_nights_on_the_scale_of_the_first_baseline(shelf):
    first = shelf.pin(0, {"a": None, "b": None})
    second = shelf.pin(2, {"a": (0.03, 0.003), "b": (-0.01, 0.002)}, replaces=first)
    third = shelf.pin(4, {"a": (0.02, 0.004), "b": (0.0, 0.0)}, replaces=second)
    for day, baseline in ((1, first), (3, second), (5, third)):
        shelf.gate(day, baseline, {"a": (0.001, 0.012), "b": (0.002, 0.012)})

    found = nights(shelf.store)
    assert [baseline.id for baseline in found.lineage.baselines] == [first, second, third]
    assert found.generation.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.log_ratio, [[0.001, 0.002], [0.031, -0.008], [0.051, -0.008]])
    np.testing.assert_allclose(found.se[:, 0], [0.012, np.hypot(0.012, 0.003), 0.013])
    assert (found.own_se == 0.012).all()
    assert found.segment.tolist() == [[0, 0]] * 3


def test_a_case_without_a_splice_begins_its_scale_anew(shelf):
    first = shelf.pin(0, {"a": None, "gone": None})
    second = shelf.pin(2, {"a": None, "new": None}, replaces=first)
    third = shelf.pin(4, {"a": (0.02, 0.0), "new": (0.01, 0.0), "gone": None}, replaces=second)
    shelf.gate(1, first, {"a": (0.5, 0.01), "gone": (0.5, 0.01)})
    shelf.gate(5, third, {"a": (0.1, 0.01), "new": (0.1, 0.01), "gone": (0.1, 0.01)})

    found = nights(shelf.store)
    np.testing.assert_allclose(found.log_ratio, [[0.5, np.nan, 0.5], [0.12, 0.11, 0.1]])
    assert found.segment.tolist() == [[0, -1, 0], [1, 1, -1], [1, 1, 2]]


def test_one_case_is_read_alone(shelf):
    first = shelf.pin(0, {"a": None, "b": None})
    shelf.gate(1, first, {"a": (0.01, 0.003), "b": (0.02, 0.004)})
    shelf.gate(2, first, {"a": (0.01, 0.003)})

    found = nights(shelf.store, case=case("b").id)
    assert found.cases == (case("b").id,)
    assert found.gates == ("gate-1", "gate-2")
    assert found.words.tolist() == [["SAME"], [""]]


def test_a_reading_has_the_interval_of_its_pairs_and_splices(shelf):
    first = shelf.pin(0, {"a": None, "b": None})
    shelf.gate(1, first, {"a": (0.0, 0.01), "b": OPEN})

    found = nights(shelf.store)
    told = reading(found, 0, 0)
    assert (told.word, told.ratio) == (SAME, 1.0)
    assert (told.low, told.high) == pytest.approx((np.exp(-0.0222814), np.exp(0.0222814)))
    assert reading(found, 0, 1) == Reading(word=UNSURE, ratio=None, low=None, high=None)


def test_a_slower_night_keeps_its_word(shelf):
    first = shelf.pin(0, {"a": None})
    shelf.gate(1, first, {"a": replace(outcome((0.05, 0.003)), word=SLOWER)})

    assert nights(shelf.store).words.tolist() == [[SLOWER]]


def test_no_night_at_all_is_told(shelf):
    first = shelf.pin(0, {"a": None})
    shelf.gate(1, first, {"a": OPEN}, state="interrupted")

    with pytest.raises(StoreError) as caught:
        nights(shelf.store, case="a")
    assert str(caught.value) == (
        f"{shelf.store.folder}: baseline 'main' of suite 'smoke': expected a night, got none that "
        "came to its end. Measure one: dyno nightly smoke --baseline main"
    )


def test_an_unknown_case_is_told_with_one_that_is_like_it(shelf):
    first = shelf.pin(0, {"lstm": None})
    shelf.gate(1, first, {"lstm": (0.01, 0.003)})

    with pytest.raises(StoreError) as caught:
        nights(shelf.store, case="lstn/fake/fp32/b1")
    assert str(caught.value) == (
        f"{shelf.store.folder}: baseline 'main' of suite 'smoke': expected the id of a case, got "
        "'lstn/fake/fp32/b1'. Did you mean 'lstm/fake/fp32/b1'? List them with 'dyno history'."
    )


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        ("log_ratio", "wide", "could not convert string to float: 'wide'"),
        ("position", "first", "could not convert string to float: 'first'"),
    ],
)
def test_a_damaged_number_is_told(shelf, column, value, found):
    shelf.gate(1, shelf.pin(0, {"a": None}), {"a": (0.01, 0.003)})
    with shelf.store.connection() as connection:
        driver = driver_connection(connection)
        driver.execute(f"UPDATE verdict SET {column} = ?", (value,))  # noqa: S608
        driver.commit()

    with pytest.raises(DamagedError) as caught:
        nights(shelf.store)
    assert str(caught.value) == (
        f"{shelf.store.folder}: baseline 'main' of suite 'smoke': expected a row that can be read, "
        f"got ValueError: {found}. List all that is damaged with 'dyno store verify'."
    )


def test_damaged_json_is_told(shelf):
    shelf.gate(1, shelf.pin(0, {"a": None}), {"a": (0.01, 0.003)})
    with shelf.store.connection() as connection:
        driver = driver_connection(connection)
        driver.execute("UPDATE verdict SET detail = '{'")
        driver.commit()

    with pytest.raises(DamagedError, match="expected JSON, got a text that is none"):
        nights(shelf.store)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE verdict SET log_ratio = 1e300",
            "expected a number that a gate can find in 'log_ratio', got 1e+300",
        ),
        (
            "UPDATE verdict SET log_ratio = 9e999",
            "expected a number that a gate can find in 'log_ratio', got inf",
        ),
        (
            "UPDATE verdict SET se = -0.1",
            "expected a number that a gate can find in 'se', got -0.1",
        ),
        ("UPDATE verdict SET se = NULL", "expected a number that a gate can find in 'se', got nan"),
        (
            "UPDATE verdict SET detail = json_set(detail, '$.estimate.df', 0)",
            "expected a number that a gate can find in 'df', got 0.0",
        ),
        ("UPDATE verdict SET case_id = x'ff'", "expected the id of a case, got b'\\xff'"),
        (
            "UPDATE gate SET started_at = 1e300",
            "expected seconds up to the year 9999 in 'started_at', got 1e+300",
        ),
    ],
)
def test_a_number_that_no_gate_stores_is_told(shelf, statement, told):
    shelf.gate(1, shelf.pin(0, {"a": None}), {"a": (0.01, 0.003)})
    with shelf.store.connection() as connection:
        driver = driver_connection(connection)
        driver.execute(statement)
        driver.commit()

    with pytest.raises(DamagedError) as caught:
        nights(shelf.store)
    assert str(caught.value) == (
        f"{shelf.store.folder}: baseline 'main' of suite 'smoke': {told}. "
        "List all that is damaged with 'dyno store verify'."
    )


def test_a_look_at_a_replaced_baseline_comes_before_the_nights_against_the_next(shelf):
    first = shelf.pin(0, {"a": None})
    second = shelf.pin(2, {"a": (0.03, 0.003)}, replaces=first)
    for day, baseline in ((1, first), (3, second), (4, first), (5, second)):
        shelf.gate(day, baseline, {"a": (0.001, 0.012)})

    found = nights(shelf.store)
    assert found.gates == ("gate-1", "gate-4", "gate-3", "gate-5")
    assert found.generation.tolist() == [0, 0, 1, 1]


def test_a_ratio_beyond_all_numbers_is_none(shelf):
    shelf.gate(1, shelf.pin(0, {"a": None}), {"a": (0.01, 90.0)})
    with shelf.store.connection() as connection:
        driver = driver_connection(connection)
        driver.execute("UPDATE verdict SET detail = json_set(detail, '$.estimate.df', 0.5)")
        driver.commit()

    assert reading(nights(shelf.store), 0, 0) == Reading(word=SAME, ratio=None, low=None, high=None)
