"""The models inside Python packages: what `packages.toml` knows of them, fetched or not."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from suites.signature import Dim, Signature, TensorSpec
from suites.suite import FixedInput, InputSource, RandomInput

FACTS = Path(__file__).with_name("packages.toml")

_UNKNOWN = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """An ONNX file inside a package's wheel.

    `path` is its place in the wheel, `signature` what it declares, with the sizes that its named
    dimensions have by default. `dims` and `values` are what a suite gets unless it says otherwise.
    """

    package: str
    version: str
    name: str
    path: str
    sha256: str
    size_bytes: int
    summary: str
    precision: str
    signature: Signature
    dims: tuple[tuple[str, tuple[Dim, ...]], ...]
    values: tuple[tuple[str, InputSource], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package at the one version whose files are known."""

    name: str
    version: str
    licence: str
    files: Mapping[str, PackageFile]


@cache
def packages() -> Mapping[str, Package]:
    """Return every package by name."""
    facts = tomllib.loads(FACTS.read_text(encoding="utf-8"))
    return MappingProxyType({name: _package(name, entry) for name, entry in facts.items()})


def _package(name: str, entry: Mapping[str, Any]) -> Package:
    version = entry["version"]
    files = {file: _file(name, version, file, facts) for file, facts in entry["files"].items()}
    return Package(
        name=name, version=version, licence=entry["licence"], files=MappingProxyType(files)
    )


def _file(package: str, version: str, name: str, facts: Mapping[str, Any]) -> PackageFile:
    return PackageFile(
        package=package,
        version=version,
        name=name,
        path=facts["path"],
        sha256=facts["sha256"],
        size_bytes=facts["bytes"],
        summary=facts["summary"],
        precision=facts["precision"],
        signature=Signature(
            inputs=_specs(facts["inputs"]),
            outputs=_specs(facts["outputs"]),
            defaults=tuple(facts.get("sizes", {}).items()),
        ),
        dims=tuple((input_, tuple(dims)) for input_, dims in facts.get("dims", {}).items()),
        values=tuple((input_, _value(value)) for input_, value in facts["values"].items()),
    )


def _specs(tensors: Mapping[str, Any]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=name,
            dtype=tensor["dtype"],
            dims=tuple(None if dim == _UNKNOWN else dim for dim in tensor["dims"]),
        )
        for name, tensor in tensors.items()
    )


def _value(value: Mapping[str, Any]) -> InputSource:
    return FixedInput(**value) if "value" in value else RandomInput(**value)
