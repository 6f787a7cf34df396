import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engines.cache import DEFAULT_CAP_BYTES
from engines.cache.cache import Draft, EngineCache, Request
from engines.cache.folder import CacheError
from harness.cli.app import app
from harness.cli.options import DEFAULT_CACHE_SIZE, parse_size
from suites.errors import SuiteError

DYNO = str(Path(sys.executable).with_name("dyno"))
LISTED = """\
key       model       precision  backend          size KiB  made     used
──────────────────────────────────────────────────────────────────────────────
8ec2459f  lstm        int8       a model          2.40      now      now
88d8d712  damaged     —          —                1.96      —        5 min ago
a86d61ec  [b]\\x1b[1m  int8       onnxruntime-cpu  2.43      3 d ago  2 h ago
3 entries, 6.79 KiB of 10.0 GiB, in {root}
"""
NARROW = [
    "key       model     precision  backend          size KiB  made     used",
    "─" * 74,
    "ae3e8055  lstm      int8       onnxruntime-cpu  2.42      3 d ago  2 h ago",
]
NO_CACHE = (
    "{root}: expected an engine cache, got cache.json: no such file or directory. "
    "Runs make one; name its folder with --cache or its store with --store.\n"
)
REFUSED = (
    "{path}: expected a place where dyno may remove files, got: {reason}. "
    "Mend that, or name another folder with --cache."
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

    def put(model, *, built_s=0, used_s=0, backend=True):
        def build(path):
            path.write_bytes(bytes(2000))
            return Draft(facts={}, build_ns=1)

        fields = {"backend": "onnxruntime-cpu"} if backend else {"graph": "int8"}
        about = {"model": model, "precision": "int8"}
        request = Request(fields={**fields, "of": model}, about=about, dyno_version="1")
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
    put("lstm", backend=False)
    put("[b]\x1b[1m", built_s=3 * 86400 + 50, used_s=2 * 3600 + 50)
    damaged = put("gru").with_name("entry.json")
    damaged.write_text("{}")
    os.utime(damaged, (time.time() - 330,) * 2)
    lines = dyno("ls").stdout.splitlines()
    told = "".join(f"{line.rstrip()}\n" for line in lines)
    assert told == LISTED.format(root=cache.folder.root)


def test_an_empty_cache_is_one_line(dyno, cache):
    told = dyno("ls", "--cache-size", "5MiB")
    assert told.stdout == f"0 entries, 0 B of 5.00 MiB, in {cache.folder.root}\n"


def test_pruning_tells_what_went_what_stays_and_why(dyno, put, cache):
    put("old", used_s=200)
    put("new", used_s=100)
    with cache.in_use():
        put("used")
        told = dyno("prune", "--all")
    assert told.stdout == (
        "removed 2 entries, 4.83 KiB; kept 1 entry that runs use now; left 1 entry, 2.42 KiB\n"
    )


@pytest.mark.parametrize("arguments", [("--to", "4KiB"), ("--cache-size", "4KiB")])
def test_pruning_to_a_size_leaves_what_was_used_last(dyno, put, arguments):
    old, new = put("old", used_s=200), put("new", used_s=100)
    told = dyno("prune", *arguments)
    assert told.stdout == "removed 1 entry, 2.41 KiB; left 1 entry, 2.41 KiB\n"
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.usefixtures("dyno")
def test_what_cannot_be_removed_is_told_with_the_reason(put, monkeypatch, capsys):
    path = put("old").parent

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    arguments = ["cache", "prune", "--all"]
    with pytest.raises(CacheError) as error:
        app(arguments, standalone_mode=False)
    assert str(error.value) == REFUSED.format(path=path, reason="permission denied")
    assert capsys.readouterr().out == (
        "removed 0 entries, 0 B; could not remove 1 entry; left 1 entry, 2.41 KiB\n"
    )


def test_a_cache_that_may_only_be_read_is_told_by_prune(dyno, put, cache, monkeypatch):
    put("old")
    cache.folder.tmp.rmdir()
    mkdir = Path.mkdir

    def refuse(path, *arguments, **options):
        if path == cache.folder.tmp:
            raise OSError(30, "Read-only file system", str(path))
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(CacheError) as error:
        dyno("prune", "--all")
    assert str(error.value) == REFUSED.format(path=cache.folder.tmp, reason="read-only file system")


def test_a_size_and_all_at_once_are_refused(dyno, put):
    path = put("kept")
    with pytest.raises(SuiteError) as error:
        dyno("prune", "--to", "5GiB", "--all")
    assert str(error.value) == (
        "--to: expected it without --all, got both. Leave out --all, or --to 5GiB."
    )
    assert path.exists()


@pytest.mark.parametrize("columns", ["30", "40", "74"])
def test_a_narrow_terminal_loses_nothing_of_the_list(dyno, put, monkeypatch, columns):
    put("lstm", built_s=3 * 86400 + 50, used_s=2 * 3600 + 50)
    monkeypatch.setenv("COLUMNS", columns)
    lines = dyno("ls").stdout.splitlines()
    assert [line.rstrip() for line in lines[:3]] == NARROW


def test_a_model_of_a_long_name_folds_before_the_list_gets_wider(dyno, put):
    put("a-model-with-a-name-that-does-not-fit", used_s=2 * 3600 + 50)
    lines = dyno("ls").stdout.splitlines()
    assert max(map(len, lines[:-1])) == 80
    end = lines[0].index("precision")
    told = "".join(line[10:end].strip() for line in lines[2:-1])
    assert told == "a-model-with-a-name-that-does-not-fit"


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
    assert lines[-1] == "3 entries, 2 damaged; dyno makes them again when they are next needed"
    assert told.exit_code == 1


def test_verify_of_whole_engines_exits_with_0(dyno, put):
    put("whole")
    told = dyno("verify")
    assert (told.stdout, told.exit_code) == ("1 entry, 0 damaged\n", 0)


def test_an_engine_that_is_pruned_meanwhile_is_not_damaged(dyno, put, monkeypatch):
    from engines.cache import entry, prune

    put("gone")
    real = entry.verify

    def late(folder):
        prune.prune(EngineCache.make(folder.parent.parent).folder, to_bytes=0)
        return real(folder)

    monkeypatch.setattr(entry, "verify", late)
    assert dyno("verify").stdout == "1 entry, 0 damaged\n"


@pytest.mark.parametrize(
    "text", ["much", "-1", "10 apples", "1e99", "", "1,5GiB", "5 GiB or so", "1.GiB", "٣GiB"]
)
def test_a_size_that_is_none_is_told(cache, text):
    done = subprocess.run(
        [DYNO, "cache", "ls", "--cache-size", text],
        cwd=cache.folder.root.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"--cache-size: expected a size such as 10GiB or 500MB, got {text!r}. "
        "Write a number, 1.5 with a point, then B, kB, KiB, MB, MiB, GB, GiB, TB or TiB.\n"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [("10GiB", 10 << 30), (" 1.5 kB ", 1500), ("2048", 2048), ("1.5MiB", 3 << 19), ("3tb", 3e12)],
)
def test_a_size_is_a_number_and_a_unit(text, found):
    assert parse_size(text, option="--to") == found


def test_the_size_that_is_left_out_is_the_caches_own():
    assert parse_size(DEFAULT_CACHE_SIZE, option="--cache-size") == DEFAULT_CAP_BYTES


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


@pytest.mark.parametrize("arguments", [("cache", "ls"), ("bench", "mlp", "--backend", "fake")])
@pytest.mark.parametrize("option", ["--cache", "--store"])
def test_links_that_go_round_in_a_circle_are_told_on_one_line(tmp_path, arguments, option):
    (tmp_path / "loop").symlink_to("loop")
    done = subprocess.run(
        [DYNO, *arguments, option, "loop"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "loop" in done.stderr


@pytest.mark.parametrize("command", ["ls", "prune", "verify"])
def test_every_option_has_help(command):
    import typer

    chosen = typer.main.get_command(app).get_command(None, "cache").get_command(None, command)
    assert chosen.help
    assert all(parameter.help for parameter in chosen.params)
