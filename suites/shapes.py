"""Dimensions: what a model names, and what a suite says of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from suites.errors import SuiteError, did_you_mean
from suites.expressions import evaluate, parse_expression
from suites.signature import Dim, Signature, TensorSpec
from suites.suite import Model
from suites.wording import spell_place

BATCH_WORDS = ("batch_size", "batchsize", "bs", "b", "n")
"""What files call the batch, lower-cased, best word first. The last two only count as the first
dimension of an input, since they also name other things."""

_LETTERS = ("b", "n")
_NAME = re.compile(r"[^\W\d][\w.]*\Z")

Dims = tuple[tuple[str, tuple[Dim, ...]], ...]


def is_dimension_name(text: str) -> bool:
    """Return whether text can name a dimension: letters, digits, `_` and `.`, no digit first."""
    return _NAME.match(text) is not None


def names_in(dim: Dim) -> tuple[str, ...]:
    """Return the named dimensions of an expression, in its order."""
    if not isinstance(dim, str):
        return ()
    terms = parse_expression(dim) or ()
    return tuple(dict.fromkeys(value for _, value in terms if isinstance(value, str)))


def dimension_names(signature: Signature) -> tuple[str, ...]:
    """Return the named dimensions of the inputs in the order they appear, `batch` included."""
    dims = (dim for spec in signature.inputs for dim in spec.dims)
    return tuple(dict.fromkeys(name for dim in dims for name in names_in(dim)))


def resolve_shape(spec: TensorSpec, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Return the shape for these sizes.

    Raises SuiteError for an unknown dimension, a name without a size and an expression below 1.
    """
    return tuple(_resolve(dim, spec, sizes) for dim in spec.dims)


def _resolve(dim: Dim, spec: TensorSpec, sizes: Mapping[str, int]) -> int:
    if dim is None:
        raise SuiteError(f"{spec.name}: expected named or fixed dimensions, got {spell_dims(spec)}")
    try:
        size = evaluate(dim, sizes)
    except KeyError as missing:
        raise SuiteError(f"{spec.name}: expected a size for {missing}, got none") from None
    if isinstance(dim, str) and size < 1:
        given = ", ".join(f"{name}={sizes[name]}" for name in names_in(dim))
        raise SuiteError(
            f"{spec.name}: expected dimension '{dim}' to be at least 1, got {size} with {given}. "
            "Give larger sizes"
        )
    return size


def spell_dims(spec: TensorSpec) -> str:
    """Return dimensions as `[batch, ?, 3]`."""
    return f"[{', '.join('?' if dim is None else str(dim) for dim in spec.dims)}]"


def model_signature(model: Model, signature: Signature, where: str) -> Signature:
    """Return a model's signature with the suite's `dims`, every dimension sized or named.

    `where` is the suite's. Applying it twice changes nothing. Raises SuiteError, also for an input
    that the suite gives values for and the model does not have.
    """
    place = f"{where}: models.{model.name}"
    applied = apply_dims(signature, model.dims, f"{place}.dims")
    require_names(applied, f"{place}.dims")
    known = [spec.name for spec in applied.inputs]
    for name, _ in model.inputs:
        if name not in known:
            raise SuiteError(
                f"{place}.inputs: expected one of the model's inputs "
                f"{', '.join(map(repr, known))}, got {name!r}.{did_you_mean(name, known)}"
            )
    return applied


def apply_dims(signature: Signature, dims: Dims, where: str) -> Signature:
    """Return the signature with the dimensions a suite gives, by input and position.

    `where` is the place of `dims` for messages. Customary names of the batch become `batch`.
    Raises SuiteError for an unknown input, a wrong number of dimensions, and for anything but the
    same size where the file has one: a runtime refuses any other.
    """
    specs = {spec.name: spec for spec in name_batch(signature).inputs}
    for name, given in dims:
        place = f"{where}{spell_place(('_', name))[1:]}"
        if name not in specs:
            raise SuiteError(
                f"{where}: expected one of the model's inputs {', '.join(map(repr, specs))}, "
                f"got {name!r}.{did_you_mean(name, specs)}"
            )
        if len(given) != len(specs[name].dims):
            raise SuiteError(
                f"{place}: expected {_count(len(specs[name].dims))}, got {len(given)}. "
                f"The file has {spell_dims(specs[name])}."
            )
        _check_fixed(specs[name], given, where)
        specs[name] = replace(specs[name], dims=given)
    return name_batch(replace(signature, inputs=tuple(specs.values())))


def _check_fixed(spec: TensorSpec, given: tuple[Dim, ...], where: str) -> None:
    for index, (own, dim) in enumerate(zip(spec.dims, given, strict=True)):
        if isinstance(own, int) and not _equals(dim, own):
            raise SuiteError(
                f"{where}{spell_place(('_', spec.name, index))[1:]}: expected {own}, the size that "
                f"the file fixes, got {dim!r}. Export the model again to vary it."
            )


def _equals(dim: Dim, size: int) -> bool:
    return dim is not None and not names_in(dim) and evaluate(dim, {}) == size


def _count(rank: int) -> str:
    return "1 dimension" if rank == 1 else f"{rank} dimensions"


def require_names(signature: Signature, where: str) -> None:
    """Check that every dimension of every input has a size or a name.

    `where` is the place of the model's `dims`. Raises SuiteError with the remedy.
    """
    for spec in signature.inputs:
        if None in spec.dims:
            raise SuiteError(
                f"{where}: expected a name or a size for every dimension of input {spec.name!r}, "
                f"got {spell_dims(spec)}. Write {where.rpartition(' ')[2]}: "
                f"{{{spec.name!r}: {spell_dims(spec)}}} with a name or a size for each '?'."
            )


def name_batch(signature: Signature) -> Signature:
    """Return the signature with a customary name of the batch (`N`, `batch_size`, …) as `batch`.

    Nothing changes where a dimension is called `batch` already, and only the best word of
    BATCH_WORDS is renamed, so that `[B, N, 3]` keeps its `N`.
    """
    names = dimension_names(signature)
    found = None if "batch" in names else _batch_word(names, _leading_names(signature))
    if found is None:
        return signature
    return replace(
        signature,
        inputs=_map_dims(signature.inputs, lambda dim: _rename(dim, found)),
        outputs=_map_dims(signature.outputs, lambda dim: _rename(dim, found)),
    )


def _leading_names(signature: Signature) -> set[str]:
    return {name for spec in signature.inputs for name in names_in(next(iter(spec.dims), None))}


def _batch_word(names: Iterable[str], leading: set[str]) -> str | None:
    words = {
        name.lower(): name for name in names if name in leading or name.lower() not in _LETTERS
    }
    return next((words[word] for word in BATCH_WORDS if word in words), None)


def _map_dims(specs: Iterable[TensorSpec], change: Callable[[Dim], Dim]) -> tuple[TensorSpec, ...]:
    return tuple(replace(spec, dims=tuple(change(dim) for dim in spec.dims)) for spec in specs)


def _rename(dim: Dim, name: str) -> Dim:
    if name not in names_in(dim):
        return dim
    terms = parse_expression(str(dim)) or ()
    return "".join(
        f"{operator}{'batch' if value == name else value}" for operator, value in terms
    ).removeprefix("+")
