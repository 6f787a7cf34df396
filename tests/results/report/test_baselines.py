from dataclasses import replace
from io import StringIO
from math import log

from rich.console import Console

from results.baseline import Baseline, PinnedCase, Splice
from results.report.baselines import BaselineList, BaselineSheet
from suites.case import Case

VERSIONS = {"numpy": "2.4.6", "onnxruntime": "1.30.0", "python": "3.11.7"}


def pinned(batch, **changes):
    case = Case(model="lstm", backend="onnxruntime-cpu", precision="fp32", batch=batch)
    fields = {
        "position": batch,
        "case": case,
        "options": {},
        "model_sha256": "4" * 64,
        "inputs_sha256": f"{batch}" * 64,
        "model": {},
        "inputs": {},
    }
    return PinnedCase(**{**fields, **changes})


BASELINE = Baseline(
    id="20261121-030000-ab00",
    name="main",
    suite="rnn",
    suite_sha256="0" * 64,
    pinned_at=1_795_230_000.0,
    python="/opt/baseline/bin/python",
    versions=VERSIONS,
    devices={"cpu": "AMD EPYC, 2 usable CPUs"},
    seed=0,
    dyno_version="1.2",
    cases=(pinned(1), pinned(8)),
)
WAITING = replace(BASELINE, name="old\x1b[31m", suite="", devices={}, cases=())


def printed(shown, width=80):
    out = StringIO()
    Console(file=out, width=width, legacy_windows=False).print(shown)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_baselines_are_listed_as_given_and_one_that_waits_says_so():
    assert printed(BaselineList(baselines=(BASELINE, WAITING)), width=100) == LIST


def test_where_it_is_narrow_names_and_versions_fold_and_nothing_is_cut():
    text = printed(BaselineList(baselines=(replace(BASELINE, name="nightly-of-product"),)), 56)

    assert text == NARROW


def test_without_a_baseline_a_sentence_says_how_to_pin_one():
    assert printed(BaselineList(baselines=())) == (
        "no baselines yet. Pin one with: dyno baseline pin NAME SUITE --python PY"
    )


def test_a_sheet_has_all_that_is_pinned():
    assert printed(BaselineSheet(baseline=BASELINE, size_bytes=2048)) == SHEET


def test_a_sheet_of_one_that_replaces_another_has_splices_and_what_was_left_out():
    spliced = pinned(1, splice=Splice(log_ratio=log(0.93), se=0.001))
    again = replace(
        BASELINE,
        replaces="20261101-030000-cd00",
        cases=(spliced, pinned(8)),
        left_out={"a": "tensorrt: not here.", "b": "tensorrt: not here.", "c": "broken\x07."},
    )

    assert printed(BaselineSheet(baseline=again, size_bytes=2048)) == SPLICED


def test_a_sheet_of_an_interpreter_that_waits_has_no_cases():
    assert printed(BaselineSheet(baseline=WAITING, size_bytes=0)) == INTERPRETER


LIST = """\
name         suite                       pinned (UTC)      cases  versions
────────────────────────────────────────────────────────────────────────────────────────────────────
main         rnn                         2026-11-21 03:00      2  numpy 2.4.6, onnxruntime 1.30.0,
                                                                  python 3.11.7
old\\x1b[31m  (waits for its first gate)  2026-11-21 03:00      —  numpy 2.4.6, onnxruntime 1.30.0,
                                                                  python 3.11.7"""
NARROW = """\
name        suite  pinned (UTC)      cases  versions
────────────────────────────────────────────────────────
nightly-of  rnn    2026-11-21 03:00      2  numpy 2.4.6,
-product                                    onnxruntime
                                            1.30.0,
                                            python
                                            3.11.7"""
SHEET = """\
baseline  main (20261121-030000-ab00)
suite     rnn
pinned    2026-11-21 03:00 UTC, by dyno 1.2
python    /opt/baseline/bin/python
versions  numpy 2.4.6, onnxruntime 1.30.0, python 3.11.7
cpu       AMD EPYC, 2 usable CPUs
on disk   2.00 KiB

case                          model         inputs
────────────────────────────────────────────────────────
lstm/onnxruntime-cpu/fp32/b1  444444444444  111111111111
lstm/onnxruntime-cpu/fp32/b8  444444444444  888888888888"""
SPLICED = """\
baseline  main (20261121-030000-ab00)
suite     rnn
pinned    2026-11-21 03:00 UTC, by dyno 1.2
replaces  20261101-030000-cd00
python    /opt/baseline/bin/python
versions  numpy 2.4.6, onnxruntime 1.30.0, python 3.11.7
cpu       AMD EPYC, 2 usable CPUs
on disk   2.00 KiB

case                          model         inputs        × before
──────────────────────────────────────────────────────────────────
lstm/onnxruntime-cpu/fp32/b1  444444444444  111111111111  0.9300
lstm/onnxruntime-cpu/fp32/b8  444444444444  888888888888  —

left out: 2 cases: tensorrt: not here.
left out: 1 case: broken\\x07."""
INTERPRETER = """\
baseline  old\\x1b[31m (20261121-030000-ab00)
suite     (waits for its first gate)
pinned    2026-11-21 03:00 UTC, by dyno 1.2
python    /opt/baseline/bin/python
versions  numpy 2.4.6, onnxruntime 1.30.0, python 3.11.7"""
