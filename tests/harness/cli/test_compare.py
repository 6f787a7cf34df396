import json
import re

import pytest

SUITE = """
suite: contest
models: {tiny: {builtin: mlp, hidden: 8}}
matrix: {model: tiny, backend: fake, batch: 1, latency_ns: 1000000, loop: host-synchronised}
include:
  - {latency_ns: 900000}
  - {transfers: copied}
  - {failure: query}
"""
PLAIN = "tiny/fake/fp32/b1/latency_ns=1000000/loop=host-synchronised"
QUICK = "tiny/fake/fp32/b1/latency_ns=900000/loop=host-synchronised"
COPIED = f"{PLAIN}/transfers=copied"
FAILS = f"{PLAIN}/failure=query"


@pytest.fixture
def compare(dyno, tmp_path):
    (tmp_path / "contest.yaml").write_text(SUITE)

    def call(*arguments):
        return dyno("compare", "contest.yaml", *arguments)

    return call


def test_a_change_is_told_with_all_that_differs_and_is_exit_code_0(compare, tmp_path):
    told = compare(PLAIN, QUICK, "--json", "made/contest.json")

    assert told.code == 0, told.err
    assert "\ndiffer in  latency_ns: 1000000 against 900000\n" in told.out
    assert re.search(r"\nFASTER +1 +B over A +×0\.901 ", told.out)
    assert told.out.endswith("\nB is FASTER: it takes ×0.901 the time of A.\n")
    assert "confirm" not in told.err
    found = json.loads((tmp_path / "made" / "contest.json").read_text(encoding="utf-8"))
    assert (found["case_a"], found["case_b"], found["word"]) == (PLAIN, QUICK, "FASTER")
    assert found["exit_code"] == 0


def test_sides_that_must_not_be_compared_are_exit_code_4(compare):
    told = compare(PLAIN, COPIED)

    assert told.code == 4, told.err
    assert (
        "#1 INCOMPARABLE: expected equal transfers, got 'bound' on the baseline and 'copied' on "
        "the candidate.\n"
    ) in told.out
    assert told.out.endswith("\nB against A is INCOMPARABLE.\n")


def test_a_side_that_fails_is_exit_code_1_and_named_and_nothing_is_stored(
    compare, faster, gates, tmp_path
):
    told = compare(FAILS, PLAIN, "--python-a", faster, "--json", "contest.json")

    assert told.code == 1, told.err
    assert (
        "#1 FAILED (bad-output): baseline: fake: the device reported an error 700 in a query. "
        "Leave the option `failure` at none.\n"
    ) in told.out
    assert told.out.endswith("\nFAILED (bad-output).\n")
    found = json.loads((tmp_path / "contest.json").read_text(encoding="utf-8"))
    there, here = found["versions"]["baseline"], found["versions"]["candidate"]
    assert there["numpy"] == here["numpy"]
    assert set(there) == set(here) == {"numpy", "python"}
    assert gates.gates() == ()


@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_is_exit_code_130(compare, tmp_path):
    told = compare(PLAIN, QUICK, "--json", "contest.json")

    assert (told.code, told.out) == (130, "")
    assert (tmp_path / "contest.json").read_text() == "{}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (PLAIN, QUICK.replace("900000", "90000")),
            (
                f"contest: expected the id of a case, got {QUICK.replace('900000', '90000')!r}. "
                f"Did you mean {QUICK!r}? List them with 'dyno plan SUITE'.\n"
            ),
        ),
        (
            (PLAIN, QUICK, "--python-b", "/gone/bin/python"),
            (
                "/gone/bin/python: expected a Python interpreter, got nothing there. "
                "Name another, or make the environment anew.\n"
            ),
        ),
        (
            (PLAIN, QUICK, "--json", "."),
            (
                ".: expected a file that can be written, got one that cannot: is a directory. "
                "Mend that, or name another.\n"
            ),
        ),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_exit_code_2(compare, arguments, message):
    told = compare(*arguments)

    assert (told.code, told.out, told.err) == (2, "", message)
