import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.cli.store import parse_age
from results.record import Skipped
from results.store import Store
from suites.errors import SuiteError

DYNO = str(Path(sys.executable).with_name("dyno"))
GOLDEN = Path(__file__).parents[2] / "results" / "data"
RUN = "20260102-030405-1f3a"


@pytest.fixture
def store(tmp_path):
    shutil.copytree(GOLDEN / "schema2", tmp_path / ".dyno")
    return Store(tmp_path / ".dyno")


@pytest.fixture
def dyno(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("results.upkeep.prune.time.time", lambda: 1_800_000_000.0)
    return lambda *arguments: CliRunner().invoke(app, ["store", *arguments])


def told_by_process(tmp_path, *arguments):
    return subprocess.run(
        [DYNO, "store", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )


def test_merge_tells_each_run_and_the_count(dyno, tmp_path):
    shutil.copytree(GOLDEN / "schema1", tmp_path / "a")
    told = dyno("merge", "a")

    assert (told.exit_code, told.output) == (
        0,
        (
            f"{RUN} golden: added, 4 cases, 2 launches\n"
            "a: 1 added, 0 extended, 0 here already, 0 refused\n"
        ),
    )
    again = dyno("merge", "a", "a")
    assert (again.exit_code, again.output) == (
        0,
        "a: 0 added, 0 extended, 1 here already, 0 refused\n" * 2,
    )


def test_merge_tells_which_runs_grew_and_which_are_longer_here(dyno, store, tmp_path):
    shutil.copytree(store.folder, tmp_path / "longer")
    Store(tmp_path / "longer").add_outcome(RUN, 3, Skipped(reason="r"))

    assert dyno("merge", "longer").output == (
        f"{RUN} golden: extended by 1 outcome\n"
        "longer: 0 added, 1 extended, 0 here already, 0 refused\n"
    )
    shutil.copytree(GOLDEN / "schema2", tmp_path / "shorter")
    assert dyno("merge", "shorter").output == (
        f"{RUN} golden: here already, with more than there\n"
        "shorter: 0 added, 0 extended, 1 here already, 0 refused\n"
    )


@pytest.mark.usefixtures("store")
def test_a_run_that_is_refused_is_named_and_the_exit_code_is_1(dyno, tmp_path):
    shutil.copytree(GOLDEN / "schema1", tmp_path / "a")
    told = dyno("merge", "a")

    assert (told.exit_code, told.output) == (
        1,
        (
            f"{RUN} golden: refused: another run has this id here: they differ in run, resume, "
            "run_end, case, launch, outcome\n"
            "a: 0 added, 0 extended, 0 here already, 1 refused\n"
        ),
    )


@pytest.mark.usefixtures("store")
def test_prune_tells_what_went_and_what_stays(dyno):
    dry = dyno("prune", "--raw-older-than", "8w", "--dry-run")
    told = dyno("prune", "--raw-older-than", "8w")

    assert (dry.exit_code, dry.output) == (
        0,
        (
            "would remove raw timings of 5 launches of 1 run, 1.08 KiB\n"
            "would remove 0 leftovers, 0 B\n"
        ),
    )
    assert told.output == (
        "removed raw timings of 5 launches of 1 run, 1.08 KiB\n"
        "removed 0 leftovers, 0 B\n"
        "dyno.db is smaller by 0 B\n"
    )
    assert dyno("verify").output == (
        "store is whole: 1 run, 5 launches, 0 timings; 5 of the launches were pruned\n"
    )


def test_prune_without_an_age_looks_at_files_only(dyno, store):
    path = store.folder / "models" / f"{'00' * 32}.onnx"
    path.parent.mkdir()
    path.write_text("1234")
    os.utime(path, (0, 1_700_000_000))

    assert dyno("prune").output == ("removed 1 leftover, 4.00 B\ndyno.db is smaller by 0 B\n")


@pytest.mark.usefixtures("store")
def test_prune_leaves_the_database_s_size_while_runs_go_on(dyno, monkeypatch):
    monkeypatch.setattr("harness.alive.live_runs", lambda _: {"other"})

    assert dyno("prune").output == (
        "removed 0 leftovers, 0 B\n"
        "dyno.db keeps its size while runs go on; prune again after them\n"
    )


def test_open_cases_that_keep_their_raw_timings_are_counted(dyno, store):
    with closing(sqlite3.connect(store.folder / "dyno.db")) as connection:
        connection.execute("DELETE FROM outcome WHERE position = 4")
        connection.commit()

    assert "left the raw timings of 1 open case: their numbers are made of them\n" in (
        dyno("prune", "--raw-older-than", "1d").output
    )


def test_verify_tells_each_problem_and_exits_1(dyno, store):
    (store.folder / "inputs").mkdir()
    (store.folder / "inputs" / f"{'00' * 32}.npz").write_text("")
    told = dyno("verify")

    assert (told.exit_code, told.output) == (
        1,
        (
            f"inputs/{'00' * 32}.npz: expected whole arrays, got the archive damaged\n"
            "store is damaged: 1 problem; 1 run, 5 launches, 500 timings\n"
        ),
    )


@pytest.mark.usefixtures("store")
def test_export_writes_all_runs_or_those_named(dyno):
    pytest.importorskip("pyarrow")
    expected = (
        "{0}/runs.parquet: 1 row\n{0}/cases.parquet: 5 rows\n"
        "{0}/launches.parquet: 5 rows\n{0}/timings.parquet: 500 rows\n"
        "{0}/telemetry.parquet: 0 rows\n{0}/accuracy.parquet: 0 rows\n"
        "{0}/verdicts.parquet: 0 rows\n"
    )

    assert dyno("export", "--parquet", "all").output == expected.format("all")
    assert dyno("export", "--parquet", "one", "golden", RUN).output == expected.format("one")


def test_verdicts_are_exported_where_no_run_is_named(dyno, tmp_path):
    pytest.importorskip("pyarrow")
    shutil.copytree(GOLDEN / "schema5", tmp_path / "gated")

    every = dyno("export", "--parquet", "all", "--store", "gated").output
    one = dyno("export", "--parquet", "one", "golden", "--store", "gated").output

    assert every.endswith("all/verdicts.parquet: 2 rows\n")
    assert one.endswith("one/verdicts.parquet: 0 rows\n")


def test_merge_tells_baselines_and_gates_by_their_kind(dyno, tmp_path):
    shutil.copytree(GOLDEN / "schema5", tmp_path / "gated")

    assert dyno("merge", "gated").output == (
        f"{RUN} golden: added, 5 cases, 5 launches\n"
        "baseline 20260101-000000-aaaa main: added, 1 case\n"
        "baseline 20260102-000000-bbbb main: added, 2 cases\n"
        "gate 20260103-040506-2b4c smoke: added, 3 pairs, 2 verdicts\n"
        "gated: 4 added, 0 extended, 0 here already, 0 refused\n"
    )
    assert dyno("merge", "gated").output == (
        "gated: 0 added, 0 extended, 4 here already, 0 refused\n"
    )


def test_verify_counts_gates_and_pairs_where_there_are_any(dyno, tmp_path):
    shutil.copytree(GOLDEN / "schema5", tmp_path / "gated")

    assert dyno("verify", "--store", "gated").output.splitlines()[-1] == (
        "store is damaged: 2 problems; 1 run, 5 launches, 500 timings, 1 gate, 3 pairs"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("verify", "--store", "none"),
            (
                "none: expected a store, got no dyno.db there. Make one with 'dyno run SUITE', or "
                "name another folder with --store.\n"
            ),
        ),
        (
            ("merge", "none"),
            (
                "none: expected a store to merge, got no dyno.db there. "
                "Name the folder of a store.\n"
            ),
        ),
        (
            ("prune", "--raw-older-than", "30"),
            (
                "--raw-older-than: expected a number and h, d or w, such as 30d, got '30'. "
                "Write for example --raw-older-than 30d.\n"
            ),
        ),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_exit_code_2(tmp_path, arguments, message):
    told = told_by_process(tmp_path, *arguments)

    assert (told.returncode, told.stdout, told.stderr) == (2, "", message)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0h", 0.0), ("12h", 43_200.0), ("30d", 2_592_000.0), ("1w", 604_800.0)]
)
def test_ages_are_hours_days_or_weeks(text, seconds):
    assert parse_age(text, option="--x") == seconds


@pytest.mark.parametrize("text", ["", "d", "1y", "-1d", "1.5d", "٣d", "1 d", "1000000d"])
def test_anything_else_is_no_age(text):
    with pytest.raises(SuiteError, match="expected a number and h, d or w"):
        parse_age(text, option="--x")


def test_an_age_of_a_thousand_digits_is_one_short_line():
    with pytest.raises(SuiteError) as caught:
        parse_age(f"1{'0' * 999}d", option="--x")

    assert str(caught.value) == (
        "--x: expected a number and h, d or w, such as 30d, "
        f"got '1{'0' * 38}…'. Write for example --x 30d."
    )


def test_a_store_that_is_not_there_is_told_before_a_new_one_is_made(tmp_path):
    told = told_by_process(tmp_path, "merge", "none", "--store", "new")

    assert told.returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("store")
def test_prune_tells_that_a_reader_keeps_the_size(dyno, monkeypatch):
    monkeypatch.setattr("results.upkeep.prune.compact", lambda _: None)

    assert dyno("prune").output == (
        "removed 0 leftovers, 0 B\n"
        "dyno.db keeps its size while others read it; prune again after them\n"
    )


def test_prune_tells_what_is_damaged_and_exits_1(dyno, store):
    with closing(sqlite3.connect(store.folder / "dyno.db")) as connection:
        connection.execute("UPDATE run SET environment = ''")
        connection.commit()
    told = dyno("prune", "--raw-older-than", "1d", "--dry-run")

    assert (told.exit_code, told.output) == (
        1,
        (
            f"left as it is: {store.folder.name}/dyno.db: run {RUN}: expected a row that can be "
            "read, got JSONDecodeError: Expecting value: line 1 column 1 (char 0). "
            "List all that is damaged with 'dyno store verify', and measure again.\n"
            "would remove raw timings of 0 launches of 0 runs, 0 B\n"
            "would remove 0 leftovers, 0 B\n"
        ),
    )
