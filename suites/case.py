"""A case: one point of a suite's matrix, and the words it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PRECISIONS = (
    "fp32",
    "tf32",
    "fp16",
    "bf16",
    "int8",
    "int8-fp16",
    "int8-dynamic",
    "int8-scan",
    "fp8",
    "fp8-fp16",
    "int4",
    "fp64",
)

OptionValue = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One point of the matrix.

    `dims` holds the value of every named dimension of the model but `batch`; `options` the backend
    options that the suite gives for this case, not those left at the backend's default.
    """

    model: str
    backend: str
    precision: str
    batch: int
    dims: tuple[tuple[str, int], ...] = ()
    options: tuple[tuple[str, OptionValue], ...] = ()

    @property
    def id(self) -> str:
        """Return the id, such as `lstm/onnxruntime-cpu/fp32/b8/sequence=64/threads=2`."""
        named = [f"{name}={_spell(value)}" for name, value in (*self.dims, *self.options)]
        return "/".join([self.model, self.backend, self.precision, f"b{self.batch}", *named])

    @property
    def sizes(self) -> dict[str, int]:
        """Return the value of every named dimension, `batch` included."""
        return {"batch": self.batch, **dict(self.dims)}

    def to_dict(self) -> dict[str, Any]:
        """Return the case as JSON-ready values, for the wire and the store."""
        return {
            "model": self.model,
            "backend": self.backend,
            "precision": self.precision,
            "batch": self.batch,
            "dims": dict(self.dims),
            "options": dict(self.options),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Case:
        """Return the case that `to_dict` wrote."""
        return cls(
            model=data["model"],
            backend=data["backend"],
            precision=data["precision"],
            batch=data["batch"],
            dims=tuple(data["dims"].items()),
            options=tuple(data["options"].items()),
        )


def _spell(value: OptionValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
