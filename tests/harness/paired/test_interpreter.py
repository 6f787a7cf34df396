import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.paired.interpreter import InterpreterError, absolute, probe

RUNS = "expected an interpreter that runs dyno's worker"
NAME = "--version. Name an interpreter, such as .venv/bin/python."


@pytest.fixture
def program(tmp_path):
    """Return a function that writes a program: a shell script that answers to --version."""

    def write(name, *, version="", otherwise="exit 3"):
        path = tmp_path / name
        path.write_text(
            f"#!/bin/sh\nif [ $1 = --version ]; then echo '{version}'; exit 0; fi\n{otherwise}\n"
        )
        path.chmod(0o755)
        return str(path)

    return write


@pytest.fixture
def ask(closure, folders):
    def probed(python, backends=("onnxruntime-cpu",), **limits):
        return probe(python, backends, closure=closure, folders=folders, **limits)

    return probed


def test_a_path_is_made_absolute_and_links_stay(program, tmp_path, monkeypatch):
    program("python3.99")
    link = tmp_path / "a-link"
    link.symlink_to("python3.99")
    monkeypatch.chdir(tmp_path)
    assert absolute("./a-link") == absolute("a-link") == absolute(str(link)) == str(link)


def test_a_word_is_found_on_the_path(program, tmp_path, monkeypatch):
    python = program("python3.99")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert absolute("python3.99") == python


def test_the_folder_of_an_environment_stands_for_its_python(foreign, monkeypatch):
    folder = Path(foreign).parent.parent
    monkeypatch.chdir(folder.parent)
    assert absolute(str(folder)) == absolute(folder.name) == foreign


def test_a_home_is_spelt_out(program, tmp_path, monkeypatch):
    python = program("python3.99")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert absolute("~/python3.99") == python


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("gone", "got nothing there. Name another, or make the environment anew."),
        ("folder", "got a folder without bin/python. Name that of a virtual environment."),
        ("text", "got a file that may not be executed. Name an interpreter."),
        (
            "link",
            (
                "got a link to '/gone/python3.11', which is gone. "
                "Bring that Python back, or make the environment anew."
            ),
        ),
    ],
)
def test_what_cannot_be_executed_is_told(tmp_path, ask, name, problem):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("text")
    (tmp_path / "link").symlink_to("/gone/python3.11")
    path = str(tmp_path / name)
    message = f"{path}: expected a Python interpreter, {problem}"
    for find in (absolute, ask):
        with pytest.raises(InterpreterError, match=f"^{re.escape(message)}$"):
            find(path)


def test_the_link_of_an_environment_whose_python_is_gone_is_named(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to("/gone/python3.11")
    with pytest.raises(InterpreterError, match=r"/bin/python: .* a link to '/gone/python3\.11'"):
        absolute(str(tmp_path))


def test_no_path_at_all_is_told():
    message = "'': expected a Python interpreter, got an empty path. Name one, such as "
    with pytest.raises(InterpreterError, match=f"^{re.escape(message)}"):
        absolute("")


def test_this_environment_tells_its_versions(ask):
    found = ask(sys.executable, ["fake", "onnxruntime-cpu"])
    assert (found.python, found.missing) == (sys.executable, {})
    assert found.versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"numpy", "onnxruntime"} <= found.versions.keys()
    assert found.versions.keys().isdisjoint({"onnx", "engine-dyno"})


def test_another_environment_tells_what_it_lacks_and_inherits_no_modules(
    ask, foreign, tmp_path, monkeypatch
):
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    found = ask(foreign, ["fake", "nobody", "onnxruntime-cpu"])
    assert found.versions.keys() == {"numpy", "python"}
    assert found.missing == {
        "nobody": "backend: expected a known name, got 'nobody'. There are "
        + re.search(r"There are (.*)$", found.missing["nobody"])[1],
        "onnxruntime-cpu": "onnxruntime is not installed. Install dyno with the 'cpu' extra.",
    }


@pytest.mark.parametrize(
    ("version", "otherwise", "problem"),
    [
        ("", "exit 3", f"expected a Python interpreter, got a program that says nothing to {NAME}"),
        (
            "true (GNU coreutils) 9.1",
            "exit 0",
            (
                "expected a Python interpreter, got a program that says "
                f"'true (GNU coreutils) 9.1' to {NAME}"
            ),
        ),
        (
            "Python 3.10.13",
            "echo 'unknown option -P'; exit 2",
            (
                "expected Python 3.11 or newer, got 'Python 3.10.13'. "
                "Make the environment anew with a newer one."
            ),
        ),
        (
            "Python 3.12.1",
            "echo 'libz.so.1: cannot open shared object file'; exit 1",
            (
                f"{RUNS}, got exit status 1 in 'inventory'. Mend that environment, or make it "
                "anew. The runtime's last words: libz.so.1: cannot open shared object file"
            ),
        ),
    ],
)
def test_a_program_that_cannot_run_the_worker_is_told(ask, program, version, otherwise, problem):
    python = program("python", version=version, otherwise=otherwise)
    with pytest.raises(InterpreterError, match=f"^{re.escape(f'{python}: {problem}')}$"):
        ask(python)


def test_an_environment_without_numpy_is_told_how_to_get_it(ask, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    python = absolute(str(tmp_path / "env"))
    message = (
        f"{python}: expected numpy and the backends' runtimes there, got no numpy. "
        f"Run `{python} -m pip install numpy`, and install the runtimes."
    )
    with pytest.raises(InterpreterError, match=f"^{re.escape(message)}$"):
        ask(python)


def test_a_program_that_does_not_answer_is_given_up(ask, program):
    python = program("python", otherwise="exec sleep 60")
    message = f"{python}: {RUNS}, got no answer within 0.1 s. Run it by hand to see why."
    with pytest.raises(InterpreterError, match=f"^{re.escape(message)}$"):
        ask(python, timeout_s=0.1)


def test_a_file_that_is_no_program_is_told(ask, tmp_path):
    path = tmp_path / "python"
    path.write_bytes(b"\0\1\2")
    path.chmod(0o755)
    message = (
        f"{path}: expected a Python interpreter, got a program that says 'exec format error' to "
    )
    with pytest.raises(InterpreterError, match=f"^{re.escape(message)}{re.escape(NAME)}$"):
        ask(str(path))
