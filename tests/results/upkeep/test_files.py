import pytest

from results.upkeep import files
from results.upkeep.files import Named, copy_named, hashed, remove, total_bytes

AB, CD = "ab" * 32, "cd" * 32


def write(path, text="text"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_only_files_named_by_a_hash_count(tmp_path):
    whole = write(tmp_path / "models" / f"{AB}.onnx")
    write(tmp_path / "models" / "mine.onnx")
    write(tmp_path / "models" / f"{CD}.npz")
    (tmp_path / "models" / f"{CD}.onnx").mkdir()

    assert list(hashed(tmp_path, files.MODELS)) == [(AB, whole)]


def test_what_is_there_already_is_not_copied(tmp_path):
    write(tmp_path / "from" / "models" / f"{AB}.onnx", "theirs")
    mine = write(tmp_path / "to" / "models" / f"{AB}.onnx", "mine")
    named = Named(models=frozenset({AB}), inputs=frozenset({CD}))

    assert copy_named(tmp_path / "from", tmp_path / "to", named) == 0
    assert mine.read_text() == "mine"


def test_a_copy_that_fails_leaves_nothing_half_written(tmp_path, monkeypatch):
    write(tmp_path / "from" / "models" / f"{AB}.onnx")

    def full(_source, target):
        target.write_text("te")
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(files.shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        copy_named(
            tmp_path / "from", tmp_path / "to", Named(models=frozenset({AB}), inputs=frozenset())
        )

    assert list((tmp_path / "to" / "models").iterdir()) == []


def test_sizes_are_those_of_files_in_folders_too(tmp_path):
    write(tmp_path / "folder" / "deep" / "a", "123")
    single = write(tmp_path / "b", "45")

    assert total_bytes([tmp_path / "folder", single]) == 5


def test_what_is_gone_already_is_removed_without_a_word(tmp_path):
    remove(tmp_path / "gone")
    remove(write(tmp_path / "folder" / "a").parent)

    assert list(tmp_path.iterdir()) == []


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    kept = write(tmp_path / "kept" / "a")
    (tmp_path / "link").symlink_to(kept.parent)

    remove(tmp_path / "link")

    assert kept.exists()
    assert not (tmp_path / "link").is_symlink()


def test_a_full_disk_is_told_of_the_place_that_is_full(tmp_path, monkeypatch):
    write(tmp_path / "from" / "models" / f"{AB}.onnx")

    def full(source, target):
        raise OSError(28, "No space left on device", str(source), None, str(target))

    monkeypatch.setattr(files.shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left") as caught:
        copy_named(
            tmp_path / "from", tmp_path / "to", Named(models=frozenset({AB}), inputs=frozenset())
        )

    assert caught.value.filename == str(tmp_path / "to" / "models" / f"{AB}.onnx")
