import errno
import os

import pytest

from engines.durable import replacing


def write(path, data):
    with replacing(path) as stream:
        stream.write(data)


def test_what_the_body_wrote_is_the_file_and_nothing_lies_beside_it(tmp_path):
    path = tmp_path / "new" / "file"

    write(path, b"one")
    write(path, b"two")

    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["file"]


def test_an_error_in_the_body_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "file"
    write(path, b"one")

    with pytest.raises(RuntimeError), replacing(path) as stream:
        stream.write(b"tw")
        raise RuntimeError

    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_names_the_file_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left on device") as caught:
        write(tmp_path / "file", b"one")

    assert caught.value.filename == str(tmp_path / "file")
    assert os.listdir(tmp_path) == []


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(os.listdir(tmp_path)))

    write(tmp_path / "file", b"one")

    before, after = synced
    assert [name.startswith(".new-") for name in before] == [True]
    assert after == ["file"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="Not a directory|File exists") as caught:
        write(tmp_path / "file" / "below", b"one")

    assert caught.value.filename == str(tmp_path / "file")
