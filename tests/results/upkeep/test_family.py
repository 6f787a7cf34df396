"""`dyno store merge` of baselines and gates."""

import shutil
from dataclasses import replace

import pytest

from results.gates import Gates
from results.record import RunEnd
from results.store import Store, StoreError
from results.upkeep.merge import Fate, Merged, merge
from results.upkeep.verify import verify

FIRST, SECOND = "20260101-000000-aaaa", "20260102-000000-bbbb"
GATE = "20260103-040506-2b4c"
DIFFER = "another {} has this id here: they differ in"


def merged(kind, its_id, fate, *, reason="", **new):
    name = "smoke" if kind == "gate" else "main"
    empty = {"gate": {"pair": 0, "verdict": 0}, "baseline": {"case": 0}}[kind]
    return Merged(kind=kind, id=its_id, name=name, fate=fate, new={**empty, **new}, reason=reason)


def of_gates(found):
    return [one for one in found if one.kind != "run"]


@pytest.fixture
def other(tmp_path):
    return Store(tmp_path / "other")


@pytest.fixture
def twin(sample, tmp_path):
    """Return a copy of the sample that goes on apart from it."""
    shutil.copytree(sample.folder, tmp_path / "twin")
    return Store(tmp_path / "twin")


@pytest.fixture
def partial(sample, tmp_path, change):
    """Return a copy of the sample as it was after the gate's first pair."""
    shutil.copytree(sample.folder, tmp_path / "partial")
    store = Store(tmp_path / "partial")
    change("DELETE FROM verdict", of=store)
    change("DELETE FROM gate_end", of=store)
    change("DELETE FROM pair WHERE phase = 'confirm' OR number = 1", of=store)
    return store


def files(store):
    found = [path for path in (store.folder / "baselines").rglob("*") if path.is_file()]
    return {str(path.relative_to(store.folder)): path.read_bytes() for path in found}


def test_baselines_and_gates_come_along_with_their_files(store, sample):
    found = list(merge(store, sample.folder))

    assert of_gates(found) == [
        merged("baseline", FIRST, Fate.ADDED, case=1),
        merged("baseline", SECOND, Fate.ADDED, case=2),
        merged("gate", GATE, Fate.ADDED, pair=3, verdict=2),
    ]
    here, there = Gates(store), Gates(sample)
    assert here.baselines() == there.baselines()
    assert here.read_gate(GATE) == there.read_gate(GATE)
    case_id = here.read_gate(GATE).cases[0].case_id
    assert [pair.number for pair in here.pairs(GATE, case_id)] == [0, 1, 0]
    assert len(files(store)) == 2
    assert files(store) == files(sample)
    assert verify(store).problems == ()


def test_what_is_here_is_not_added_again(store, sample):
    list(merge(store, sample.folder))

    assert of_gates(merge(store, sample.folder)) == [
        merged("baseline", FIRST, Fate.SAME),
        merged("baseline", SECOND, Fate.SAME),
        merged("gate", GATE, Fate.SAME),
    ]


def test_a_gate_that_went_on_there_is_extended(sample, partial):
    before = of_gates(merge(sample, partial.folder))
    found = of_gates(merge(partial, sample.folder))

    assert before[-1] == merged("gate", GATE, Fate.LONGER_HERE)
    assert found[-1] == merged("gate", GATE, Fate.EXTENDED, pair=2, verdict=2)
    assert Gates(partial).read_gate(GATE) == Gates(sample).read_gate(GATE)


def test_a_gate_that_goes_on_here_is_not_extended(sample, partial):
    reason = "the other store has more of it, and it goes on here"

    found = of_gates(merge(partial, sample.folder, live={GATE}))

    assert found[-1] == merged("gate", GATE, Fate.REFUSED, reason=reason)


def test_two_gates_with_one_id_are_not_mixed(sample, twin, change):
    change("UPDATE verdict SET word = 'SAME' WHERE position = 0", of=twin)

    found = of_gates(merge(sample, twin.folder))

    reason = f"{DIFFER.format('gate')} verdict"
    assert found[-1] == merged("gate", GATE, Fate.REFUSED, reason=reason)


def test_a_baseline_that_differs_is_refused_and_its_new_gates_with_it(sample, twin, change):
    change("UPDATE baseline SET python = '\"/other\"' WHERE id = ?", SECOND, of=twin)
    gates = Gates(twin)
    before = gates.read_gate(GATE).record
    later = replace(before, id="20260104-000000-cccc", started_at=1_767_500_000.0)
    gates.add_gate(later)
    gates.end_gate(later.id, RunEnd(ended_at=1_767_500_100.0, state="done"))

    found = of_gates(merge(sample, twin.folder))

    assert found == [
        merged("baseline", FIRST, Fate.SAME),
        merged("baseline", SECOND, Fate.REFUSED, reason=f"{DIFFER.format('baseline')} baseline"),
        merged("gate", GATE, Fate.SAME),
        merged(
            "gate",
            later.id,
            Fate.REFUSED,
            reason=f"its baseline {SECOND} is another one here",
        ),
    ]


def test_a_baseline_with_more_cases_is_another_one(sample, twin, change):
    change("DELETE FROM pinned WHERE baseline_id = ? AND position = 1", SECOND, of=twin)

    found = of_gates(merge(sample, twin.folder))

    reason = f"{DIFFER.format('baseline')} pinned"
    assert found[1] == merged("baseline", SECOND, Fate.REFUSED, reason=reason)


def test_two_series_of_one_name_both_come_and_must_be_told_apart(store, sample, other):
    list(merge(store, sample.folder))
    theirs = replace(Gates(sample).baselines()[0], id="20260105-000000-dddd")
    Gates(other).add_baseline(theirs)

    found = of_gates(merge(store, other.folder))

    assert found == [merged("baseline", theirs.id, Fate.ADDED, case=1)]
    with pytest.raises(StoreError, match=f"got 2, which end in '{theirs.id}', '{SECOND}'. Name"):
        Gates(store).baseline("main", "smoke")
    assert Gates(store).baseline(theirs.id, "smoke") == theirs


def test_a_damaged_row_of_a_baseline_is_copied_as_it_is(store, sample, change):
    change("UPDATE pinned SET pinned = '{' WHERE position = 1", of=sample)

    assert [one.fate for one in of_gates(merge(store, sample.folder))] == [Fate.ADDED] * 3


def test_logs_of_a_gate_come_along(store, sample):
    log = sample.folder / "logs" / GATE / "0.log"
    log.parent.mkdir(parents=True)
    log.write_text("log")

    list(merge(store, sample.folder))

    assert (store.folder / "logs" / GATE / "0.log").read_text() == "log"
