"""The files beside a store's database: models and inputs named by hash, logs by run."""

from __future__ import annotations

import errno
import hashlib
import lzma
import os
import secrets
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MODELS = "models", ".onnx"
INPUTS = "inputs", ".npz"
PINNED_MODELS = "baselines/models"
"""A folder a model, called by its hash, with the model's files."""
PINNED_INPUTS = "baselines/inputs", ".npz"
LOGS = "logs"
UNFINISHED = ".new-"
"""How the name of a file begins that is still being written, or was when its writer was killed."""
_DIGITS = 64
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What cases name by hash: SHA-256 sums of prepared models, and of sets of inputs."""

    models: frozenset[str]
    inputs: frozenset[str]


def named(rows: Iterable[Sequence[str | None]]) -> Named:
    """Return what rows of a model's hash and a set of inputs' name, each of which may be None."""
    found = [tuple(row) for row in rows]
    return Named(
        models=frozenset(row[0] for row in found if row[0]),
        inputs=frozenset(row[1] for row in found if row[1]),
    )


def hashed(store: Path, kind: tuple[str, str]) -> Iterator[tuple[str, Path]]:
    """Yield the hash in the name of each file of MODELS or INPUTS, and its path, sorted."""
    folder, suffix = kind
    for path in sorted((store / folder).glob(f"*{suffix}")):
        if len(path.stem) == _DIGITS and path.is_file():
            yield path.stem, path


def file_problems(store: Path) -> Iterator[str]:
    """Yield what is wrong with the files named by hash.

    The hash of inputs is over their names too, which the file does not hold: of them the archive's
    own checksums are looked at.
    """
    for name, path in hashed(store, MODELS):
        found = _content(path)
        if found != name:
            yield f"{path.relative_to(store)}: expected the bytes of that hash, got {found}"
    for _, path in (*hashed(store, INPUTS), *hashed(store, PINNED_INPUTS)):
        if damaged := _damaged_part(path):
            yield f"{path.relative_to(store)}: expected whole arrays, got {damaged} damaged"


def pinned_problems(store: Path, model_sha256: str, files: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the files of a pinned model, whose hashes are by name."""
    for name, sha256 in files.items():
        path = f"{PINNED_MODELS}/{model_sha256}/{name}"
        if not (store / path).is_file():
            yield f"{path}: expected the pinned model, got nothing there"
        elif (found := _content(store / path)) != sha256:
            yield f"{path}: expected the bytes of hash {sha256}, got {found}"


def pinned_folders(store: Path) -> Iterator[tuple[str, Path]]:
    """Yield the hash and the folder of each model that was pinned, sorted."""
    for path in sorted((store / PINNED_MODELS).glob("*")):
        if len(path.name) == _DIGITS and path.is_dir():
            yield path.name, path


def _content(path: Path) -> str:
    """Return the hash of the file, or why it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"{error.strerror!r}"


def _damaged_part(path: Path) -> str | None:
    """Return what of an archive is damaged; a flipped bit may seem a kind that is not known."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip()
    except _BROKEN_ZIP:
        return "the archive"


def copy_named(source: Path, target: Path, named: Named) -> int:
    """Copy the files that the other store has and this one lacks; return how many they were."""
    copied = 0
    for (folder, suffix), hashes in ((MODELS, named.models), (INPUTS, named.inputs)):
        for name in sorted(hashes):
            copied += _copy(
                source / folder / f"{name}{suffix}", target / folder / f"{name}{suffix}"
            )
    return copied


def copy_pinned(source: Path, target: Path, named: Named) -> None:
    """Copy the files of a baseline that this store lacks."""
    for model in sorted(named.models):
        folder = source / PINNED_MODELS / model
        for path in sorted(folder.rglob("*")):
            _copy(path, target / path.relative_to(source))
    inputs, suffix = PINNED_INPUTS
    for name in sorted(named.inputs):
        _copy(source / inputs / f"{name}{suffix}", target / inputs / f"{name}{suffix}")


def copy_logs(source: Path, target: Path, run_id: str) -> None:
    """Copy the logs of a run that this store lacks."""
    folder = source / LOGS / run_id
    for path in sorted(folder.glob("*")):
        _copy(path, target / LOGS / run_id / path.name)


def total_bytes(paths: Iterable[Path]) -> int:
    """Return the size of files and of folders with all that is in them."""
    return sum(_bytes(path) for path in paths)


def remove(path: Path) -> None:
    """Remove a file or a folder; one that is gone already is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _bytes(path: Path) -> int:
    if not path.is_dir():
        return path.lstat().st_size
    return sum(child.lstat().st_size for child in path.rglob("*") if not child.is_dir())


def _copy(path: Path, target: Path) -> bool:
    """Copy a file to the disk unless it is there; a reader sees the whole of it or nothing."""
    if target.exists() or not path.is_file():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{UNFINISHED}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        shutil.copyfile(path, fresh)
        _sync(fresh)
        fresh.replace(target)
        _sync(target.parent)
    except OSError as error:
        if error.errno in _NO_ROOM or error.filename in (None, str(fresh)):
            error.filename, error.filename2 = str(target), None
        raise
    finally:
        fresh.unlink(missing_ok=True)
    return True


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk and not in memory alone."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
