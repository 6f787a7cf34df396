import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("harness", "engines", "suites", "results")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as the build backend makes it, offline."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def shipped(wheel, pattern):
    return {name for name in wheel.namelist() if Path(name).match(pattern)}


def in_checkout(pattern):
    found = (path for package in PACKAGES for path in (ROOT / package).rglob(pattern))
    return {str(path.relative_to(ROOT)) for path in found}


@pytest.mark.parametrize("pattern", ["*.py", "*.yaml", "*.toml", "*.onnx", "py.typed"])
def test_the_wheel_has_every_file_of_the_packages(wheel, pattern):
    assert in_checkout(pattern)
    assert shipped(wheel, pattern) == in_checkout(pattern)


def test_the_wheel_has_the_four_packages_and_nothing_else(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    [metadata] = {top for top in tops if top.endswith(".dist-info")}
    assert tops == {*PACKAGES, metadata}


def test_the_wheel_starts_dyno_and_names_no_address(wheel):
    [entry_points] = shipped(wheel, "*.dist-info/entry_points.txt")
    assert "dyno = harness.cli.main:run" in wheel.read(entry_points).decode()
    [metadata] = shipped(wheel, "*.dist-info/METADATA")
    required = Parser().parsestr(wheel.read(metadata).decode()).get_all("Requires-Dist")
    assert required
    assert [each for each in required if "@" in each] == []
