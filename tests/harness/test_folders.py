from pathlib import Path

import pytest

from engines.cache.folder import CacheError, make_folder
from harness.folders import cache_folder, resolved


def test_the_cache_is_in_the_store_unless_another_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("real")
    assert cache_folder(Path(".dyno"), None) == tmp_path / ".dyno" / "cache"
    assert cache_folder(Path(".dyno"), Path("link")) == tmp_path / "real"


def test_links_that_go_round_in_a_circle_are_an_error_on_one_line(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    folder = resolved(tmp_path / "a")
    assert folder.parent == tmp_path
    with pytest.raises(CacheError) as error:
        make_folder(folder)
    assert str(error.value) == (
        f"{folder}: expected a folder to keep engines in, got: {REASON}. "
        "Mend that, or name another folder with --cache."
    )


REASON = "file exists"
