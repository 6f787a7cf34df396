import hashlib
import json
import os
from pathlib import Path

import pytest

from engines.cache.entry import DamagedError, key_of, read_entry, verify


@pytest.fixture
def entry(cache, wanted, builder):
    """The folder of a whole entry of two files."""
    found = cache.obtain(wanted(), builder(more={".data": b"weights"}))
    return found.path.parent


def damage(folder):
    with pytest.raises(DamagedError) as error:
        verify(folder)
    return str(error.value)


def rewrite(folder, change):
    """Change what entry.json says, with a checksum that fits."""
    path = folder / "entry.json"
    body = json.loads(path.read_text())["entry"]
    change(body)
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    document = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "entry": body}
    path.write_text(json.dumps(document, indent=1) + "\n")


def test_a_whole_entry_is_what_was_built(entry, wanted):
    found = verify(entry)
    assert found == read_entry(entry)
    assert found.fields == wanted().fields
    assert found.about == wanted().about
    assert found.facts == {"layers": 3, "fused": True}
    assert found.build_ns == 1234
    assert [(file.name, file.bytes) for file in found.files] == [("engine", 4), ("engine.data", 7)]
    assert found.bytes == 11


def test_the_key_depends_on_every_field_and_on_nothing_else():
    fields = {"backend": "fake", "engine": {"streams": 1, "graph": False}}
    assert key_of(fields) == key_of(dict(reversed(fields.items())))
    assert len({key_of(fields), key_of({**fields, "engine": {}}), key_of({})}) == 3
    assert len(key_of(fields)) == 64


def test_every_flipped_byte_is_found(entry):
    whole = {path: path.read_bytes() for path in entry.iterdir()}
    for path, data in whole.items():
        for place in range(len(data)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            assert damage(entry)
        path.write_bytes(data)
    assert verify(entry).build_ns == 1234


def test_every_truncation_of_the_description_is_found(entry):
    path = entry / "entry.json"
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert damage(entry)


def test_a_damaged_engine_is_told_by_its_file(entry):
    (entry / "engine").write_bytes(b"plaN")
    assert damage(entry) == "engine: checksum differs"
    (entry / "engine").write_bytes(b"")
    assert damage(entry) == "engine has 0 bytes instead of 4"
    (entry / "engine").unlink()
    assert damage(entry) == "engine is missing"
    (entry / "engine").mkdir()
    assert damage(entry) == "engine is not a file"


def test_a_link_to_the_right_bytes_is_no_file_of_an_entry(entry, tmp_path):
    (entry / "engine").rename(tmp_path / "moved")
    (entry / "engine").symlink_to(tmp_path / "moved")
    assert damage(entry) == "engine is a link"


def test_a_file_too_many_is_told(entry):
    (entry / "engine.more").touch()
    assert damage(entry) == "unexpected file 'engine.more'"


def test_an_entry_without_a_description_is_told(entry):
    (entry / "entry.json").unlink()
    assert damage(entry) == "entry.json is missing"
    (entry / "entry.json").symlink_to("/dev/zero")
    assert damage(entry) == "entry.json is a link"


def test_an_entry_that_is_no_folder_is_told(entry, tmp_path):
    entry.rename(tmp_path / "moved")
    assert damage(entry) == "the entry is missing"
    entry.symlink_to(tmp_path / "moved")
    assert damage(entry) == "the entry is a link"
    entry.unlink()
    entry.touch()
    assert damage(entry) == "the entry is not a folder"


def test_an_entry_of_another_key_is_told(entry, cache, wanted, builder):
    other = cache.obtain(wanted("gru"), builder()).path.parent
    (entry / "entry.json").write_bytes((other / "entry.json").read_bytes())
    assert damage(entry) == "entry.json belongs to another key"


@pytest.mark.parametrize(
    ("method", "name", "told"),
    [
        ("open", "engine", "engine: permission denied"),
        ("read_bytes", "entry.json", "entry.json: permission denied"),
        ("lstat", "entry.json", "entry.json: permission denied"),
    ],
)
def test_what_may_not_be_read_is_told(entry, monkeypatch, method, name, told):
    real = getattr(Path, method)

    def refuse(path, *arguments, **options):
        if path.name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(type(entry), method, refuse)
    assert damage(entry) == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, "entry.json has format 2 instead of 1"),
        ({"build_ns": "1234"}, "entry.json: build_ns: input should be a valid integer"),
        ({"build_ns": True}, "entry.json: build_ns: input should be a valid integer"),
        ({"built_at": None}, "entry.json: built_at: input should be a valid number"),
        ({"files": {}}, "entry.json: files: input should be a valid array"),
        ({"files": [{}]}, "entry.json: files.0.name: field required"),
        ({"about": {"model": 3}}, "entry.json: about.model: input should be a valid string"),
        ({"fields": []}, "entry.json: fields: input should be an object"),
        ({"colour": "red"}, "entry.json is not as it was written"),
    ],
)
def test_a_description_of_wrong_types_is_told_by_its_field(entry, change, told):
    rewrite(entry, lambda body: body.update(change))
    assert damage(entry) == told


def test_a_description_of_a_few_spaces_more_is_not_as_it_was_written(entry):
    path = entry / "entry.json"
    path.write_bytes(path.read_bytes() + b" ")
    assert damage(entry) == "entry.json is not as it was written"


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"entry": [], "sha256": 1}'])
def test_a_description_of_something_else_is_told(entry, text):
    (entry / "entry.json").write_text(text)
    assert damage(entry) == ("entry.json: checksum differs" if text else "entry.json is not JSON")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_told(entry, number):
    path = entry / "entry.json"
    text = path.read_text()
    path.write_text(text.replace('"build_ns": 1234', f'"build_ns": {number}'))
    assert path.read_text() != text
    assert damage(entry) == "entry.json is not JSON"


def test_a_description_nested_without_end_is_told(entry):
    (entry / "entry.json").write_text("[" * 100_000)
    assert damage(entry) == "entry.json is not JSON"


def test_a_name_that_leads_elsewhere_is_not_followed(entry, tmp_path):
    (tmp_path / "secret").write_bytes(b"plan")
    name = os.path.relpath(tmp_path / "secret", entry)
    rewrite(entry, lambda body: body["files"][0].update(name=name))
    assert damage(entry) == "unexpected file 'engine'"
