"""An entry: the files of an engine and `entry.json`, which says what they are and must be."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.cache.folder import FORMAT
from engines.contract import Fact
from engines.durable import file_sha256, sync
from suites.errors import reason

if TYPE_CHECKING:
    from pydantic import TypeAdapter

ENGINE = "engine"
"""The name of an engine's file; further files of the engine begin with it."""
ENTRY = "entry.json"


class DamagedError(Exception):
    """An entry is not whole; the message is what is wrong with it, as part of a sentence."""


class BadBuildError(Exception):
    """A build did not leave what the contract says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFile:
    """A file of the engine as it was built."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What `entry.json` holds.

    `fields` are what the key is made of, `about` tells people whose engine it is. `built_at` is
    seconds since the epoch, `build_ns` host time inside the backend's build.
    """

    format: int
    fields: Mapping[str, Any]
    about: Mapping[str, str]
    facts: Mapping[str, Fact]
    build_ns: int
    built_at: float
    dyno_version: str
    files: tuple[EntryFile, ...]

    @property
    def bytes(self) -> int:
        """Return the size of the engine."""
        return sum(file.bytes for file in self.files)


def key_of(fields: Mapping[str, Any]) -> str:
    """Return the key of an engine whose bytes depend on the fields, which are JSON-ready."""
    return _sha256(_canonical({"cache_format": FORMAT, **fields}))


def write_entry(folder: Path, entry: Entry) -> None:
    """Write `entry.json` beside the engine's files, and have all of them on the disk.

    Raises OSError, and BadBuildError for a fact that JSON has no number for.
    """
    try:
        data = _rendered(entry)
    except ValueError:
        raise BadBuildError(
            f"build: expected facts that are finite numbers or texts, got {dict(entry.facts)!r}"
        ) from None
    (folder / ENTRY).write_bytes(data)
    for path in (*folder.iterdir(), folder):
        sync(path)


def built_files(folder: Path) -> tuple[EntryFile, ...]:
    """Return the files that a build left, sorted. Raises BadBuildError."""
    paths = sorted(folder.iterdir())
    for path in paths:
        if not path.name.startswith(ENGINE) or not stat.S_ISREG(path.lstat().st_mode):
            raise BadBuildError(
                f"build: expected files whose names begin with {ENGINE!r}, got {path.name!r}"
            )
    files = tuple(
        EntryFile(name=path.name, bytes=path.stat().st_size, sha256=file_sha256(path))
        for path in paths
    )
    size = {file.name: file.bytes for file in files}.get(ENGINE)
    if not size:
        found = "no file" if size is None else "an empty file"
        raise BadBuildError(f"build: expected an engine, got {found}")
    return files


def read_entry(folder: Path) -> Entry:
    """Return the entry as it says of itself; its files are not looked at. Raises DamagedError."""
    _check_kind(folder, stat.S_ISDIR, "a folder")
    _check_kind(folder / ENTRY, stat.S_ISREG, "a file")
    try:
        data = (folder / ENTRY).read_bytes()
    except OSError as error:
        raise DamagedError(f"{ENTRY}: {reason(error)}") from error
    entry = _parsed(data)
    if key_of(entry.fields) != folder.name:
        raise DamagedError(f"{ENTRY} belongs to another key")
    return entry


def verify(folder: Path) -> Entry:
    """Return the entry once every byte of it is known to be as built. Raises DamagedError."""
    entry = read_entry(folder)
    expected = {ENTRY, *(file.name for file in entry.files)}
    try:
        found = {path.name for path in folder.iterdir()}
        if extra := sorted(found - expected):
            raise DamagedError(f"unexpected file {extra[0]!r}")
        for file in entry.files:
            _verify_file(folder / file.name, file)
    except OSError as error:
        name = Path(error.filename).name if error.filename else folder.name
        raise DamagedError(f"{name}: {reason(error)}") from error
    return entry


def _verify_file(path: Path, file: EntryFile) -> None:
    _check_kind(path, stat.S_ISREG, "a file")
    size = path.stat().st_size
    if size != file.bytes:
        raise DamagedError(f"{file.name} has {size} bytes instead of {file.bytes}")
    if file_sha256(path) != file.sha256:
        raise DamagedError(f"{file.name}: checksum differs")


def _check_kind(path: Path, is_kind: Any, kind: str) -> None:
    """Raise DamagedError unless the path itself, not what it links to, is of that kind."""
    name = "the entry" if kind == "a folder" else path.name
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        raise DamagedError(f"{name} is missing") from None
    except OSError as error:
        raise DamagedError(f"{name}: {reason(error)}") from error
    if not is_kind(mode):
        raise DamagedError(f"{name} is {'a link' if stat.S_ISLNK(mode) else f'not {kind}'}")


def _parsed(data: bytes) -> Entry:
    """Return the entry that the bytes render. Raises DamagedError."""
    from pydantic import ValidationError

    try:
        told = json.loads(data)
        body = told.get("entry") if isinstance(told, dict) else None
        canonical = _canonical(body) if isinstance(body, dict) else b""
    except (ValueError, RecursionError):  # also NaN and infinity, which Python's reader takes
        raise DamagedError(f"{ENTRY} is not JSON") from None
    if not isinstance(body, dict) or told.get("sha256") != _sha256(canonical):
        raise DamagedError(f"{ENTRY}: checksum differs")
    if body.get("format") != FORMAT:
        raise DamagedError(f"{ENTRY} has format {body.get('format')!r} instead of {FORMAT}")
    try:
        entry = _form().validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DamagedError(f"{ENTRY}: {where}: {first['msg'].lower()}") from None
    if _rendered(entry) != data:
        raise DamagedError(f"{ENTRY} is not as it was written")
    return entry


@cache
def _form() -> TypeAdapter[Entry]:
    """Return what checks the types of an entry; made once, since making it takes milliseconds."""
    from pydantic import TypeAdapter

    return TypeAdapter(Entry)


def _rendered(entry: Entry) -> bytes:
    """Return the bytes of `entry.json`: readable, and with a checksum of all that they say."""
    body = asdict(entry)
    document = {"sha256": _sha256(_canonical(body)), "entry": body}
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
