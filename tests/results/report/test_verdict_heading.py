from dataclasses import replace

from results.gate_record import Changes
from results.report.verdict_heading import change_text, heading, version_text


def test_versions_that_agree_are_said_to(gated):
    pinned = replace(gated.baseline, versions={"python": "3.11.7", "onnxruntime": "1.31.1"})

    assert version_text(replace(gated, baseline=pinned)) == (
        "the same on both sides: python 3.11.7, onnxruntime 1.31.1"
    )


def test_a_runtime_that_is_not_here_is_none(gated):
    pinned = replace(gated.baseline, versions={"python": "3.12.1", "tensorrt": "11.0.0"})

    assert version_text(replace(gated, baseline=pinned)) == (
        "baseline → here: python 3.12.1 → 3.11.7, tensorrt 11.0.0 → none"
    )


def test_an_environment_that_tells_nothing_is_not_in_the_way(gated):
    bare = replace(gated.record, environment={})

    assert version_text(replace(gated, record=bare)) == (
        "baseline → here: python 3.11.7 → none, numpy 2.3.5 → none, onnxruntime 1.30.0 → none"
    )
    no_versions = replace(gated.baseline, versions={})
    assert version_text(replace(gated, baseline=no_versions)) == ""


def test_of_many_changes_the_first_are_named():
    changes = Changes(new=("a", "b", "c"), gone=("d", "e", "f", "g", "h"), changed={"i": "model"})

    assert change_text(changes) == (
        "since the pin 3 new: a, b, c; 5 gone: d, e, f, 2 more; 1 changed: i (model)"
    )


def test_without_changes_machine_or_versions_there_is_no_line_for_them(gated):
    record = replace(gated.record, changes=Changes(), only="batch=1", threshold=0.035)
    plain = replace(gated, record=record, baseline=replace(gated.baseline, versions={}))

    lines = dict(heading(plain, ""))

    assert list(lines) == ["gate", "suite", "when", "baseline", "rule"]
    assert lines["suite"] == "rnn, only batch=1"
    assert lines["rule"].startswith("a change is told from 3.5 % on, where ")


def test_a_nightly_gate_is_called_so(gated):
    nightly = replace(gated.record, kind="nightly")

    assert heading(replace(gated, record=nightly), "")[0] == ("nightly", "20260103-040506-77aa")
