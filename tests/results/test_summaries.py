import pytest

from results import summaries as module
from results.record import Failed, Measured, Skipped
from results.store import Store
from results.summaries import summaries


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

    assert list(store.summaries(make_run().id, 1)) == [0]


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
    monkeypatch.setattr(module, "STATISTICS_VERSION", 2)
    monkeypatch.setattr("results.aggregate.STATISTICS_VERSION", 2)

    found = summaries(closed, run)

    assert reads == [0, 0]
    assert found[0].statistics_version == 2
    assert closed.summaries(run.record.id, 1)[0].statistics_version == 1


def test_a_summary_of_fewer_launches_is_made_anew(closed, make_run, make_launch, reads):
    summaries(closed, closed.read_run(make_run().id))
    closed.add_launch(make_run().id, 0, make_launch(1))

    found = summaries(closed, closed.read_run(make_run().id))

    assert reads == [0, 0]
    assert found[0].launches == 2
    assert closed.summaries(make_run().id, 1)[0].launches == 2


def test_the_same_summary_from_two_processes_is_stored_once(closed, make_run):
    found = summaries(closed, closed.read_run(make_run().id))

    closed.add_summary(make_run().id, 0, found[0])

    assert closed.summaries(make_run().id, 1) == found
