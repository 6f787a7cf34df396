"""ONNX Runtime's own telemetry, which would run beside what is timed."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("onnxruntime")
PROGRAM = """
import os, sys
import engines.ort.session
import onnxruntime
onnxruntime.InferenceSession(sys.argv[1])
links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
print(any(os.readlink(link).endswith("onnxruntime.db") for link in links if os.path.exists(link)))
"""


@pytest.mark.parametrize(("given", "opened"), [(None, "False"), ("0", "True")])
def test_it_is_off_unless_the_environment_wants_it(given, opened, tmp_path):
    from suites.models.builtin import get, resolve

    model = tmp_path / "model.onnx"
    model.write_bytes(get("mlp").build(resolve(get("mlp"), {})).SerializeToString())
    # The runtime turns it off by itself where CI, GITHUB_ACTIONS or the like is set.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    if given is not None:
        environment["ORT_DISABLE_TELEMETRY"] = given
    command = [sys.executable, "-c", PROGRAM, str(model)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == opened
