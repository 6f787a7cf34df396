import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engines.cache.cache import Draft, EngineCache, Request
from harness.cli.app import app

DYNO = str(Path(sys.executable).with_name("dyno"))
LISTED = """\
key       model          backend          size KiB  built    used
──────────────────────────────────────────────────────────────────────
754dbd98  lstm           onnxruntime-cpu  2.40      now      now
41c4e3ab  damaged        —                1.96      —        5 min ago
3101cac1  [red]\\x1b[31m  onnxruntime-cpu  2.42      3 d ago  2 h ago
3 engines, 6.78 KiB of 10.0 GiB, in {root}
"""
NO_CACHE = (
    "{root}: expected an engine cache, got cache.json: no such file or directory. "
    "Runs make one; name its folder with --cache or its store with --store.\n"
)
NOT_WRITABLE = (
    "{root}: expected a folder to keep engines in, got: file exists. "
    "Mend that, or name another folder with --cache.\n"
)


@pytest.fixture
def cache(tmp_path):
    return EngineCache.make(tmp_path / ".dyno" / "cache")


@pytest.fixture
def put(cache, monkeypatch):
    """Put an engine of a model into the cache; ages are seconds. Returns the engine's path."""

    def put(model, *, built_s=0, used_s=0):
        def build(path):
            path.write_bytes(bytes(2000))
            return Draft(facts={}, build_ns=1)

        fields = {"backend": "onnxruntime-cpu", "model_sha256": model}
        request = Request(fields=fields, about={"model": model}, dyno_version="1")
        now = time.time()
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: float(int(now - built_s)))
            path = cache.obtain(request, build).path
        if used_s:
            os.utime(path.with_name("entry.json"), (now - used_s, now - used_s))
        return path

    return put


@pytest.fixture
def dyno(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments):
        return CliRunner().invoke(app, ["cache", *arguments], catch_exceptions=False)

    return call


def test_the_list_tells_whose_engines_are_how_big_and_how_old(dyno, put, cache):
    put("lstm")
    put("[red]\x1b[31m", built_s=3 * 86400 + 50, used_s=2 * 3600 + 50)
    damaged = put("gru").with_name("entry.json")
    damaged.write_text("{}")
    os.utime(damaged, (time.time() - 330,) * 2)
    lines = dyno("ls").stdout.splitlines()
    told = "".join(f"{line.rstrip()}\n" for line in lines)
    assert told == LISTED.format(root=cache.folder.root)


def test_an_empty_cache_is_one_line(dyno, cache):
    told = dyno("ls", "--cache-size", "5MiB")
    assert told.stdout == f"0 engines, 0 B of 5.00 MiB, in {cache.folder.root}\n"


def test_pruning_tells_what_went_what_stays_and_why(dyno, put, cache):
    put("old", used_s=200)
    put("new", used_s=100)
    with cache.in_use():
        put("used")
        told = dyno("prune", "--all")
    assert told.stdout == (
        "removed 2 engines, 4.80 KiB; kept 1 engine that runs use now; left 1 engine, 2.40 KiB\n"
    )


@pytest.mark.parametrize("arguments", [("--to", "4KiB"), ("--cache-size", "4KiB")])
def test_pruning_to_a_size_leaves_what_was_used_last(dyno, put, arguments):
    old, new = put("old", used_s=200), put("new", used_s=100)
    told = dyno("prune", *arguments)
    assert told.stdout == "removed 1 engine, 2.40 KiB; left 1 engine, 2.40 KiB\n"
    assert (old.exists(), new.exists()) == (False, True)


def test_what_cannot_be_removed_is_told(dyno, put, monkeypatch):
    put("old")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    told = dyno("prune", "--all")
    assert told.stdout == (
        "removed 0 engines, 0 B; could not remove 1 engine; left 1 engine, 2.40 KiB\n"
    )


def test_verify_names_each_damaged_engine_and_exits_with_1(dyno, put):
    put("whole")
    paths = sorted([put("a"), put("b")])
    for path in paths:
        path.write_bytes(b"")
    told = dyno("verify")
    lines = told.stdout.splitlines()
    assert sorted(lines[:-1]) == [
        f"damaged: {path.parent}: engine has 0 bytes instead of 2000" for path in paths
    ]
    assert lines[-1] == "3 engines, 2 damaged; dyno builds them again when they are next needed"
    assert told.exit_code == 1


def test_verify_of_whole_engines_exits_with_0(dyno, put):
    put("whole")
    told = dyno("verify")
    assert (told.stdout, told.exit_code) == ("1 engine, 0 damaged\n", 0)


def test_an_engine_that_is_pruned_meanwhile_is_not_damaged(dyno, put, monkeypatch):
    from engines.cache import entry, prune

    put("gone")
    real = entry.verify

    def late(folder):
        prune.prune(EngineCache.make(folder.parent.parent).folder, to_bytes=0)
        return real(folder)

    monkeypatch.setattr(entry, "verify", late)
    assert dyno("verify").stdout == "1 engine, 0 damaged\n"


@pytest.mark.parametrize("text", ["much", "-1", "10 apples", "1e99", ""])
def test_a_size_that_is_none_is_told(cache, text):
    done = subprocess.run(
        [DYNO, "cache", "ls", "--cache-size", text],
        cwd=cache.folder.root.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (f"--cache-size: expected a size such as 10GiB or 500MB, got {text!r}.\n")


@pytest.mark.parametrize("command", ["ls", "prune", "verify"])
def test_what_is_no_cache_is_told_and_left_alone(tmp_path, command):
    (tmp_path / "photo").touch()
    done = subprocess.run(
        [DYNO, "cache", command, "--cache", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == NO_CACHE.format(root=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo"]


def test_a_cache_that_cannot_be_ends_a_run_before_it_starts(tmp_path):
    (tmp_path / "file").touch()
    done = subprocess.run(
        [DYNO, "bench", "mlp", "--backend", "fake"],
        cwd=tmp_path,
        env={**os.environ, "DYNO_CACHE": "file"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == NOT_WRITABLE.format(root=tmp_path / "file")


@pytest.mark.parametrize("command", ["ls", "prune", "verify"])
def test_every_option_has_help(command):
    import typer

    chosen = typer.main.get_command(app).get_command(None, "cache").get_command(None, command)
    assert chosen.help
    assert all(parameter.help for parameter in chosen.params)
