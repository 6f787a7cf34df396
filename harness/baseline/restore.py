"""The pinned files of a baseline's cases, each checked once however many cases share it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.baseline.pinned import inputs_of, prepared_of
from harness.baseline.shelf import inputs_sha256, sha256_of
from results.record import Failed
from suites.errors import reason

if TYPE_CHECKING:
    from pathlib import Path

    from harness.baseline.shelf import Shelf
    from harness.prepare.inputs import Inputs
    from harness.prepare.models import Prepared
    from results.baseline import Baseline, PinnedCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Restorer:
    """Gives the cases of a baseline as they were pinned, for the length of a gate."""

    baseline: Baseline
    shelf: Shelf
    _wrong: dict[Path, str | None] = field(default_factory=dict)

    def restore(self, case: PinnedCase) -> tuple[Prepared, Inputs] | Failed:
        """Return the case's model and inputs; Failed where they are not what was pinned."""
        prepared, inputs = prepared_of(case, self.shelf), inputs_of(case, self.shelf)
        hashes: dict[str, str] = case.model["files"]
        for name, sha256 in hashes.items():
            path = prepared.path.parent / name
            if path not in self._wrong:
                self._wrong[path] = _wrong_model(path, sha256)
            if wrong := self._wrong[path]:
                return self._failed(path, "model", wrong)
        if inputs.path not in self._wrong:
            self._wrong[inputs.path] = _wrong_inputs(inputs)
        if wrong := self._wrong[inputs.path]:
            return self._failed(inputs.path, "inputs", wrong)
        return prepared, inputs

    def _failed(self, path: Path, what: str, wrong: str) -> Failed:
        return Failed(
            kind="disk",
            message=f"baseline: {path}: expected the pinned {what}, got {wrong}",
            hint="Bring the file back, or pin again with "
            f"'dyno baseline rebase {self.baseline.name} SUITE'.",
        )


def _wrong_model(path: Path, sha256: str) -> str | None:
    """Return what is wrong with a file of a model, or None."""
    try:
        return _told(sha256_of(path), sha256)
    except OSError as error:
        return reason(error)


def _wrong_inputs(inputs: Inputs) -> str | None:
    """Return what is wrong with the inputs, or None."""
    return _told(inputs_sha256(inputs.path, inputs.names, inputs.dtypes), inputs.sha256)


def _told(found: str | None, expected: str) -> str | None:
    if found is None:
        return "nothing there"
    return None if found == expected else "another content"
