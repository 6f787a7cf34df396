import os
import re
from pathlib import Path
from uuid import uuid4

import pytest

pytest_plugins = ["pytester"]

RECORDED = Path(__file__).parent / "harness" / "data"


def pytest_addoption(parser):
    parser.addoption(
        "--require-gpu",
        action="store_true",
        help="fail tests marked gpu where they would be skipped",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    required = item.config.getoption("--require-gpu") and item.get_closest_marker("gpu")
    if required and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"--require-gpu: this test was skipped: {call.excinfo.value}"
    return report


@pytest.fixture(autouse=True)
def own_dyno_variables(monkeypatch, tmp_path_factory):
    """Leave no setting of the user's; lock devices apart from other tests that run at once."""
    for name in [name for name in os.environ if name.startswith("DYNO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DYNO_LOCKS", str(tmp_path_factory.getbasetemp() / "locks" / uuid4().hex))


@pytest.fixture
def recorded(tmp_path):
    """Lay out a machine recorded with `tail -n +1 FILE…`; returns its root."""

    def lay_out(name):
        root = tmp_path / name
        text = (RECORDED / f"{name}.txt").read_text()
        _, *parts = re.split(r"^==> (.+) <==\n", text, flags=re.MULTILINE)
        for path, content in zip(parts[::2], parts[1::2], strict=True):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
        return root

    return lay_out
