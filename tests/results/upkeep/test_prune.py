import os
import sqlite3
import time
from contextlib import closing

import numpy as np
import pytest

from results.gates import Gates
from results.record import Failed, RunResume
from results.rules import STATISTICS_VERSION as VERSION
from results.store import Store, StoreError
from results.summaries import summaries
from results.upkeep.prune import Pruned, compact, prune

GATE = "20260103-040506-2b4c"
RUN = "20260102-030405-1f3a"
ENDED_S = 1_767_323_090.0
DAY_S = 86400.0
NOTHING = Pruned(runs=0, launches=0, timings_bytes=0, kept_cases=0, files=0, files_bytes=0)


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """The time is 30 days after the end of the runs."""
    monkeypatch.setattr("results.upkeep.prune.time.time", lambda: ENDED_S + 30 * DAY_S)


def old_prune(store, days=29, **options):
    return prune(store, raw_older_than_s=days * DAY_S, **{"live": set(), **options})


def timings(store):
    """The launches that have raw timings, by run, case, attempt and number."""
    query = (
        "SELECT run_id, position, attempt, number FROM timings JOIN launch ON id = launch_id "
        "ORDER BY id"
    )
    with closing(sqlite3.connect(store.folder / "dyno.db")) as connection:
        return connection.execute(query).fetchall()


def file(store, name, *, days=2.0, text="text"):
    path = store.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    stamp = time.time() - days * DAY_S
    os.utime(path, (stamp, stamp))
    return path


def test_raw_timings_of_closed_cases_go_and_those_of_open_ones_stay(store, fill):
    fill(store)

    found = old_prune(store)

    assert (found.runs, found.launches, found.kept_cases) == (1, 2, 1)
    assert found.timings_bytes > 0
    assert timings(store) == [(RUN, 2, 0, 0)]


def test_a_report_s_numbers_stay_what_they_were(store, fill):
    fill(store, parts=5)
    before = summaries(store, store.read_run(RUN))
    old_prune(store)

    assert timings(store) == []
    assert summaries(store, store.read_run(RUN)) == before != {}


def test_summaries_are_stored_before_raw_timings_go(store, fill):
    fill(store, parts=5)
    assert store.summaries(RUN, VERSION) == {}

    old_prune(store)

    assert sorted(store.summaries(RUN, VERSION)) == [0, 2]


def test_a_case_whose_summary_cannot_be_stored_keeps_its_raw_timings(store, fill, monkeypatch):
    def full(*_):
        raise StoreError("no room")

    fill(store, parts=3)
    monkeypatch.setattr(Store, "add_summary", full)

    with pytest.raises(StoreError, match="no room"):
        old_prune(store)
    assert timings(store) == [(RUN, 0, 0, 0), (RUN, 0, 0, 1)]


def test_a_failed_case_needs_no_summary(store, fill):
    fill(store)
    store.add_outcome(RUN, 2, Failed(kind="crash", message="m", hint="h"))

    assert old_prune(store).launches == 3
    assert timings(store) == []


@pytest.mark.parametrize(("parts", "days"), [(3, 31), (4, 30), (5, 30)])
def test_a_younger_run_is_left_alone(store, fill, parts, days):
    fill(store, parts=parts)

    assert old_prune(store, days) == NOTHING


def test_a_run_is_as_old_as_its_last_resume(store, fill):
    fill(store, parts=3)
    resumed_at = ENDED_S + 10 * DAY_S
    store.add_resume(RUN, RunResume(number=1, resumed_at=resumed_at, environment={}))

    assert old_prune(store, 21) == NOTHING
    assert old_prune(store, 19).launches == 2


def test_a_run_that_goes_on_is_left_alone_however_old(store, fill):
    fill(store)

    assert old_prune(store, live={RUN}) == NOTHING


def test_without_an_age_no_raw_timings_go(store, fill):
    fill(store)

    assert prune(store, raw_older_than_s=None, live=set()) == NOTHING
    assert len(timings(store)) == 3


def test_a_dry_run_says_the_same_and_removes_nothing(store, fill):
    fill(store)
    file(store, f"models/{'00' * 32}.onnx")
    dry = old_prune(store, dry_run=True)

    assert len(timings(store)) == 3
    assert store.summaries(RUN, VERSION) == {}
    assert old_prune(store) == dry != NOTHING


def test_files_that_no_case_names_go_after_a_day(store, fill, monkeypatch):
    monkeypatch.undo()
    fill(store)
    gone = [
        file(store, f"models/{'00' * 32}.onnx", text="123"),
        file(store, f"inputs/{'00' * 32}.npz", text="4567"),
        file(store, "models/.new-12-ab", text="8"),
        file(store, "tmp/20260101-000000-dead/0.engine", text="9"),
        file(store, "logs/python-mine.log", text="12345"),
        file(store, "packages/.new-1-a", text="1"),
        file(store, "worker/.new-1-a", text="1"),
        file(store, "inputs/.new-1-a", text="1"),
        file(store, f"inputs/answers-{'cd' * 32}.npz", text="12"),
        file(store, "scratch/reference/tmpab/engine", text="123"),
        file(store, ".merge-x/dyno.db"),
    ]
    for path in (gone[3], *gone[-2:]):
        os.utime(path.parent, (0, 0))
    kept = [
        file(store, f"models/{'ab' * 32}.onnx"),
        file(store, f"inputs/{'cd' * 32}.npz"),
        file(store, f"models/{'11' * 32}.onnx", days=0.9),
        file(store, "models/readme.onnx"),
        file(store, "packages/a/model.onnx"),
        file(store, f"logs/{RUN}/0.log", days=99),
        file(store, "scratch/tensorrt/timing-sm89", days=99),
        file(store, f"inputs/answers-{'ef' * 32}.npz", days=0.9),
    ]

    found = prune(store, raw_older_than_s=None, live=set())

    assert (found.files, found.files_bytes) == (11, 3 + 4 + 1 + 1 + 5 + 1 + 1 + 1 + 2 + 3 + 4)
    assert [path for path in gone if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []


def test_models_and_inputs_stay_while_a_run_goes_on(store):
    """It may have found them there, and store the case that names them only later."""
    path = file(store, f"models/{'00' * 32}.onnx", days=99)

    assert prune(store, raw_older_than_s=None, live={"other"}) == NOTHING
    assert path.exists()


def test_logs_go_with_the_raw_timings_of_their_run(store, fill):
    fill(store)
    fill(store, "young", started_at=ENDED_S + 29 * DAY_S)
    file(store, f"logs/{RUN}/0.log", text="1234")
    young = file(store, "logs/young/0.log")

    found = old_prune(store, live={"young"})

    assert (found.files, found.files_bytes) == (1, 4)
    assert not (store.folder / "logs" / RUN).exists()
    assert young.exists()


def test_logs_of_old_gates_go_and_their_pairs_and_verdicts_stay(sample):
    log = file(sample, f"logs/{GATE}/0.log", text="1234")
    before = Gates(sample).read_gate(GATE)

    assert old_prune(sample, live={GATE}).files == 0
    assert prune(sample, raw_older_than_s=None, live=set()).files == 0
    assert old_prune(sample, days=28).files_bytes == 4
    assert not log.exists()
    assert Gates(sample).read_gate(GATE) == before
    assert len(Gates(sample).pairs(GATE, before.cases[0].case_id)) == 3


def test_the_room_of_what_went_goes_back_to_the_disk(store, fill, make_launch):
    fill(store, parts=1)
    noise = np.random.default_rng(0)
    store.add_launch(RUN, 0, make_launch(0, noise.integers(0, 1 << 40, 50_000)))
    store.add_outcome(RUN, 0, Failed(kind="crash", message="m", hint="h"))
    before = (store.folder / "dyno.db").stat().st_size
    found = old_prune(store)

    freed = compact(store)

    assert freed == before - (store.folder / "dyno.db").stat().st_size
    assert freed > 0.9 * found.timings_bytes > 100_000
    assert compact(store) == 0
    assert store.read_run(RUN).cases[0].launches == 1


def test_a_run_is_as_old_as_its_last_launch(store, fill, make_launch):
    fill(store, parts=3)
    started_at = ENDED_S + 29.9 * DAY_S
    store.add_launch(RUN, 2, make_launch(0, started_at=started_at))

    assert old_prune(store, 1) == NOTHING
    assert old_prune(store, 0.05).launches == 2


def test_telemetry_stays_and_is_a_sign_of_life(store, fill, make_telemetry):
    fill(store, parts=5)
    store.add_telemetry(RUN, 0, make_telemetry(started_at=ENDED_S + 29.9 * DAY_S))

    assert old_prune(store, 1) == NOTHING
    assert old_prune(store, 0.05).launches == 4
    assert store.telemetry(RUN, 0).idle_watts == 20.5


def test_accuracy_stays_and_is_a_sign_of_life(store, fill, make_accuracy):
    fill(store, parts=5)
    store.add_accuracy(RUN, 0, make_accuracy(started_at=ENDED_S + 29.9 * DAY_S))

    assert old_prune(store, 1) == NOTHING
    assert old_prune(store, 0.05).launches == 4
    assert store.accuracy(RUN, 0).task.samples == 360


LIST = "List all that is damaged with 'dyno store verify', and measure again."


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE launch SET blocks = '[[' WHERE id = 1",
            (
                "expected a row that can be read, got JSONDecodeError: Expecting value: line 1 "
                "column 3 (char 2). Use the dyno that wrote it or a newer one, or measure again."
            ),
        ),
        (
            "UPDATE launch SET covariates = CAST(x'7bff7d' AS TEXT) WHERE id = 1",
            f"expected text in 'covariates', got bytes that are not UTF-8. {LIST}",
        ),
        (
            f"INSERT INTO summary VALUES ('{RUN}', 0, {VERSION}, 2, '{{')",  # noqa: S608
            (
                "expected a row that can be read, got JSONDecodeError: Expecting property name "
                f"enclosed in double quotes: line 1 column 2 (char 1). {LIST}"
            ),
        ),
    ],
)
def test_a_damaged_case_is_told_and_keeps_its_raw_timings(store, fill, change, statement, told):
    fill(store, parts=5)
    change(statement)

    dry = old_prune(store, dry_run=True)
    found = old_prune(store)

    assert found == dry
    assert found.problems == (f"{store.folder}/dyno.db: run {RUN}, case 0: {told}",)
    assert timings(store) == [(RUN, 0, 0, 0), (RUN, 0, 0, 1)]


def test_a_run_that_cannot_be_read_does_not_hold_up_the_others(store, fill, change):
    fill(store, parts=5)
    fill(store, "other", parts=5)
    change("UPDATE run SET environment = '' WHERE id = ?", RUN)

    found = old_prune(store)

    assert found.problems == (
        (
            f"{store.folder}/dyno.db: run {RUN}: expected a row that can be read, got "
            f"JSONDecodeError: Expecting value: line 1 column 1 (char 0). {LIST}"
        ),
    )
    assert {row[0] for row in timings(store)} == {RUN}


def test_leftovers_go_before_rows_that_need_room_to_go(store, fill, monkeypatch):
    def full(*_):
        raise StoreError("no room")

    fill(store, parts=3)
    log = file(store, f"logs/{RUN}/0.log")
    monkeypatch.setattr(Store, "add_summary", full)
    with pytest.raises(StoreError, match="no room"):
        old_prune(store)

    assert not log.exists()


def test_a_reader_keeps_the_database_from_getting_smaller(store, fill, make_launch):
    fill(store, parts=1)
    impatient = Store(store.folder, busy_s=0.01)
    noise = np.random.default_rng(0)
    store.add_launch(RUN, 0, make_launch(0, noise.integers(0, 1 << 40, 50_000)))
    store.add_outcome(RUN, 0, Failed(kind="crash", message="m", hint="h"))
    old_prune(store)
    with closing(sqlite3.connect(store.folder / "dyno.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM run").fetchall()

        assert compact(impatient) is None

    assert compact(store) == 0
