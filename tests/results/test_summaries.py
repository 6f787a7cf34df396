from dataclasses import replace

import pytest

from results import summaries as module
from results.database import PrunedError, StoreError
from results.ranking import Glance
from results.record import Failed, Measured, Skipped
from results.rules import STATISTICS_VERSION as VERSION
from results.store import Store
from results.summaries import close, glances, paired, summaries, with_accuracy

NEXT = VERSION + 1


@pytest.fixture
def store(tmp_path, make_run, make_case, make_launch):
    made = Store(tmp_path)
    made.add_run(make_run())
    for position in range(3):
        made.add_case(make_run().id, make_case(position))
        made.add_launch(make_run().id, position, make_launch(0))
    made.add_outcome(make_run().id, 0, Measured(stopped_by="target"))
    made.add_outcome(make_run().id, 1, Failed(kind="crash", message="m", hint="h"))
    return made


@pytest.fixture
def closed(store, make_run):
    """The same store with no case open."""
    store.add_outcome(make_run().id, 2, Skipped(reason="r"))
    return store


@pytest.fixture
def reads(monkeypatch):
    """The positions whose raw timings were read."""
    found = []
    launches = Store.launches

    def recording(self, run_id, position):
        found.append(position)
        return launches(self, run_id, position)

    monkeypatch.setattr(Store, "launches", recording)
    return found


def test_measured_cases_have_a_summary_and_open_ones_what_they_have_so_far(store, make_run):
    found = summaries(store, store.read_run(make_run().id))

    assert list(found) == [0, 2]
    assert found[2].launches == 1


def test_an_open_case_without_a_launch_has_no_summary(store, make_run, make_case):
    store.add_case(make_run().id, make_case(3))

    assert 3 not in summaries(store, store.read_run(make_run().id))


def test_a_summary_so_far_is_never_stored(store, make_run):
    summaries(store, store.read_run(make_run().id))

    assert list(store.summaries(make_run().id, VERSION)) == [0]


def test_raw_timings_are_read_once(closed, make_run, reads):
    run = closed.read_run(make_run().id)

    first = summaries(closed, run)
    second = summaries(closed, run)

    assert first == second
    assert reads == [0]


def test_a_summary_of_other_rules_is_made_anew_and_both_are_kept(
    closed, make_run, reads, monkeypatch
):
    run = closed.read_run(make_run().id)
    summaries(closed, run)
    monkeypatch.setattr(module, "STATISTICS_VERSION", NEXT)
    monkeypatch.setattr("results.aggregate.STATISTICS_VERSION", NEXT)

    found = summaries(closed, run)

    assert reads == [0, 0]
    assert found[0].statistics_version == NEXT
    assert closed.summaries(run.record.id, VERSION)[0].statistics_version == VERSION


def test_telemetry_that_came_before_a_case_was_closed_is_in_its_summary(
    store, make_run, make_case, make_telemetry
):
    store.add_telemetry(make_run().id, 0, make_telemetry())
    close(store, make_run().id, make_case(0))
    run = store.read_run(make_run().id)

    assert store.summaries(run.record.id, VERSION)[0].utilization.watts == 200.5
    assert summaries(store, run)[0].utilization.watts == 200.5


def test_telemetry_is_in_a_summary_that_is_made_late(closed, make_run, make_telemetry):
    closed.add_telemetry(make_run().id, 0, make_telemetry())

    found = summaries(closed, closed.read_run(make_run().id))

    assert found[0].utilization.joules_per_sample == 0.1


def test_a_summary_of_fewer_launches_is_made_anew(closed, make_run, make_launch, reads):
    summaries(closed, closed.read_run(make_run().id))
    closed.add_launch(make_run().id, 0, make_launch(1))

    found = summaries(closed, closed.read_run(make_run().id))

    assert reads == [0, 0]
    assert found[0].launches == 2
    assert closed.summaries(make_run().id, VERSION)[0].launches == 2


def test_the_same_summary_from_two_processes_is_stored_once(closed, make_run):
    found = summaries(closed, closed.read_run(make_run().id))

    closed.add_summary(make_run().id, 0, found[0])

    assert closed.summaries(make_run().id, VERSION) == found


def test_a_case_that_closes_has_its_summary_stored(store, make_run, make_case, reads):
    close(store, make_run().id, make_case(0))
    reads.clear()

    found = summaries(store, store.read_run(make_run().id))

    assert reads == [2]
    assert found[0] == store.summaries(make_run().id, VERSION)[0]


def test_a_summary_that_cannot_be_made_does_not_stop_a_run(store, make_run, make_case):
    store.add_case(make_run().id, make_case(5))

    close(store, make_run().id, make_case(5))

    assert 5 not in store.summaries(make_run().id, VERSION)


def test_cases_come_with_their_summaries_a_page_at_a_time(store, make_run, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    run = store.read_run(make_run().id)
    pages = []

    def counting(store, part):
        pages.append([case.record.position for case in part.cases])
        return summaries(store, part)

    monkeypatch.setattr(module, "summaries", counting)

    found = list(paired(store, run))

    assert pages == [[0, 1], [2]]
    assert [case for case, _ in found] == list(run.cases)
    assert [summary is not None for _, summary in found] == [True, False, True]


def test_glances_are_of_measured_cases_and_read_no_raw_timings_twice(store, make_run, reads):
    run = store.read_run(make_run().id)

    first = glances(store, run)
    second = glances(store, run)

    assert first == second == {0: Glance.of(store.summaries(make_run().id, VERSION)[0])}
    assert reads == [0]


def test_a_glance_of_fewer_launches_is_made_anew(store, make_run, make_launch):
    glances(store, store.read_run(make_run().id))
    store.add_launch(make_run().id, 0, make_launch(1))

    assert glances(store, store.read_run(make_run().id))[0].launches == 2


def without_raw_timings(store):
    with store.connection() as connection:
        connection.exec_driver_sql("DELETE FROM timings")
        connection.commit()


def test_where_raw_timings_were_pruned_the_summary_by_older_rules_is_used_and_noted(
    closed, make_run, monkeypatch
):
    run = closed.read_run(make_run().id)
    older = summaries(closed, run)[0]
    without_raw_timings(closed)
    monkeypatch.setattr(module, "STATISTICS_VERSION", NEXT)

    found = summaries(closed, run)

    assert found == {0: replace(older, notes=(*older.notes, "older-statistics"))}
    assert closed.summaries(run.record.id, NEXT) == {}


def test_without_raw_timings_and_any_summary_the_case_is_named(closed, make_run):
    without_raw_timings(closed)

    with pytest.raises(PrunedError) as caught:
        summaries(closed, closed.read_run(make_run().id))

    assert str(caught.value) == (
        f"{closed.folder}/dyno.db: run 20260102-030405-1f3a, case 0: expected raw timings, got "
        "none: they were pruned. Measure again."
    )


def test_a_summary_that_cannot_be_stored_is_returned_all_the_same(closed, make_run, monkeypatch):
    def full(*_):
        raise StoreError("no room")

    monkeypatch.setattr(Store, "add_summary", full)

    assert list(summaries(closed, closed.read_run(make_run().id))) == [0]


def test_cases_come_with_their_accuracy_however_they_ended(store, make_run, make_accuracy):
    store.add_accuracy(make_run().id, 1, make_accuracy())
    store.add_accuracy(make_run().id, 2, make_accuracy(reference="another"))
    run = store.read_run(make_run().id)

    filled = with_accuracy(store, run)

    expected = [None, make_accuracy(), make_accuracy(reference="another")]
    assert [case.accuracy for case in filled.cases] == expected
    assert [case.accuracy for case, _ in paired(store, run)] == expected
    assert [case.accuracy for case in run.cases] == [None] * 3


def test_accuracy_is_read_a_page_at_a_time(store, make_run, make_accuracy, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    store.add_accuracy(make_run().id, 2, make_accuracy())
    asked = []
    accuracies = Store.accuracies

    def recording(self, run_id, positions=None):
        asked.append(positions)
        return accuracies(self, run_id, positions)

    monkeypatch.setattr(Store, "accuracies", recording)

    found = list(paired(store, store.read_run(make_run().id)))

    assert asked == [[0, 1], [2]]
    assert found[2][0].accuracy == make_accuracy()


def test_a_big_run_is_filled_with_one_question(store, make_run, make_accuracy, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    store.add_accuracy(make_run().id, 2, make_accuracy())

    filled = with_accuracy(store, store.read_run(make_run().id))

    assert filled.cases[2].accuracy == make_accuracy()


def test_a_case_whose_graph_was_counted_has_its_work(
    store, make_run, make_cost, make_case, make_launch
):
    run_id = make_run().id
    store.add_case(run_id, make_case(3, cost=make_cost()))
    store.add_launch(run_id, 3, make_launch(0))
    store.add_outcome(run_id, 3, Measured(stopped_by="target"))

    found = summaries(store, store.read_run(run_id))

    assert (found[0].work, found[3].work.flops_per_s) == (None, 3e9)
