import math
import sys

import pytest

from results.nights import nights as series

CASE = "tiny/fake/fp32/b1/failure=none"
FAILS = "tiny/fake/fp32/b1/failure=query"
REBASE = ("baseline", "rebase")


def test_series_go_on_by_what_was_measured_and_what_failed_begins_anew(dyno, store, gates, nights):
    old = gates.baseline("faster", "simulated")
    nights("faster", CASE, [0.0, 0.0])

    told = dyno(*REBASE, "faster", "simulated.yaml", "--python", sys.executable)

    assert told.code == 0, told.err
    assert told.out.endswith(f"\nanew  {FAILS}  it could not be measured against the old side\n")
    new = gates.baseline("faster", "simulated")
    assert (new.replaces, new.python) == (old.id, sys.executable)
    spliced = {case.case.id: case.splice for case in new.cases}
    assert spliced[CASE].log_ratio == pytest.approx(-math.log(0.9))
    assert spliced[FAILS] is None
    assert "confirm" not in told.err
    assert old in gates.baselines()
    nights("faster", CASE, [0.0], first=1)
    found = series(store, name="faster")
    assert found.log_ratio[:, 0] == pytest.approx([0.0, 0.0, -math.log(0.9)])
    assert f"\n{CASE}" in dyno("history", "--baseline", "faster").out


@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_pins_nothing(dyno, gates):
    before = gates.baselines()

    told = dyno(*REBASE, "faster", "simulated.yaml", "--python", sys.executable)

    assert told.code == 130
    assert gates.baselines() == before


def test_an_environment_that_was_upgraded_is_accepted_anew_and_only_so(dyno, aged, gates):
    versions = gates.baseline("own", "simulated").versions
    aged("old", versions={**versions, "numpy": "1.0"})

    refused = dyno(*REBASE, "old", "simulated.yaml")
    accepted = dyno(*REBASE, "old", "simulated.yaml", "--anew")

    assert refused.code == 2
    assert refused.err == (
        f"old: expected numpy 1.0 in {sys.executable} as pinned, got {versions['numpy']}. "
        "Restore that environment, or pin anew with 'dyno baseline rebase old SUITE --anew'."
        "\n"
    )
    assert accepted.code == 0, accepted.err
    new = gates.baseline("old", "simulated")
    assert (new.replaces, new.versions) == ("id-of-old", versions)
    assert accepted.out.splitlines()[-2:] == [
        f"anew  {case_id}  nothing was measured" for case_id in (CASE, FAILS)
    ]


def test_an_environment_that_is_gone_is_replaced_by_another(dyno, aged, gates):
    aged("old", python="/gone/bin/python")

    refused = dyno(*REBASE, "old", "simulated.yaml", "--anew")
    accepted = dyno(*REBASE, "old", "simulated.yaml", "--anew", "--python", sys.executable)

    assert refused.code == 2
    assert refused.err == (
        "/gone/bin/python: expected a Python interpreter, got nothing there. "
        "Name another, or make the environment anew.\n"
    )
    assert accepted.code == 0, accepted.err
    assert gates.baseline("old", "simulated").python == sys.executable


def test_an_unknown_baseline_is_told_before_anything_is_made(dyno):
    told = dyno(*REBASE, "onw", "simulated.yaml")

    assert (told.code, told.out, told.err) == (
        2,
        "",
        (
            ".dyno: expected the name of a baseline, got 'onw'. Did you mean 'own'? "
            "Pin one with 'dyno baseline pin onw SUITE --python PYTHON'.\n"
        ),
    )
