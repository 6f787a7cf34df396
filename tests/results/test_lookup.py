import pytest

from results.database import StoreError
from results.lookup import choose


@pytest.fixture
def runs(make_run):
    named = (
        ("20260103-0000-bbbb", "nightly"),
        ("20260102-0000-aaaa", "smoke"),
        ("20260101-0000-cccc", "nightly"),
    )
    return [make_run(run_id, name) for run_id, name in named]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "20260103-0000-bbbb"),
        ("20260101-0000-cccc", "20260101-0000-cccc"),
        ("20260102", "20260102-0000-aaaa"),
        ("nightly", "20260103-0000-bbbb"),
        ("smoke", "20260102-0000-aaaa"),
    ],
)
def test_an_id_its_start_and_a_name_mean_one_run(runs, text, found):
    assert choose(runs, text, where=".dyno") == found


def test_an_id_that_another_one_begins_with_means_itself(make_run):
    runs = [make_run("run-10", "a"), make_run("run-1", "b")]

    assert choose(runs, "run-1", where=".dyno") == "run-1"


def test_a_name_that_ids_begin_with_means_the_run_of_that_name(make_run):
    runs = [make_run("run-3", "x"), make_run("run-2", "y"), make_run("other", "run")]

    assert choose(runs, "run", where=".dyno") == "other"


def refusal(runs, text):
    with pytest.raises(StoreError) as caught:
        choose(runs, text, where=".dyno")
    return str(caught.value)


def test_a_misspelt_name_is_met_with_the_nearest_one(runs):
    assert refusal(runs, "nightli") == (
        ".dyno: expected the id or name of a run, got 'nightli'. Did you mean 'nightly'? "
        "List them with 'dyno runs'."
    )


def test_a_name_like_no_other_is_met_with_the_list(runs):
    assert refusal(runs, "zzz") == (
        ".dyno: expected the id or name of a run, got 'zzz'. List them with 'dyno runs'."
    )


def test_the_empty_text_means_no_run(runs):
    assert refusal(runs, "") == (
        ".dyno: expected the id or name of a run, got ''. List them with 'dyno runs'."
    )


def test_a_start_of_several_ids_is_met_with_them(runs):
    assert refusal(runs, "2026010") == (
        ".dyno: expected the id or name of one run, got '2026010', with which "
        "'20260103-0000-bbbb', '20260102-0000-aaaa', '20260101-0000-cccc' begin. "
        "Give more of the id."
    )


def test_a_start_of_very_many_ids_is_met_with_the_newest(make_run):
    runs = [make_run(f"r{number}", "n") for number in range(7)]

    assert refusal(runs, "r") == (
        ".dyno: expected the id or name of one run, got 'r', with which 'r0', 'r1', 'r2', 'r3' "
        "and 3 more begin. Give more of the id."
    )


def test_an_empty_store_has_no_run():
    assert refusal([], None) == (
        ".dyno: expected a run, got an empty store. Start one: dyno run smoke"
    )
