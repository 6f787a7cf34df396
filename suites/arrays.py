"""Arrays of `.npy` and `.npz` files: checked by their headers, read when they are needed."""

from __future__ import annotations

import zipfile
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from suites.errors import SuiteError, did_you_mean
from suites.shapes import names_in
from suites.wording import spell_found, spell_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from suites.signature import TensorSpec
    from suites.suite import FileInput

Header = tuple[tuple[int, ...], "np.dtype[Any]"]


def check_array(
    source: FileInput,
    spec: TensorSpec,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    *,
    place: str,
    case_id: str,
) -> None:
    """Check that the file's array fits an input, reading its header only. Raises SuiteError.

    Where the input's first dimension is the batch, the file's may be longer.
    """
    key = _key(source, place)
    found, found_dtype = _explained_header(source, key, place)
    if not _same_type(found_dtype, dtype):
        raise SuiteError(
            f"{place}: expected {dtype.name}, got {found_dtype} in {source.given!r}. "
            f"Save it as {dtype.name}."
        )
    rows = bool(spec.dims) and "batch" in names_in(spec.dims[0])
    if found != shape and not (rows and _has_rows(found, shape)):
        hint = "The first axis may be longer." if rows else "Save it in that shape."
        raise SuiteError(
            f"{place}: expected shape {list(shape)} for {case_id}, got {list(found)} in "
            f"{source.given!r}. {hint}"
        )


def read_array(
    source: FileInput, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> NDArray[np.generic]:
    """Return the array of a checked file, its first rows where it has more than the batch."""
    loaded: Any = np.load(source.path, allow_pickle=False)
    if source.path.suffix == ".npz":
        with loaded:
            loaded = loaded[source.key or loaded.files[0]]
    rows = loaded[: shape[0]] if shape else loaded
    array: NDArray[np.generic] = np.ascontiguousarray(rows).view(dtype).reshape(shape)
    return array


def _key(source: FileInput, place: str) -> str | None:
    """Return the array's name inside a `.npz` file, or None for a `.npy` file."""
    if source.path.suffix != ".npz":
        return None
    names = _explained_names(source, place)
    if source.key in names:
        return source.key
    if source.key is None and len(names) == 1:
        return names[0]
    hint = did_you_mean(source.key, names) if source.key else " Name one."
    raise SuiteError(
        f"{place}.key: expected one of {spell_words(names) or 'no arrays'}, "
        f"got {spell_found(source.key)}.{hint}"
    )


def _explained_names(source: FileInput, place: str) -> list[str]:
    try:
        with zipfile.ZipFile(source.path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise _unreadable(source, place, error) from error


def _explained_header(source: FileInput, key: str | None, place: str) -> Header:
    try:
        return _header(source.path, key, source.path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _unreadable(source, place, error) from error


def _unreadable(source: FileInput, place: str, error: Exception) -> SuiteError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return SuiteError(
        f"{place}.file: expected an array file as numpy saves it, got {source.given!r}: "
        f"{str(reason or error).rstrip('.')}. Save it again."
    )


@lru_cache(maxsize=256)
def _header(path: Path, key: str | None, _modified_ns: int) -> Header:
    if key is None:
        with path.open("rb") as stream:
            return _read_header(stream)
    with zipfile.ZipFile(path) as archive, archive.open(f"{key}.npy") as member:
        return _read_header(member)


def _read_header(stream: IO[bytes]) -> Header:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"format {version[0]}.{version[1]} holds no plain numbers")
    return tuple(shape), dtype


def _same_type(found: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    """Return whether they agree; numpy saves the types of ml_dtypes as bytes of their size."""
    if wanted.kind == "V":
        return found.kind == "V" and found.itemsize == wanted.itemsize
    return found == wanted


def _has_rows(found: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return len(found) == len(shape) > 0 and found[0] >= shape[0] and found[1:] == shape[1:]
