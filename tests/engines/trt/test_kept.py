from engines.trt.kept import keep, kept


def test_what_is_kept_is_read_again(tmp_path):
    keep(tmp_path / "a", b"one")
    keep(tmp_path / "a", memoryview(b"two"))
    assert kept(tmp_path / "a") == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_not_there_is_nothing(tmp_path):
    assert kept(tmp_path / "a") == b""


def test_a_folder_that_is_gone_is_no_reason_to_fail(tmp_path):
    keep(tmp_path / "gone" / "a", b"one")
    assert list(tmp_path.iterdir()) == []
