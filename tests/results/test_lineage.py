import pytest
from sqlalchemy import insert

from results import schema
from results.database import StoreError
from results.lineage import Generation, Lineage, lineage
from results.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def add(store, id_, name="main", suite="smoke", replaces="", pinned_at=1.0):
    row = dict.fromkeys((column.name for column in schema.baseline.c), "{}")
    row |= {"id": id_, "name": name, "suite": suite, "replaces": replaces}
    with store.connection() as connection:
        connection.execute(insert(schema.baseline), row | {"pinned_at": pinned_at, "seed": 0})
        connection.commit()


def refusal(store, **asked):
    with pytest.raises(StoreError) as caught:
        lineage(store, **asked)
    return str(caught.value)


def test_the_only_series_need_not_be_named(store):
    add(store, "b", replaces="a", pinned_at=2.0)
    add(store, "a")
    add(store, "waits", name="new", suite="")

    assert lineage(store) == Lineage(
        name="main",
        suite="smoke",
        baselines=(Generation(id="a", pinned_at=1.0), Generation(id="b", pinned_at=2.0)),
    )


def test_a_baseline_that_replaces_one_of_another_store_is_cut_off(store):
    add(store, "b", replaces="a")

    assert lineage(store) == Lineage(
        name="main", suite="smoke", baselines=(Generation(id="b", pinned_at=1.0),), cut_off=True
    )


def test_name_and_suite_choose_among_several(store):
    add(store, "a")
    add(store, "b", suite="rnn")
    add(store, "c", name="old")

    assert lineage(store, name="main", suite="rnn").baselines[0].id == "b"
    assert lineage(store, name="old").suite == "smoke"
    assert refusal(store) == (
        "--baseline: expected one of 'main', 'old', got none. Name the one you mean."
    )
    assert refusal(store, name="main") == (
        "--suite: expected one of 'smoke', 'rnn', got none. Name the one you mean."
    )


def test_an_unknown_name_is_told_with_one_that_is_like_it(store):
    add(store, "a")

    assert refusal(store, name="mian") == (
        "--baseline: expected one of 'main', got 'mian'. Did you mean 'main'? "
        "List them with 'dyno baseline list'."
    )
    assert refusal(store, suite="smok") == (
        "--suite: expected one of 'smoke', got 'smok'. Did you mean 'smoke'? "
        "List them with 'dyno baseline list'."
    )


def test_two_series_of_one_name_are_told_apart_by_id(store):
    add(store, "a")
    add(store, "b", pinned_at=2.0)
    add(store, "c", replaces="a", pinned_at=3.0)

    assert [found.id for found in lineage(store, name="c").baselines] == ["a", "c"]
    assert [found.id for found in lineage(store, name="b").baselines] == ["b"]
    assert refusal(store) == (
        "--baseline: expected one series 'main' of suite 'smoke', got 2, which end in 'b', 'c'. "
        "Name one by its id."
    )


def test_a_store_without_baselines_says_how_to_get_nights(store):
    add(store, "waits", suite="")

    assert refusal(store) == (
        f"{store.folder}: expected nights against a baseline, got no baseline of a suite. "
        "Pin one with 'dyno baseline pin main', then: dyno nightly SUITE --baseline main"
    )


@pytest.mark.parametrize(
    ("pinned_at", "told"),
    [
        ("x", "expected a number in 'pinned_at', got 'x'"),
        (1e300, "expected seconds up to the year 9999 in 'pinned_at', got 1e+300"),
    ],
)
def test_a_damaged_baseline_is_told(store, pinned_at, told):
    add(store, "a")
    with store.connection() as connection:
        connection.exec_driver_sql("UPDATE baseline SET pinned_at = ?", (pinned_at,))
        connection.commit()

    assert refusal(store) == (
        f"{store.folder / 'dyno.db'}: baseline a: {told}. "
        "List all that is damaged with 'dyno store verify', and measure again."
    )


def test_a_name_that_is_no_utf_8_is_told(store):
    add(store, "a")
    with store.connection() as connection:
        connection.exec_driver_sql("UPDATE baseline SET name = CAST(x'ff41' AS TEXT)")
        connection.commit()

    assert "baseline a: expected text in 'name', got bytes that are not UTF-8." in refusal(store)
