from dataclasses import replace

import pytest

from results.baseline import Baseline
from results.database import StoreError
from results.series import check_new, choose_baseline, newest

FIRST = Baseline(
    id="a1",
    name="main",
    suite="rnn",
    suite_sha256="ef",
    pinned_at=1.0,
    python="/bin/python",
    versions={},
    devices={},
    seed=0,
    dyno_version="1",
)
SECOND = replace(FIRST, id="b2", replaces="a1")
ALONE = replace(FIRST, id="c3", name="edge", suite="")
OTHER = replace(FIRST, id="d4", suite="smoke")
ALL = (FIRST, SECOND, ALONE, OTHER)


def test_the_newest_of_a_series_is_what_nothing_replaces():
    assert newest(ALL, "main", "rnn") == (SECOND,)
    assert newest(ALL, "main", "none") == ()


@pytest.mark.parametrize(
    ("name", "suite", "expected"),
    [
        ("main", "rnn", SECOND),
        ("main", "smoke", OTHER),
        ("a1", "rnn", FIRST),
        ("edge", "rnn", ALONE),
        ("edge", "", ALONE),
        ("c3", "rnn", ALONE),
    ],
)
def test_a_name_or_an_id_means_a_baseline(name, suite, expected):
    assert choose_baseline(ALL, name, suite, where="store") == expected


PIN = "Pin one with 'dyno baseline pin {} SUITE --python PYTHON'."


@pytest.mark.parametrize(
    ("baselines", "name", "suite", "message"),
    [
        (
            ALL,
            "mian",
            "rnn",
            "expected the name of a baseline, got 'mian'. Did you mean 'main'? "
            + PIN.format("mian"),
        ),
        ((), "main", "rnn", f"expected the name of a baseline, got 'main'. {PIN.format('main')}"),
        (
            ALL,
            "main",
            "smokes",
            (
                "expected a baseline 'main' of suite 'smokes', got one of 'rnn', 'smoke'. "
                f"Did you mean 'smoke'? {PIN.format('main')}"
            ),
        ),
        (
            ALL,
            "d4",
            "rnn",
            f"expected a baseline 'd4' of suite 'rnn', got one of 'smoke'. {PIN.format('d4')}",
        ),
        (
            (FIRST, SECOND, replace(FIRST, id="e5")),
            "main",
            "rnn",
            (
                "expected one series of baseline 'main' of suite 'rnn', got 2, which end in 'b2', "
                "'e5'. Name one by its id."
            ),
        ),
    ],
)
def test_a_baseline_that_is_not_there_is_told(baselines, name, suite, message):
    with pytest.raises(StoreError) as caught:
        choose_baseline(baselines, name, suite, where="store")

    assert str(caught.value) == f"store: {message}"


def test_a_new_name_and_the_next_of_a_series_may_be_added():
    check_new(replace(FIRST, id="n", name="new"), ALL, where="store")
    check_new(replace(FIRST, id="n", suite="new"), ALL, where="store")
    check_new(replace(FIRST, id="n", replaces="b2"), ALL, where="store")


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(StoreError) as caught:
        check_new(replace(FIRST, id="n"), ALL, where="store")

    assert str(caught.value) == (
        "store: expected a name that is free, got baseline 'main' of suite 'rnn', which is pinned "
        "as b2. Take another name, or accept a change with 'dyno baseline rebase main SUITE'."
    )


@pytest.mark.parametrize("replaces", ["a1", "none", "d4"])
def test_only_the_newest_of_a_series_is_replaced(replaces):
    with pytest.raises(StoreError) as caught:
        check_new(replace(FIRST, id="n", replaces=replaces), ALL, where="store")

    assert str(caught.value) == (
        "store: expected the newest baseline 'main' of suite 'rnn' to be replaced, got "
        f"{replaces!r}. List them with 'dyno baseline list'."
    )
