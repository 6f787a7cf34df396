import subprocess

import pytest

from harness.machine import software
from harness.machine.software import read_packages, read_source


def git(folder, *arguments):
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", folder, *author, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def suite(tmp_path):
    """A committed suite file."""
    (tmp_path / "repo").mkdir()
    file = tmp_path / "repo" / "rnn.yaml"
    file.write_text("suite: rnn\n")
    git(file.parent, "init", "--quiet")
    git(file.parent, "add", "rnn.yaml")
    git(file.parent, "commit", "--quiet", "--message", "Add a suite")
    return file


def test_a_committed_suite_has_a_commit_and_is_clean(suite):
    source = read_source(suite).values
    assert source["suite_commit"] == git(suite.parent, "rev-parse", "HEAD")
    assert source["suite_dirty"] is False


def test_an_edited_suite_is_dirty_and_an_untracked_neighbour_is_nothing(suite):
    (suite.parent / "notes.txt").write_text("not tracked")
    assert read_source(suite).values["suite_dirty"] is False
    suite.write_text("suite: other\n")
    assert read_source(suite).values["suite_dirty"] is True


def test_another_repository_in_git_dir_does_not_count(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert read_source(suite).values["suite_dirty"] is False


def test_an_untracked_suite_has_no_commit_even_within_a_repository(suite):
    other = suite.with_name("other.yaml")
    other.write_text("suite: other\n")
    facts = read_source(other)
    assert facts.values["suite_commit"] is None
    assert facts.unknown["suite_commit"] == (
        "git ls-files: error: pathspec 'other.yaml' did not match any file(s) known to git"
    )


def test_a_suite_outside_any_repository_has_no_commit(tmp_path):
    reason = read_source(tmp_path / "rnn.yaml").unknown["suite_commit"]
    assert reason.startswith("git ls-files: fatal: not a git repository")


def test_an_ad_hoc_suite_has_no_commit():
    assert read_source(None).unknown == {
        "suite_commit": "the suite has no file",
        "suite_dirty": "the suite has no file",
    }


def test_without_git_there_is_a_reason(suite, monkeypatch):
    monkeypatch.setenv("PATH", str(suite.parent))
    assert read_source(suite).unknown["suite_commit"] == "git is not installed"


def test_packages_that_are_not_installed_are_left_out(monkeypatch):
    monkeypatch.setattr(software, "PACKAGES", ("numpy", "no-such-distribution"))
    assert list(read_packages()) == ["numpy"]


def test_a_dyno_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(software, "DISTRIBUTION", "no-such-distribution")
    assert read_source(None).unknown["dyno"] == "no-such-distribution is not installed"
