"""ONNX's own node cases on onnxruntime-cpu: each matches or is in `unmatched.toml`."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")
ROOT = Path(__file__).resolve().parents[3]
LISTED = tomllib.loads(Path(__file__).with_name("unmatched.toml").read_text(encoding="utf-8"))
RUNTIMES = ("onnx", "onnxruntime")
MATCHES = "matches"


@pytest.fixture
def findings(tmp_path):
    for name in RUNTIMES:
        if version(name) != LISTED[name]:
            pytest.skip(f"listed for {name} {LISTED[name]}, got {version(name)}")
    path = tmp_path / "findings.jsonl"
    script = ROOT / "benchmarks" / "conformance.py"
    done = subprocess.run(
        [sys.executable, script, "--json", path], capture_output=True, text=True, check=False
    )
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    last = rows[-1]["name"] if rows else "no case"
    assert done.returncode == 0, f"ended after {last}: {done.stderr[-2000:]}"
    return {row["name"]: row for row in rows}


@pytest.mark.slow
def test_every_case_matches_or_is_listed_with_what_is_said_of_it(findings):
    listed = {
        name: (entry["group"], entry["says"])
        for entry in LISTED["unmatched"]
        for name in entry["cases"]
        if not (entry.get("may_match") and findings[name]["group"] == MATCHES)
    }
    found = {
        name: (row["group"], _said(row, listed))
        for name, row in findings.items()
        if row["group"] != MATCHES
    }
    assert found == listed
    recurrent = [row["group"] for row in findings.values() if row["recurrent"]]
    assert (len(recurrent), recurrent.count(MATCHES)) == (18, 15)
    assert len(findings) - len(found) >= 1400


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_the_list_is_for_the_versions_that_are_pinned(minor):
    lines = (ROOT / "constraints" / f"py3{minor}.txt").read_text().splitlines()
    assert {f"{name}=={LISTED[name]}" for name in RUNTIMES} <= set(lines)


def _said(row, listed):
    """Return the listed words where the message has them, else the whole message."""
    words = listed.get(row["name"], ("", ""))[1]
    return words if words and words in row["message"] else row["message"]
