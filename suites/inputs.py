"""The values of a model's inputs: seeded random, fixed, in a range, or from a file.

The same seed, input name and shape give the same values, whatever the other inputs and cases are:
renaming a model, or another backend or precision, changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from suites.errors import SuiteError, did_you_mean
from suites.expressions import evaluate
from suites.shapes import model_signature, names_in, resolve_shape
from suites.signature import Signature, TensorSpec
from suites.suite import FileInput, FixedInput, InputSource, Model, RandomInput, Suite
from suites.wording import spell_found, spell_place, spell_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from suites.case import Case
    from suites.selection import HasCase

    Array = NDArray[np.generic]

HIGHEST_SIGNED = 2**63
"""The highest exclusive bound of 64-bit numbers with a sign."""

UNBOUNDED_HIGH = 2
"""Integers without any bound are 0 or 1: legal as masks, segments and indices alike."""


def make_inputs(model: Model, signature: Signature, case: Case, seed: int) -> dict[str, Array]:
    """Return an array for every input of the case, in the signature's order.

    Floats are standard normal, or uniform in [low, high) where a range is given; integers uniform
    in [low, high), by default from 0 to the bound that the graph implies, else to UNBOUNDED_HIGH;
    booleans fair. Raises SuiteError.
    """
    applied = model_signature(model, signature, case.id)
    sources = dict(model.inputs)
    return {
        spec.name: _Input(sources.get(spec.name, RandomInput()), spec, case, case.id).make(seed)
        for spec in applied.inputs
    }


def check_input_files(
    suite: Suite, planned: Sequence[HasCase], signatures: Mapping[str, Signature]
) -> None:
    """Check that every case can have its inputs, reading no more than the headers of files.

    Raises SuiteError for the first value, range, key, type or shape that does not fit.
    """
    models = {model.name: model for model in suite.models}
    used = {entry.case.model for entry in planned}
    applied = {name: model_signature(models[name], signatures[name], suite.where) for name in used}
    for case in _distinct(planned):
        sources = dict(models[case.model].inputs)
        for spec in applied[case.model].inputs:
            _Input(sources.get(spec.name, RandomInput()), spec, case, suite.where).check()


def inputs_bytes(signature: Signature, case: Case) -> int:
    """Return what the case's input arrays take together; `dims` are applied already."""
    return sum(tensor_bytes(spec, case) for spec in signature.inputs)


def tensor_bytes(spec: TensorSpec, case: Case) -> int:
    """Return what an input or output takes. Raises SuiteError where its shape does not follow."""
    from suites.dtypes import find_dtype

    return prod(resolve_shape(spec, case.sizes)) * find_dtype(spec.dtype, spec.name).itemsize


def _distinct(planned: Sequence[HasCase]) -> Iterator[Case]:
    """Return one case for each combination of model and sizes."""
    cases = {(e.case.model, e.case.batch, e.case.dims): e.case for e in reversed(planned)}
    return reversed(cases.values())


class _Input:
    """One input of one case: its source, its shape, its type, and its place for messages."""

    def __init__(self, source: InputSource, spec: TensorSpec, case: Case, where: str) -> None:
        from suites.dtypes import find_dtype

        self.source = source
        self.spec = spec
        self.case = case
        self.place = f"{where}: {spell_place(('models', case.model, 'inputs', spec.name))}"
        self.shape = _shape(spec, case, where)
        self.dtype = find_dtype(spec.dtype, self.place)

    def check(self) -> None:
        """Raise SuiteError where the source cannot give what the input takes."""
        if isinstance(self.source, FixedInput):
            self._check_number(self.source.value, f"{self.place}.value")
        elif isinstance(self.source, FileInput):
            from suites.arrays import check_array

            check_array(
                self.source,
                self.spec,
                self.dtype,
                self.shape,
                place=self.place,
                case_id=self.case.id,
            )
        else:
            self._bounds(self.source)

    def make(self, seed: int) -> Array:
        """Return the values. Raises as `check` does."""
        import numpy as np

        self.check()
        if isinstance(self.source, FixedInput):
            return np.full(self.shape, self.source.value).astype(self.dtype)
        if isinstance(self.source, FileInput):
            from suites.arrays import read_array

            return read_array(self.source, self.dtype, self.shape)
        generator = np.random.default_rng(_seed(seed, self.spec.name, self.shape))
        return self._draw(generator, self._bounds(self.source))

    def _draw(self, generator: Any, bounds: tuple[float, float] | None) -> Array:
        import numpy as np

        from suites.dtypes import is_float

        if bounds is None:
            drawn = np.float64 if self.dtype == np.float64 else np.float32
            values = generator.standard_normal(self.shape, dtype=drawn)
        elif is_float(self.dtype):
            values = generator.uniform(*bounds, self.shape)
        else:
            whole = np.int64 if bounds[1] <= HIGHEST_SIGNED else np.uint64
            values = generator.integers(*bounds, self.shape, dtype=whole)
        return np.asarray(values).astype(self.dtype)

    def _bounds(self, source: RandomInput) -> tuple[float, float] | None:
        """Return [low, high), or None for the standard normal distribution."""
        from suites.dtypes import is_float, limits

        if is_float(self.dtype):
            if source.low is None and source.high is None:
                return None
            if source.low is None or source.high is None:
                raise SuiteError(f"{self.place}: expected both low and high for {self.spec.dtype}.")
        low = self._bound("low", source.low, 0)
        default = low + UNBOUNDED_HIGH if self.spec.bound is None else self.spec.bound
        high = self._bound("high", source.high, min(default, limits(self.dtype)[1] + 1))
        if not low < high:
            raise SuiteError(
                f"{self.place}: expected low below high, got {low} and {high} for {self.case.id}."
            )
        return low, high

    def _bound(self, name: str, given: float | str | None, default: float) -> float:
        place = f"{self.place}.{name}"
        if given is None:
            return default
        if isinstance(given, str):
            given = self._evaluate(given, place)
        last = given - 1 if name == "high" and isinstance(given, int) else given
        self._check_number(last if isinstance(given, int) else given, place, shown=given)
        return given

    def _evaluate(self, text: str, place: str) -> int:
        sizes = self.case.sizes
        for name in names_in(text):
            if name not in sizes:
                raise SuiteError(
                    f"{place}: expected a dimension of the model ({spell_words(sizes)}), "
                    f"got {name!r}.{did_you_mean(name, sizes)}"
                )
        return evaluate(text, sizes)

    def _check_number(self, value: float, place: str, *, shown: float | None = None) -> None:
        from suites.dtypes import is_integer

        shown = value if shown is None else shown
        low, high = self._legal()
        whole = isinstance(value, int) and not isinstance(value, bool)
        why = ""
        if self.dtype.kind == "b" and value not in (0, 1):
            kind = "true or false"
        elif is_integer(self.dtype) and not whole:
            kind = "a whole number"
        elif isinstance(value, bool) and self.dtype.kind != "b":
            kind = "a number"
        elif not low <= value <= high:
            kind = f"values from {low} to {high}"
            why = f" which index {self.spec.bound} entries," if self._indexes else ""
        else:
            return
        raise SuiteError(
            f"{place}: expected {kind} for {self.spec.dtype},{why} got {spell_found(shown)}."
        )

    @property
    def _indexes(self) -> bool:
        from suites.dtypes import is_integer

        return self.spec.bound is not None and is_integer(self.dtype)

    def _legal(self) -> tuple[float, float]:
        """Return the lowest and highest value: the type's, and of indices those that Gather has.

        Negative indices count from the end.
        """
        from suites.dtypes import limits

        low, high = limits(self.dtype)
        if self.spec.bound is None or not self._indexes:
            return low, high
        return max(low, -self.spec.bound), min(high, self.spec.bound - 1)


def _shape(spec: TensorSpec, case: Case, where: str) -> tuple[int, ...]:
    try:
        return resolve_shape(spec, case.sizes)
    except SuiteError as error:
        raise SuiteError(f"{where}: {case.id}: input {error}.") from error


def _seed(seed: int, name: str, shape: tuple[int, ...]) -> int:
    text = json.dumps([seed, name, shape])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
