"""./dyno against an interpreter that only notes what it is asked to do."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PYTHON = """#!/bin/sh
log=$(dirname "$CHECKOUT")/log
case "$*" in
    *ensurepip*) exit "${UNFIT:-0}" ;;
    --version) echo "Python ${VERSION:-3.11.7}" ;;
    *libcuda.so*) exit "${NO_CUDA:-1}" ;;
    *print*) echo py311.txt ;;
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$0" "$3/bin/pip"
        printf '#!/bin/sh\\nfor each; do echo "<$each>"; done\\n' >"$3/bin/dyno"
        chmod +x "$3/bin/dyno"; echo venv >>"$log" ;;
    "-m pip install"*) shift 5; echo "$@" >>"$log"; echo "pip says no" >&2
        exit "${PIP_FAILS:-0}" ;;
esac
"""
TOOLS = "constraints/py311.txt pip hatchling editables setuptools"
CPU = "constraints/py311.txt --no-build-isolation --editable .[cpu]"
GPU = "constraints/py311.txt --no-build-isolation --editable .[gpu]"
DEV = "constraints/py311.txt --no-build-isolation --group dev --editable .[cpu]"
CHOICE = (
    "dyno: installing extra 'cpu' (no libcuda.so.1 here; DYNO_EXTRAS overrides)"
    " with Python 3.11.7 into .venv\n"
)


class Checkout:
    def __init__(self, folder):
        self.root = folder / "a checkout"
        (self.root / "constraints").mkdir(parents=True)
        for name in ("dyno", "check", "constraints/venv.sh"):
            shutil.copy(ROOT / name, self.root / name)
        (self.root / "pyproject.toml").write_text("[project]\n")
        (self.root / "constraints/py311.txt").write_text("numpy==2.4.6\n")
        self.log = folder / "log"
        (folder / "bin").mkdir()
        self.python = folder / "bin" / "python3"
        self.python.write_text(PYTHON)
        self.python.chmod(0o755)

    def run(self, *arguments, script=None, cwd=None, **variables):
        """Run ./dyno, and return what it printed and what was installed since the last time."""
        self.log.write_text("")
        paths = {"PATH": f"{self.python.parent}:{os.environ['PATH']}", "CHECKOUT": str(self.root)}
        done = subprocess.run(
            [script or self.root / "dyno", *arguments],
            env=os.environ | paths | variables,
            cwd=cwd or self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, self.log.read_text().splitlines()


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_the_first_start_installs_and_then_runs_dyno(checkout):
    done, installed = checkout.run("run", "a suite.yaml")
    assert installed == ["venv", TOOLS, CPU]
    assert done.stdout == "<run>\n<a suite.yaml>\n"
    assert done.stderr == CHOICE


def test_later_starts_install_nothing_and_say_nothing(checkout):
    checkout.run()
    done, installed = checkout.run("runs")
    assert (installed, done.stdout, done.stderr) == ([], "<runs>\n", "")


def test_it_works_through_a_link_from_anywhere(checkout, tmp_path):
    link = tmp_path / "link to dyno"
    link.symlink_to(checkout.root / "dyno")
    done, installed = checkout.run("x", script=link, cwd="/")
    assert (installed, done.stdout) == (["venv", TOOLS, CPU], "<x>\n")


def test_a_libcuda_that_loads_chooses_the_gpu_extra(checkout):
    done, installed = checkout.run(NO_CUDA="0")
    assert installed == ["venv", TOOLS, GPU]
    assert "extra 'gpu' (libcuda.so.1 loads; DYNO_EXTRAS overrides)" in done.stderr
    assert checkout.run(NO_CUDA="1")[1] == []


def test_the_other_runtime_gets_a_new_environment(checkout):
    checkout.run()
    (checkout.root / ".venv" / "leftover").touch()
    assert checkout.run(NO_CUDA="0")[1] == ["venv", TOOLS, GPU]
    assert not (checkout.root / ".venv" / "leftover").exists()


def test_dyno_extras_overrides_and_is_remembered(checkout):
    done, installed = checkout.run(DYNO_EXTRAS="cpu,training", NO_CUDA="0")
    assert installed == ["venv", TOOLS, CPU.replace("cpu]", "cpu,training]")]
    assert "(DYNO_EXTRAS says so)" in done.stderr
    assert checkout.run()[1] == []


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints/py311.txt"])
def test_what_decides_the_installation_is_watched(checkout, file):
    checkout.run()
    with (checkout.root / file).open("a") as opened:
        opened.write("# changed\n")
    assert checkout.run()[1] == [TOOLS, CPU]
    assert checkout.run()[1] == []


def test_an_interrupted_installation_starts_anew(checkout):
    checkout.run()
    (checkout.root / ".venv" / ".dyno-state").write_text("installing\n")
    (checkout.root / ".venv" / "leftover").touch()
    assert checkout.run()[1] == ["venv", TOOLS, CPU]
    assert not (checkout.root / ".venv" / "leftover").exists()


def test_a_moved_checkout_starts_anew(checkout):
    checkout.run()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert checkout.run()[1] == ["venv", TOOLS, CPU]


def test_an_environment_made_by_hand_is_used(checkout):
    venv = checkout.root / ".venv"
    subprocess.run(
        [checkout.python, "-m", "venv", venv], check=True, env={"CHECKOUT": str(checkout.root)}
    )
    assert checkout.run()[1] == [TOOLS, CPU]


def test_another_python_gets_a_new_environment(checkout, tmp_path):
    checkout.run()
    other = tmp_path / "other python"
    shutil.copy(checkout.python, other)
    assert checkout.run(DYNO_PYTHON=str(other))[1] == ["venv", TOOLS, CPU]
    assert checkout.run(DYNO_PYTHON=str(other))[1] == []
    assert checkout.run()[1] == []


def test_check_adds_the_development_group_and_dyno_keeps_it(checkout):
    checkout.run()
    assert checkout.run(script=checkout.root / "check")[1] == [TOOLS, DEV]
    assert checkout.run()[1] == []
    (checkout.root / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert checkout.run()[1] == [TOOLS, DEV]
    assert checkout.run(script=checkout.root / "check")[1] == []


def test_check_names_the_steps_that_failed(checkout):
    tools = {"ruff": 0, "mypy": 1, "lint-imports": 0, "pytest": 5}
    for tool, code in tools.items():
        (checkout.python.parent / tool).write_text(f"#!/bin/sh\necho {tool} $*\nexit {code}\n")
        (checkout.python.parent / tool).chmod(0o755)
    done, _ = checkout.run("-k", "a b", script=checkout.root / "check")
    assert done.returncode == 1
    assert done.stdout == (
        "ruff format --check --quiet .\nruff check --quiet .\nmypy\nlint-imports\n"
        "pytest --numprocesses 2 -k a b\n"
    )
    assert done.stderr.endswith("check: tests\ndyno: check failed: types tests\n")


def test_a_failing_pip_is_shown_and_tried_again_next_time(checkout):
    done, _ = checkout.run(PIP_FAILS="1")
    assert done.returncode == 1
    assert done.stderr == (
        f"{CHOICE}pip says no\ndyno: pip could not install pip hatchling editables setuptools\n"
    )
    assert checkout.run()[1] == ["venv", TOOLS, CPU]


def test_an_unfit_python_is_named(checkout):
    done, installed = checkout.run(UNFIT="1", VERSION="3.10.13", DYNO_PYTHON="python3")
    assert (done.returncode, installed) == (1, [])
    assert done.stderr == (
        "dyno: expected Python 3.11, 3.12 or 3.13 with venv, got Python 3.10.13."
        " Install one, or name one in DYNO_PYTHON.\n"
    )


def test_a_missing_python_is_named(checkout):
    done, _ = checkout.run(DYNO_PYTHON="/no/python")
    assert done.stderr == (
        "dyno: expected Python 3.11, 3.12 or 3.13 with venv, got none called '/no/python'."
        " Install one, or name one in DYNO_PYTHON.\n"
    )


def test_dyno_itself_holds_no_lock(checkout):
    checkout.run()
    (checkout.root / "pyproject.toml").write_text("[project]\n# another start installs\n")
    dyno = checkout.root / ".venv/bin/dyno"
    dyno.write_text("#!/bin/sh\nls /proc/self/fd\n")
    done, _ = checkout.run()
    assert "9" not in done.stdout.split()
    with (checkout.root / "pyproject.toml").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


BRINGS = (
    "cpu, gpu, cuda, tensorrt, tensorrt10, rtx, gpu-all, torch, parquet, accuracy, "
    "training"  # in their order
)


@pytest.mark.parametrize("extras", ["bogus", "cpu,bogus", "bogus,cpu", "cpu,,rtx"])
def test_an_extra_that_there_is_not_is_refused_with_those_that_there_are(checkout, extras):
    shutil.copy(ROOT / "pyproject.toml", checkout.root)
    done, installed = checkout.run(DYNO_EXTRAS=extras, DYNO_PYTHON=sys.executable)
    got = "" if ",," in extras else "bogus"
    assert (done.returncode, installed) == (1, [])
    assert done.stderr == (
        f"dyno: DYNO_EXTRAS: expected some of {BRINGS}, got {got!r}. Separate them by commas.\n"
    )


@pytest.mark.parametrize("extras", ["cpu,gpu", "gpu,cpu", "gpu-all,cpu", "rtx,cpu,gpu"])
def test_two_onnx_runtimes_are_refused(checkout, extras):
    done, installed = checkout.run(DYNO_EXTRAS=extras)
    assert (done.returncode, installed) == (1, [])
    assert done.stderr == (
        f"dyno: DYNO_EXTRAS: expected one ONNX Runtime, got '{extras}'. "
        "That of gpu runs on the CPU as well: leave out cpu.\n"
    )


@pytest.mark.parametrize("extras", ["gpu,tensorrt10,tensorrt", "gpu-all,tensorrt10"])
def test_two_tensorrts_are_refused(checkout, extras):
    done, installed = checkout.run(DYNO_EXTRAS=extras)
    assert (done.returncode, installed) == (1, [])
    assert done.stderr == (
        f"dyno: DYNO_EXTRAS: expected one TensorRT, got '{extras}'. "
        "Leave out tensorrt10, or ask for gpu,cuda,tensorrt10,rtx.\n"
    )


@pytest.mark.parametrize("extra", ["cuda", "tensorrt", "tensorrt10", "gpu-all"])
def test_extras_that_are_compiled_bring_their_own_builders(checkout, extra):
    _, installed = checkout.run(DYNO_EXTRAS=extra)
    assert installed == ["venv", TOOLS, f"constraints/py311.txt --editable .[{extra}]"]


def test_what_gpu_all_installed_is_kept_as_the_gpu_runtime(checkout):
    checkout.run(DYNO_EXTRAS="gpu-all")
    (checkout.root / ".venv" / "kept").touch()
    assert checkout.run()[1] == []
    assert checkout.run(DYNO_EXTRAS="gpu")[1] == [TOOLS, GPU]
    assert (checkout.root / ".venv" / "kept").exists()
