from pathlib import Path

import pytest

CONFTEST = (Path(__file__).parent / "conftest.py").read_text().replace("pytest_plugins", "_")

SUITE = """
import pytest

@pytest.mark.gpu
def test_of_the_device():
    pytest.skip("no CUDA device")

def test_of_something_else():
    pytest.skip("not today")

def test_environment():
    import os
    assert "DYNO_STORE" not in os.environ
"""


@pytest.fixture
def inner(pytester, monkeypatch):
    monkeypatch.setenv("DYNO_STORE", "elsewhere")
    pytester.makeini("[pytest]\nmarkers =\n    gpu: needs a device\n")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SUITE)
    return pytester


def test_a_skipped_gpu_test_is_a_skip(inner):
    inner.runpytest_inprocess("-p", "no:xdist").assert_outcomes(passed=1, skipped=2)


def test_require_gpu_makes_only_that_skip_a_failure(inner):
    result = inner.runpytest_inprocess("-p", "no:xdist", "--require-gpu")
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["--require-gpu: this test was skipped: no CUDA device"])
