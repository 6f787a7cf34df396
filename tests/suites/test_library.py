import re
from pathlib import Path

import pytest

from harness.plan import make_plan
from harness.vocabulary import installed_vocabulary
from suites.load import LIBRARY, load_suite

VOCABULARY = installed_vocabulary()
GPU_PAGE = Path(__file__).parent.parent.parent / "docs" / "gpu.md"
GPU = ("rnn-gpu", "vision-gpu", "transformer-gpu", "streams")


def cases(name):
    return [planned.case for planned in make_plan(load_suite(name, VOCABULARY), VOCABULARY).cases]


@pytest.mark.parametrize("name", ["smoke", "rnn", "vision", "transformer", *GPU])
def test_a_shipped_suite_has_as_many_cases_as_its_file_says(name):
    told = re.match(r"# (\d+) cases", (LIBRARY / f"{name}.yaml").read_text())
    assert len(cases(name)) == int(told[1])


@pytest.mark.parametrize("name", GPU)
def test_the_page_on_gpus_counts_the_cases_of_each_suite(name):
    assert f"| `{name}` | {len(cases(name))} |" in GPU_PAGE.read_text()


@pytest.mark.parametrize("name", GPU)
def test_every_backend_of_a_gpu_suite_measures_the_same_points(name):
    points = {}
    for case in cases(name):
        backend, _, rest = case.id.partition("/")[2].partition("/")
        points.setdefault(backend, set()).add((case.model, rest))
    assert points.keys() == {"onnxruntime-cuda", "tensorrt", "tensorrt-rtx"}
    assert len({frozenset(found) for found in points.values()}) == 1
