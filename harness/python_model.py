"""Building the model that a function of the user's returns, in a child process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.child import Child, ChildError
from results.report.wording import sentences
from suites.errors import SuiteError
from suites.suite import FixedInput, RandomInput

if TYPE_CHECKING:
    from suites.suite import InputSource, Model, PythonSource


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonModel:
    """The ONNX file of a function's model.

    `mismatch` says how the file differs from the torch module it was exported from; empty where
    they agree, and where the function made ONNX itself.
    """

    path: Path
    mismatch: str


def build_python(
    model: Model, source: PythonSource, *, folder: Path, where: str, timeout_s: float
) -> PythonModel:
    """Return the function's model as a file in `folder`, named by its hash.

    Raises SuiteError, beginning with `where`, for a function that cannot be had, raises, returns
    something else, kills its process or takes longer than `timeout_s`; with the file for one that
    cannot be written; OSError for a folder that cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.parent / "logs" / f"python-{model.name}.log"
    try:
        with Child("harness.python_worker", log=log) as child:
            reply = child.ask(
                "build",
                timeout_s=timeout_s,
                module=source.module,
                function=source.function,
                args=dict(source.args),
                path=str(source.folder),
                folder=str(folder),
                dims={name: list(dims) for name, dims in model.dims},
                values={name: _spelled(value) for name, value in model.inputs},
            )
            child.ask("close", timeout_s=timeout_s)
    except ChildError as error:
        if error.kind == "disk":
            raise SuiteError(sentences(error.message, error.hint)) from None
        raise SuiteError(f"{where}: {_told(error, source, timeout_s)}") from None
    return PythonModel(path=Path(reply.header["path"]), mismatch=reply.header["mismatch"])


def _spelled(source: InputSource) -> dict[str, object]:
    """Return a source of values as JSON; a file's become random."""
    if isinstance(source, FixedInput):
        return {"value": source.value}
    if isinstance(source, RandomInput):
        return {"low": source.low, "high": source.high}
    return {}


def _told(error: ChildError, source: PythonSource, timeout_s: float) -> str:
    if error.kind == "timeout":
        return (
            f"expected a model from {source.given} within {timeout_s:g} s, got none. "
            "Raise measure.timeout_s if it takes that long."
        )
    if error.kind == "crash":
        return sentences(f"expected a model from {source.given}, got {error.message}", error.hint)
    return sentences(error.message, error.hint)
