import os
import re
from pathlib import Path
from uuid import uuid4

import pytest

pytest_plugins = ["pytester", "constructed_gate"]

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


DAY_S = 86_400.0
FIRST_NIGHT = 1_767_323_045.0


def _nights(log_ratio, *, generation=None, segment=None, se=0.002, **changes):
    """Return nights of a night a day with the log ratios (n, c), NaN where there is none."""
    import numpy as np

    from results.lineage import Generation, Lineage
    from results.nights import Nights

    values = np.asarray(log_ratio, np.float64)
    count, cases = values.shape
    generation = np.zeros(count, np.int64) if generation is None else np.asarray(generation)
    pins = generation.max() + 1
    own_se = np.where(np.isnan(values), np.nan, se)
    made = {
        "lineage": Lineage(
            name="main",
            suite="smoke",
            baselines=tuple(
                Generation(id=f"pin-{n}", pinned_at=FIRST_NIGHT + DAY_S * (30 * n - 1))
                for n in range(pins)
            ),
        ),
        "gates": tuple(f"gate-{night}" for night in range(count)),
        "started_at": FIRST_NIGHT + DAY_S * np.arange(count),
        "generation": generation,
        "cases": tuple(f"lstm/onnxruntime-cpu/fp32/b{place + 1}" for place in range(cases)),
        "log_ratio": values,
        "se": own_se,
        "own_se": own_se,
        "df": np.where(np.isnan(values), np.nan, 7.0),
        "words": np.where(np.isnan(values), "", "SAME").astype("<U12"),
        "segment": np.zeros((pins, cases), np.int64) if segment is None else np.asarray(segment),
    }
    return Nights(**{**made, **changes})


@pytest.fixture
def make_nights():
    return _nights
