"""The optimization profile of a case: the shapes, and values of shapes, that its plan takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from suites.expressions import evaluate, parse_expression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engines.contract import PreparedModel
    from suites.case import Case

    Shape = tuple[int, ...]


def make_profile(
    builder: Any, network: Any, model: PreparedModel, case: Case, batches: Sequence[int]
) -> Any | None:
    """Return the profile for these batches (least, tuned for, greatest), None where none is needed.

    All other dimensions are the case's alone. Raises EngineError.
    """
    profile, needed = builder.create_optimization_profile(), False
    all_sizes = [{**case.sizes, "batch": batch} for batch in batches]
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        if tensor.is_shape_tensor:
            profile.set_shape_input(
                tensor.name, *(_values(tensor, model, sizes) for sizes in all_sizes)
            )
            needed = True
        elif -1 in tuple(tensor.shape):
            dims = _dims(tensor, model)
            profile.set_shape(
                tensor.name, *(_shape(tensor.name, dims, sizes) for sizes in all_sizes)
            )
            needed = True
    return profile if needed else None


def _dims(tensor: Any, model: PreparedModel) -> tuple[int | str, ...]:
    """Return a size or an expression for each dimension of an input."""
    if tensor.name in model.dims:
        return model.dims[tensor.name]
    return tuple(
        size if size >= 0 else tensor.get_dimension_name(axis) or "?"
        for axis, size in enumerate(tuple(tensor.shape))
    )


def _shape(name: str, dims: tuple[int | str, ...], sizes: Mapping[str, int]) -> Shape:
    try:
        return tuple(_size(dim, sizes) for dim in dims)
    except KeyError:
        raise EngineError(
            "shape-out-of-profile",
            f"input {name!r}: expected every dimension to be a size or a name among "
            f"{', '.join(sizes)}, got [{', '.join(map(str, dims))}]",
            "Name or fix its dimensions with the model's `dims`.",
        ) from None


def _size(dim: int | str, sizes: Mapping[str, int]) -> int:
    if isinstance(dim, str) and parse_expression(dim) is None:
        raise KeyError(dim)
    return evaluate(dim, sizes)


def _values(tensor: Any, model: PreparedModel, sizes: Mapping[str, int]) -> list[int]:
    """Return the values of an input that is a shape: its builder has to know them.

    They are the one number that the suite gives it, or the case's dimension of the same name.
    """
    value = model.values.get(tensor.name, sizes.get(tensor.name))
    if value is None:
        raise EngineError(
            "shape-out-of-profile",
            f"input {tensor.name!r} is a shape: expected its value to be known when the plan is "
            "built, got none",
            "Give it one number under the model's `inputs`, such as {value: 16}.",
        )
    shape = tuple(tensor.shape)
    return [value] * (shape[0] if shape else 1)
