"""A store with a run whose cases are measured, skipped and open."""

import pytest

from results.record import Measured, RunEnd, RunResume, Skipped
from results.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def fill(make_run, make_case, make_launch):
    """Add a run: case 0 measured, 1 skipped, 2 open with a launch; `parts` of its life so far."""

    def add(store, run_id="20260102-030405-1f3a", *, parts=4, **run):
        steps = (
            lambda: [store.add_case(run_id, make_case(place)) for place in range(3)],
            lambda: [store.add_launch(run_id, 0, make_launch(number)) for number in range(2)],
            lambda: store.add_outcome(run_id, 0, Measured(stopped_by="launches")),
            lambda: [
                store.add_outcome(run_id, 1, Skipped(reason="excluded")),
                store.add_launch(run_id, 2, make_launch(0)),
                store.end_run(run_id, RunEnd(ended_at=1_767_323_090.0, state="interrupted")),
            ],
            lambda: [
                store.add_resume(
                    run_id, RunResume(number=1, resumed_at=1_767_323_100.0, environment={})
                ),
                store.add_launch(run_id, 2, make_launch(0, (2_000_000,) * 5, attempt=1)),
                store.add_outcome(run_id, 2, Measured(stopped_by="launches")),
                store.end_run(run_id, RunEnd(ended_at=1_767_323_200.0, state="done")),
            ],
        )
        store.add_run(make_run(run_id, **run))
        for step in steps[:parts]:
            step()
        return store

    return add


@pytest.fixture
def change(store):
    """Change the database behind the store's back."""

    def run(statement, *values, of=store):
        with of.connection() as connection:
            connection.exec_driver_sql(statement, values)
            connection.commit()

    return run
