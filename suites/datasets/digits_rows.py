"""scikit-learn's digits, each image a sequence of its rows: `digits-rows`.

1797 images of 8×8 pixels (BSD; UCI "Optical Recognition of Handwritten Digits"). The split is that
of `suites/library/trained/digits_lstm.py`: its model has seen none of the samples that are scored.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from suites.datasets.named import Labelled

HELD_OUT = 360
RAW_MAX = 16


def unavailable() -> str | None:
    """Return why there are no digits here, or None."""
    if find_spec("sklearn") is None:
        return "scikit-learn is not installed. Install dyno with the 'accuracy' extra."
    return None


def load() -> Labelled:
    """Return float32 rows [1797, 8, 8] from 0 to 1, the pixels of 0 to 16 divided by 16."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.RandomState(0).permutation(len(digits.target))
    order = np.concatenate([order[HELD_OUT:], order[:HELD_OUT]])
    return Labelled(
        values=digits.images[order].astype(np.float32) / RAW_MAX,
        labels=digits.target[order].astype(np.int64),
        classes=tuple(str(digit) for digit in range(10)),
        training=len(order) - HELD_OUT,
    )
