"""The data sets that dyno knows by name: where each is, imported on use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DATASETS = {
    "digits-rows": "suites.datasets.digits_rows",
    "fashion-mnist": "suites.datasets.fashion_mnist",
    "sms-spam": "suites.datasets.sms_spam",
}
"""The module of each; it has the functions `unavailable` and `load`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A data set for the one input of a model that it feeds.

    `values` [samples, …] and `labels` [samples] have the first `training` samples for training.
    """

    values: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    training: int


def named_unavailable(name: str) -> str | None:
    """Return why the data set of that name cannot be had here and what to install, or None."""
    ask: Callable[[], str | None] = import_module(DATASETS[name]).unavailable
    return ask()


def load_named(name: str) -> Labelled:
    """Return the data set of that name. Raises SuiteError where its files are damaged."""
    load: Callable[[], Labelled] = import_module(DATASETS[name]).load
    return load()
