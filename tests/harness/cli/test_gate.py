import json
import re
import sys
from xml.etree import ElementTree as ET

import pytest

CASE = "tiny/fake/fp32/b1/failure=none"
FAILS = "tiny/fake/fp32/b1/failure=query"


def junit(path):
    """Return each test of the file as its name and the kind of its result."""
    suites = ET.fromstring(path.read_bytes())  # noqa: S314 - what this test has just made
    return [
        (test.get("name"), [child.tag for child in test if child.tag != "system-out"])
        for test in suites.iter("testcase")
    ]


def test_a_confirmed_regression_is_exit_code_3_on_every_face(dyno, tmp_path, monkeypatch):
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    faces = ("--junit", "ci/junit.xml", "--json", "ci/verdicts.json")

    told = dyno("gate", "simulated.yaml", "--baseline", "faster", "--only", "failure=none", *faces)

    assert told.code == 3, told.err
    assert re.search(rf"\nSLOWER +1 +{CASE} +×1\.111 .* confirmed ×1\.111\n", told.out)
    assert "\n1 confirmed SLOWER: exit 3\n" in told.out
    assert f"\n::error title=SLOWER {CASE}::×1.111 (" in told.out
    assert "1 change to be confirmed by fresh pairs\n" in told.err
    assert junit(tmp_path / "ci" / "junit.xml") == [(CASE, ["failure"])]
    found = json.loads((tmp_path / "ci" / "verdicts.json").read_text(encoding="utf-8"))
    assert found["exit_code"] == 3
    assert [(case["id"], case["word"]) for case in found["cases"]] == [(CASE, "SLOWER")]
    assert found["cases"][0]["confirmation"]["estimate"]["ratio"] == pytest.approx(1 / 0.9)
    headline, *_ = summary.read_text(encoding="utf-8").splitlines()
    assert headline == "## dyno gate simulated: 1 confirmed SLOWER: exit 3"


def test_a_case_whose_side_fails_is_exit_code_1_and_the_others_are_judged(dyno, tmp_path):
    told = dyno("gate", "simulated.yaml", "--baseline", "own", "--junit", "junit.xml")

    assert told.code == 1, told.err
    assert re.search(rf"\nSAME +2 +{CASE} +×1\.000 ", told.out)
    assert (
        "#1 FAILED (bad-output): baseline: fake: the device reported an error 700 in a query."
    ) in told.out
    assert told.out.endswith("\n1 case FAILED: exit 1\n")
    assert junit(tmp_path / "junit.xml") == [(CASE, []), (FAILS, ["error"])]


def test_an_interpreter_alone_has_the_suite_pinned_by_its_first_gate(dyno, gates):
    dyno("baseline", "pin", "alone", "--python", sys.executable)

    told = dyno("gate", "simulated.yaml", "--baseline", "alone", "--only", "failure=none")

    assert told.code == 0, told.err
    assert told.out.endswith("\nno case is SLOWER: exit 0\n")
    pinned = gates.baseline("alone", "simulated")
    assert [case.case.id for case in pinned.cases] == [CASE, FAILS]


def test_nothing_to_judge_is_exit_code_4_and_no_file_is_green(dyno, suite, tmp_path):
    suite.write_text(suite.read_text().replace("batch: 1", "batch: [1, 2]"))

    told = dyno(
        "gate", "simulated.yaml", "--baseline", "own", "--only", "batch=2", "--junit", "j.xml"
    )

    assert told.code == 4, told.err
    assert "INCOMPARABLE: it is new since the pin. Have it pinned with" in told.out
    assert told.out.endswith("\nnothing could be judged: exit 4\n")
    assert junit(tmp_path / "j.xml") == [
        ("tiny/fake/fp32/b2/failure=none", ["skipped"]),
        ("tiny/fake/fp32/b2/failure=query", ["skipped"]),
        ("gate", ["error"]),
    ]


@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_keeps_the_pairs_and_is_exit_code_130(dyno, gates, tmp_path):
    told = dyno(
        *("gate", "simulated.yaml", "--baseline", "faster", "--only", "failure=none"),
        *("--junit", "junit.xml", "--json", "verdicts.json"),
    )

    assert told.code == 130
    assert told.err.endswith("interrupted: the pairs so far are kept, but judge nothing\n")
    assert re.search(rf"\nUNSURE +1 +{CASE}", told.out)
    assert "exit" not in told.out
    (gate,) = gates.gates()
    assert (gate.end.state, gate.counts) == ("interrupted", {"UNSURE": 1})
    assert len(gates.pairs(gate.record.id, CASE)) == 1
    assert junit(tmp_path / "junit.xml") == [(CASE, ["skipped"]), ("gate", ["error"])]
    assert json.loads((tmp_path / "verdicts.json").read_bytes())["exit_code"] == 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--baseline", "fastr"),
            (
                ".dyno: expected the name of a baseline, got 'fastr'. Did you mean 'faster'? "
                "Pin one with 'dyno baseline pin fastr SUITE --python PYTHON'.\n"
            ),
        ),
        (
            ("--baseline", "own", "--store", "nowhere"),
            (
                "nowhere: expected a store, got no dyno.db there. Make one with 'dyno run SUITE', "
                "or name another folder with --store.\n"
            ),
        ),
        (
            ("--baseline", "own", "--json", "made"),
            (
                "made: expected a file that can be written, got one that cannot: is a directory. "
                "Mend that, or name another.\n"
            ),
        ),
        (
            ("--baseline", "own", "--json", "simulated.yaml/verdicts.json"),
            (
                "simulated.yaml/verdicts.json: expected a file that can be written, got one that "
                "cannot: file exists. Mend that, or name another.\n"
            ),
        ),
        (
            ("--baseline", "own", "--cache-size", "much"),
            (
                "--cache-size: expected a size such as 10GiB or 500MB, got 'much'. Write a number, "
                "1.5 with a point, then B, kB, KiB, MB, MiB, GB, GiB, TB or TiB.\n"
            ),
        ),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_exit_code_2(dyno, tmp_path, arguments, message):
    (tmp_path / "made").mkdir()

    told = dyno("gate", "simulated.yaml", *arguments)

    assert (told.code, told.out, told.err) == (2, "", message)


def test_a_baseline_of_another_suite_is_refused(dyno, suite, tmp_path):
    other = suite.read_text().replace("simulated", "simulation")
    (tmp_path / "other.yaml").write_text(other)

    told = dyno("gate", "other.yaml", "--baseline", "own", "--junit", "junit.xml")

    message = (
        ".dyno: expected a baseline 'own' of suite 'simulation', got one of 'simulated'. "
        "Did you mean 'simulated'? Pin one with 'dyno baseline pin own SUITE --python PYTHON'."
    )
    assert (told.code, told.out, told.err) == (2, "", f"{message}\n")
    (error,) = ET.fromstring((tmp_path / "junit.xml").read_bytes()).iter("error")  # noqa: S314
    assert error.get("message") == message


def test_an_interpreter_that_is_gone_is_told(dyno, aged, gates):
    aged("old", python="/gone/bin/python")

    told = dyno("gate", "simulated.yaml", "--baseline", "old")

    assert (told.code, told.out, told.err) == (
        2,
        "",
        (
            "old: /gone/bin/python: expected a Python interpreter, got nothing there. "
            "Name another, or make the environment anew.\n"
        ),
    )
    assert gates.gates() == ()


def test_an_environment_that_was_upgraded_since_the_pin_is_told(dyno, aged, gates):
    versions = gates.baseline("own", "simulated").versions
    aged("old", versions={**versions, "numpy": "1.0"})

    told = dyno("gate", "simulated.yaml", "--baseline", "old")

    assert (told.code, told.out, told.err) == (
        2,
        "",
        (
            f"old: expected numpy 1.0 in {sys.executable} as pinned, got {versions['numpy']}. "
            "Restore that environment, or pin anew with 'dyno baseline rebase old SUITE "
            "--anew'.\n"
        ),
    )
