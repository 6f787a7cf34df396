import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness import closure

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("harness", "engines", "suites", "results")
FOLDERS = (*PACKAGES, "tests", "benchmarks", "training", "constraints")
# reason: what it holds could not be found faster in two files
LONGER_THAN_400_LINES = ()

ONE_ROOT = """
import sys, importlib, pathlib
names = sys.argv[1].split(",")
files = {name: pathlib.Path(importlib.import_module(name).__file__) for name in names}
roots = {name: str(file.parent.parent) for name, file in files.items()}
assert len(set(roots.values())) == 1, f"expected one root for the four packages, got {roots}"
print(*set(roots.values()))
"""

ONLY_THE_STANDARD_LIBRARY = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top not in sys.argv[2].split(","):
            raise ImportError(f"{name} is not in the standard library")

sys.meta_path.insert(0, Blocked())
__import__(sys.argv[1])
"""


def run(program, *arguments, **options):
    command = [sys.executable, "-P", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def python_files():
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def test_the_four_packages_share_one_root_whatever_folder_one_is_in(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "__init__.py").touch()
    done = run(ONE_ROOT, ",".join(PACKAGES), cwd=tmp_path)
    assert done.stdout.strip() == str(ROOT), done.stderr


def test_a_foreign_results_package_would_be_noticed(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "expected one root for the four packages" in run(ONE_ROOT, ",".join(PACKAGES)).stderr


@pytest.mark.parametrize("name", ["suites", "engines", "results", "engines.registry"])
def test_it_imports_with_the_standard_library_only(name):
    done = run(ONLY_THE_STANDARD_LIBRARY, name, ",".join(PACKAGES))
    assert done.returncode == 0, done.stderr


def test_an_import_of_anything_else_would_be_noticed():
    done = run(ONLY_THE_STANDARD_LIBRARY, "numpy", ",".join(PACKAGES))
    assert "numpy is not in the standard library" in done.stderr


def test_the_import_contract_of_the_worker_names_its_whole_closure():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [contract] = [each for each in settings["contracts"] if each["type"] == "forbidden"]
    folders = {folder.replace("/", ".") for folder in closure.FOLDERS}
    modules = {file.removesuffix(".py").replace("/", ".") for file in closure.FILES}
    packages = {module for module in modules if module.endswith("__init__")}
    assert set(contract["source_modules"]) == folders | modules - packages


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package):
    assert (ROOT / package / "py.typed").exists()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_code_is_a_package(package):
    code = (ROOT / package).rglob("*.py")
    # beside a trained model lies the script that trained it
    folders = {path.parent for path in code if "library" not in path.parts}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_tests_are_no_package():
    packages = {path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("__init__.py")}
    assert {path.parts[0] for path in packages} <= {"stand_in"}, packages


def test_no_file_is_longer_than_400_lines():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in python_files()
    }
    long = {name: lines for name, lines in lengths.items() if lines > 400}
    assert set(long) == set(LONGER_THAN_400_LINES), long


def test_no_file_is_a_drawer():
    drawers = {"util", "utils", "helpers", "common", "misc"}
    assert [path for path in python_files() if path.stem in drawers] == []


def test_no_folder_of_data_is_named_after_a_package():
    folders = (path for path in ROOT.glob("[!.]*/**/") if path.name in PACKAGES)
    mine = {ROOT / name for name in PACKAGES} | {ROOT / "tests" / name for name in PACKAGES}
    assert set(folders) <= mine


def test_the_pins_of_every_python_name_versions_only():
    for minor in (11, 12, 13):
        lines = (ROOT / "constraints" / f"py3{minor}.txt").read_text().splitlines()[1:]
        assert lines, minor
        assert [line for line in lines if not line.isascii() or line.count("==") != 1] == []
        assert [line for line in lines if "/" in line or "@" in line] == []
