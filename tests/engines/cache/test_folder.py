import errno
import json
import os

import pytest

from engines.cache import folder as module
from engines.cache.folder import CacheError, make_folder, open_folder

FOREIGN = (
    "{root}: expected an engine cache or an empty folder, got 'holiday.jpg' in it. "
    "Name another folder with --cache."
)
NEWER = (
    "{root}: expected an engine cache of format 1, got format 2. "
    "Update dyno, or name another folder with --cache."
)
NO_MARK = (
    "{root}: expected an engine cache, got cache.json: no such file or directory. "
    "Runs make one; name its folder with --cache or its store with --store."
)
OTHER_MARK = (
    "{root}/cache.json: expected the mark of an engine cache, got something else. "
    "Name another folder with --cache."
)
NOT_WRITABLE = (
    "{root}: expected a folder to keep engines in, got: {reason}. "
    "Mend that, or name another folder with --cache."
)


def test_a_new_cache_is_marked_for_dyno_and_for_backups(tmp_path):
    make_folder(tmp_path / "new" / "cache")
    root = tmp_path / "new" / "cache"
    assert json.loads((root / "cache.json").read_text()) == {
        "kind": "dyno engine cache",
        "format": 1,
    }
    tag = (root / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert sorted(path.name for path in root.iterdir()) == [
        "CACHEDIR.TAG",
        "cache.json",
        "locks",
        "tmp",
        "users",
    ]
    assert open_folder(root) == make_folder(root)


def test_a_cache_marked_in_half_is_marked_whole(tmp_path):
    make_folder(tmp_path / "cache")
    (tmp_path / "cache" / "CACHEDIR.TAG").unlink()
    (tmp_path / "cache" / ".new-cache.json-0a0b").touch()
    make_folder(tmp_path / "cache")
    assert (tmp_path / "cache" / "CACHEDIR.TAG").exists()


def refused(act, root):
    with pytest.raises(CacheError) as error:
        act(root)
    return str(error.value)


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    assert refused(make_folder, tmp_path) == FOREIGN.format(root=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_cache_of_another_program_is_refused(tmp_path):
    (tmp_path / "CACHEDIR.TAG").touch()
    told = refused(make_folder, tmp_path)
    assert told == FOREIGN.format(root=tmp_path).replace("holiday.jpg", "CACHEDIR.TAG")


@pytest.mark.parametrize("act", [make_folder, open_folder])
def test_a_cache_of_a_newer_format_is_refused(tmp_path, act):
    make_folder(tmp_path)
    (tmp_path / "cache.json").write_text('{"kind": "dyno engine cache", "format": 2}')
    assert refused(act, tmp_path) == NEWER.format(root=tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"kind": "cookies"}', "[" * 9999, '"\ud800"'])
@pytest.mark.parametrize("act", [make_folder, open_folder])
def test_a_mark_of_something_else_is_refused(tmp_path, act, text):
    (tmp_path / "cache.json").write_text(text, errors="surrogatepass")
    assert refused(act, tmp_path) == OTHER_MARK.format(root=tmp_path)


def test_what_is_no_cache_is_not_opened_and_not_made(tmp_path):
    root = tmp_path / "nowhere"
    assert refused(open_folder, root) == NO_MARK.format(root=root)
    assert not root.exists()


def test_a_file_is_no_folder_for_a_cache(tmp_path):
    root = tmp_path / "file"
    root.touch()
    assert refused(make_folder, root) == NOT_WRITABLE.format(root=root, reason="file exists")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_takes_no_files_is_refused_before_anything_is_built(
    tmp_path, monkeypatch, number
):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module.tempfile, "TemporaryFile", refuse)
    told = refused(make_folder, tmp_path)
    assert told == NOT_WRITABLE.format(root=tmp_path, reason=os.strerror(number).lower())


def test_only_what_lies_where_entries_lie_is_one(tmp_path):
    folder = make_folder(tmp_path)
    key = "ab" + "0" * 62
    for path in (folder.entry(key), tmp_path / "ab" / "notes", tmp_path / "cd" / key):
        path.mkdir(parents=True)
    assert list(folder.entries()) == [folder.entry(key)]


def test_only_what_a_builder_left_is_a_leftover(tmp_path):
    folder = make_folder(tmp_path)
    key = "ab" + "0" * 62
    path = folder.fresh(key)
    path.mkdir()
    (folder.tmp / "notes").touch()
    assert list(folder.leftovers()) == [(key, path)]
