"""A suite without a file: what `dyno bench` makes of its arguments, through the same checks."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from engines import registry
from suites.load import parse_suite
from suites.models.builtin import builtins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suites.suite import Suite
    from suites.vocabulary import Vocabulary

ALL = "all"


def adhoc_suite(
    model: str,
    vocabulary: Vocabulary,
    *,
    batches: Sequence[str],
    backends: Sequence[str],
    precisions: Sequence[str],
    axes: Mapping[str, Sequence[str]],
    dims: Mapping[str, Sequence[str]],
) -> Suite:
    """Return a suite of one model. Raises SuiteError as for a file of the same content.

    Values are texts; those that read as numbers, true or false become such.
    """
    name = re.sub(r"[\s/=,]+", "-", Path(model).stem) or "model"
    source: dict[str, object] = {"builtin": model} if model in builtins() else {"onnx": model}
    if dims:
        source["dims"] = {key: [_value(text) for text in texts] for key, texts in dims.items()}
    document = {
        "suite": f"bench-{name}",
        "models": {name: source},
        "matrix": {
            "model": [name],
            "backend": _available(axes) if ALL in backends else list(backends),
            "precision": list(precisions),
            "batch": [_value(text) for text in batches],
            **{axis: [_value(text) for text in texts] for axis, texts in axes.items()},
        },
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    return parse_suite(
        document,
        where="bench",
        base=Path.cwd(),
        sha256=digest,
        path=None,
        vocabulary=vocabulary,
    )


def _available(axes: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the backends that can run here and are no simulation; all of them if none can.

    One that runs what texts among its options name, a plugin, is left out where none is given.
    """
    real = []
    for backend in map(registry.get, registry.names()):
        texts = [option.name for option in backend.options if option.default == ""]
        if not backend.simulated and (not texts or any(name in axes for name in texts)):
            real.append(backend)
    return [each.name for each in real if each.unavailable() is None] or [b.name for b in real]


def _value(text: str) -> str | int | float | bool:
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
