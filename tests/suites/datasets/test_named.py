import subprocess
import sys

import numpy as np
import pytest

from suites.datasets.named import DATASETS, load_named, named_unavailable


@pytest.mark.parametrize("name", DATASETS)
def test_a_named_set_says_what_to_install_or_has_whole_samples(name):
    reason = named_unavailable(name)
    if reason is not None:
        assert " is not " in reason
        assert "nstall " in reason
        assert reason.endswith(".")
        return
    found = load_named(name)

    assert len(found.values) == len(found.labels) > found.training > 0
    assert found.labels.dtype == np.int64
    assert set(found.labels.tolist()) == set(range(len(found.classes)))


def test_the_names_are_known_without_numpy():
    code = (
        "import sys; from suites.datasets.named import DATASETS; assert DATASETS; "
        "sys.exit('numpy' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
