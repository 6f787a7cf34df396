from contextlib import closing
from sqlite3 import connect

import pytest
from sqlalchemy.exc import IntegrityError

from results.database import StoreError
from results.reader import Reader
from results.store import Store


@pytest.fixture
def store(tmp_path, make_run, make_case):
    made = Store(tmp_path)
    made.add_run(make_run())
    made.add_case(make_run().id, make_case(0))
    return made


def test_a_store_is_a_reader(store):
    assert isinstance(store, Reader)


def test_telemetry_comes_back_as_it_was_added(store, make_run, make_telemetry):
    store.add_telemetry(make_run().id, 0, make_telemetry())

    assert store.telemetry(make_run().id, 0) == make_telemetry()


def test_a_case_without_telemetry_has_none(store, make_run):
    assert store.telemetry(make_run().id, 0) is None


def test_of_several_attempts_the_newest_one_s_telemetry_counts(store, make_run, make_telemetry):
    for attempt in (2, 10, 0):
        store.add_telemetry(make_run().id, 0, make_telemetry(attempt=attempt))

    assert store.telemetry(make_run().id, 0).attempt == 10


def test_an_attempt_has_one_telemetry_and_its_case_is_there(store, make_run, make_telemetry):
    store.add_telemetry(make_run().id, 0, make_telemetry())

    for position in (0, 7):
        with pytest.raises(IntegrityError):
            store.add_telemetry(make_run().id, position, make_telemetry())


def test_damaged_telemetry_is_one_line_with_its_run_and_case(store, make_run, make_telemetry):
    store.add_telemetry(make_run().id, 0, make_telemetry())
    with closing(connect(store.folder / "dyno.db")) as connection, connection:
        connection.execute("UPDATE telemetry SET samples = '{\"watts\":[1]}'")

    with pytest.raises(StoreError) as caught:
        store.telemetry(make_run().id, 0)

    assert str(caught.value) == (
        f"{store.folder}/dyno.db: run {make_run().id}, case 0: expected a row that can be read, "
        "got KeyError: 'at_s'. List all that is damaged with 'dyno store verify', and measure "
        "again."
    )


def test_accuracy_comes_back_as_it_was_added(store, make_run, make_accuracy):
    store.add_accuracy(make_run().id, 0, make_accuracy())

    assert store.accuracy(make_run().id, 0) == make_accuracy()
    assert store.accuracies(make_run().id, [0, 1]) == {0: make_accuracy()}
    assert store.accuracies(make_run().id, [1]) == {}


def test_a_case_without_accuracy_has_none(store, make_run):
    assert store.accuracy(make_run().id, 0) is None


def test_of_several_attempts_the_newest_one_s_accuracy_counts(store, make_run, make_accuracy):
    for attempt in (2, 10, 0):
        store.add_accuracy(make_run().id, 0, make_accuracy(attempt=attempt))

    assert store.accuracy(make_run().id, 0).attempt == 10


@pytest.mark.parametrize(("launched", "expected"), [((0,), 1), ((0, 1), 1), ((0, 2), None)])
def test_accuracy_of_an_attempt_before_the_launches_is_void(
    store, make_run, make_launch, make_accuracy, launched, expected
):
    for attempt in (0, 1):
        store.add_accuracy(make_run().id, 0, make_accuracy(attempt=attempt))
    for attempt in launched:
        store.add_launch(make_run().id, 0, make_launch(0, attempt=attempt))

    found = store.accuracy(make_run().id, 0)

    assert (found and found.attempt) == expected


def test_an_attempt_has_one_accuracy_and_its_case_is_there(store, make_run, make_accuracy):
    store.add_accuracy(make_run().id, 0, make_accuracy())

    for position in (0, 7):
        with pytest.raises(IntegrityError):
            store.add_accuracy(make_run().id, position, make_accuracy())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("parity = '[{}]'", "expected a row that can be read, got TypeError: "),
        ("started_at = 'noon'", "expected a number in 'started_at', got 'noon'. "),
        ("task = '[1e999]'", "expected a row that can be read, got TypeError: "),
    ],
)
def test_damaged_accuracy_is_one_line_with_its_run_and_case(
    store, make_run, make_accuracy, change, problem
):
    store.add_accuracy(make_run().id, 0, make_accuracy())
    with closing(connect(store.folder / "dyno.db")) as connection, connection:
        connection.execute(f"UPDATE accuracy SET {change}")  # noqa: S608

    with pytest.raises(StoreError) as caught:
        store.accuracy(make_run().id, 0)

    told = str(caught.value)
    assert told.startswith(f"{store.folder}/dyno.db: run {make_run().id}, case 0: {problem}")
    assert told.endswith("List all that is damaged with 'dyno store verify', and measure again.")
    assert "\n" not in told


@pytest.mark.parametrize("column", ["effect", "cost"])
def test_a_case_whose_effect_or_cost_is_damaged_is_named(store, make_run, column):
    with closing(connect(store.folder / "dyno.db")) as connection, connection:
        connection.execute(f"UPDATE \"case\" SET {column} = '[]'")  # noqa: S608

    with pytest.raises(StoreError) as caught:
        store.read_run(make_run().id)

    assert str(caught.value) == (
        f"{store.folder}/dyno.db: run {make_run().id}, case 0: expected an object in {column!r}, "
        "got '[]'. List all that is damaged with 'dyno store verify', and measure again."
    )


@pytest.mark.parametrize(
    ("column", "fields", "problem"),
    [
        ("effect", '{"weights": {"int8": NaN}, "flops": {}}', "'int8', got nan"),
        ("effect", '{"weights": {}, "flops": {}, "nodes": "two"}', "'nodes', got 'two'"),
        ("cost", '{"flops": "many"}', "'flops', got 'many'"),
    ],
)
def test_an_effect_or_cost_that_is_no_number_is_named(store, make_run, column, fields, problem):
    with closing(connect(store.folder / "dyno.db")) as connection, connection:
        connection.execute(f'UPDATE "case" SET {column} = ?', [fields])  # noqa: S608

    with pytest.raises(StoreError) as caught:
        store.read_run(make_run().id)

    assert f", case 0: expected a number in {problem}. List all" in str(caught.value)
