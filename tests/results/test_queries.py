import pytest
from sqlalchemy import insert, select

from results import schema
from results.aggregate import summarise
from results.queries import pinned_hash
from results.ranking import Glance
from results.record import Measured, PastResult, RunEnd, RunResume, Skipped
from results.rules import STATISTICS_VERSION as VERSION
from results.store import Store

NIGHTS = ("20260103-030405-0001", "20260102-030405-0002", "20260104-030405-0003")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def measure(store, make_run, make_case, make_launch):
    """Add a run that measured the case at a position, and its summaries of these versions."""

    def add(run_id, position=0, started_at=1.0, versions=(1,), outcome=None, launches=1):
        store.add_run(make_run(run_id, started_at=started_at))
        store.add_case(run_id, make_case(position))
        made = [make_launch(number) for number in range(launches)]
        summary = summarise(make_case(position), made)
        for version in versions:
            fields = {name: getattr(summary, name) for name in summary.__slots__}
            store.add_summary(
                run_id, position, type(summary)(**{**fields, "statistics_version": version})
            )
        store.add_outcome(run_id, position, outcome or Measured(stopped_by="target"))
        return summary

    return add


def test_a_case_s_history_has_every_run_that_measured_it_the_oldest_first(
    store, measure, make_case
):
    for place, run_id in enumerate(NIGHTS):
        measure(run_id, position=place, started_at=float(run_id[:8]))

    found = store.history(make_case().id)

    assert [past.run_id for past in found] == sorted(NIGHTS)
    assert [past.position for past in found] == [1, 0, 2]
    assert isinstance(found[0], PastResult)
    assert (found[0].run_name, found[0].dyno_version) == ("nightly", "0.1.0")


def test_other_cases_and_runs_that_did_not_measure_it_are_no_history(store, measure, make_case):
    measure(NIGHTS[0], outcome=Skipped(reason="no"))
    measure(NIGHTS[1], versions=())

    assert store.history(make_case().id) == ()
    assert store.history("lstm/nowhere/fp32/b1") == ()


def test_of_several_summaries_the_one_of_the_newest_rules_counts(store, measure, make_case):
    measure(NIGHTS[0], versions=(2, 3, 1))

    assert [past.summary.statistics_version for past in store.history(make_case().id)] == [3]


def test_a_glance_is_read_from_the_stored_summary(store, measure):
    summary = measure(NIGHTS[0], launches=2)

    assert store.glances(NIGHTS[0], 1) == {0: Glance.of(summary)}
    assert store.glances(NIGHTS[0], 2) == {}


def test_a_summary_of_a_single_launch_has_a_glance_without_an_interval(store, measure):
    measure(NIGHTS[0])

    assert store.glances(NIGHTS[0], 1)[0].half_width is None


def test_summaries_of_some_cases_are_those_and_no_others(store, measure, make_case):
    summary = measure(NIGHTS[0], position=3, versions=(VERSION,))
    store.add_case(NIGHTS[0], make_case(4))
    store.add_summary(NIGHTS[0], 4, summary)

    assert list(store.summaries(NIGHTS[0], VERSION, [4, 7])) == [4]
    assert list(store.summaries(NIGHTS[0], VERSION)) == [3, 4]


def test_the_end_of_a_start_that_was_resumed_is_not_the_run_s(store, make_run):
    run = make_run()
    store.add_run(run)
    cut, done = (RunEnd(ended_at=run.started_at + s, state="interrupted") for s in (10, 30))
    store.end_run(run.id, cut)
    resumed_at = run.started_at + 20
    store.add_resume(run.id, RunResume(number=1, resumed_at=resumed_at, environment={}))

    killed = store.read_run(run.id)
    assert (killed.end, killed.ends, store.runs()[0].end) == (None, (cut,), None)

    store.end_run(run.id, done)
    again = store.read_run(run.id)
    assert (again.end, again.ends, store.runs()[0].end) == (done, (cut, done), done)


@pytest.mark.parametrize(("text", "found"), [('{"model_sha256": "ab"}', "ab"), ("{", None)])
def test_what_a_damaged_row_of_a_baseline_needs_is_not_known(store, text, found):
    column = pinned_hash(schema.pinned, "model_sha256")
    values = {"baseline_id": "a", "case_id": "c", "position": 0, "pinned": text}
    with store.connection() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.execute(insert(schema.pinned).values(values))

        assert connection.execute(select(column)).scalar_one() == found
