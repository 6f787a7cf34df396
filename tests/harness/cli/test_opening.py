import shutil
from pathlib import Path

from harness.cli.opening import open_store, store_option
from results import access

GOLDEN = Path(__file__).parents[2] / "results" / "data" / "schema5"
NOT_APPLIED = (
    "cannot be applied in a read-only folder, so the newest results are missing. "
    "Copy the folder to where you may write, and name the copy instead."
)
RUN = "20260102-030405-1f3a"


def test_a_store_is_opened_without_a_word(tmp_path, capfd):
    shutil.copytree(GOLDEN, tmp_path / "store")

    assert open_store(tmp_path / "store").find_run() == RUN
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_applied_is_told_on_stderr(tmp_path, capfd, monkeypatch):
    shutil.copytree(GOLDEN, tmp_path / "store")
    (tmp_path / "store" / "dyno.db-wal").write_bytes(b"log")
    monkeypatch.setattr(access.os, "access", lambda _path, _mode: False)

    assert open_store(tmp_path / "store").find_run() == RUN
    assert capfd.readouterr() == (
        "",
        f"{tmp_path}/store/dyno.db-wal: {NOT_APPLIED}\n",
    )


def test_a_further_command_is_told_the_store_it_needs(tmp_path, monkeypatch):
    assert store_option(Path(".dyno")) == ""
    assert store_option(Path("my runs")) == "--store 'my runs'"

    monkeypatch.setenv("DYNO_STORE", str(tmp_path))
    assert store_option(tmp_path) == ""
