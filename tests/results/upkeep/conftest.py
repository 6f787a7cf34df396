"""A store with a run whose cases are measured, skipped and open."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from results.record import Measured, RunEnd, RunResume, Skipped
from results.store import Store

SAMPLE = Path(__file__).parents[1] / "data" / "schema5"
MODEL = b"a model"


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


@pytest.fixture
def sample(tmp_path):
    """The store of the present schema with two baselines, a gate, and the files that they need.

    Its model's name is its own content's hash, as that of each file is that a store has.
    """
    folder = tmp_path / "sample"
    shutil.copytree(SAMPLE, folder)
    sha256 = hashlib.sha256(MODEL).hexdigest()
    with closing(sqlite3.connect(folder / "dyno.db")) as connection:
        query = "UPDATE pinned SET pinned = replace(pinned, ?, ?)"
        connection.execute(query, ("ab" * 32, sha256))
        connection.commit()
    (folder / "baselines" / "models" / sha256).mkdir(parents=True)
    (folder / "baselines" / "models" / sha256 / "model.onnx").write_bytes(MODEL)
    (folder / "baselines" / "inputs").mkdir()
    np.savez(folder / "baselines" / "inputs" / f"{'cd' * 32}.npz", input0=np.zeros(3))
    return Store(folder)
