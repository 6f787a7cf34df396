"""The child that calls a function of the user's for a model, and writes what it returns."""

from __future__ import annotations

import hashlib
import importlib
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from harness.exception_text import exception_text
from harness.prepare.worker import write_model
from harness.serve import serve
from harness.torch_export import TorchModel, export
from harness.wire import Message
from suites.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NOT_THE_USERS = ("<", __file__, str(Path(importlib.__file__).parent))
"""What the files of frames begin with that no user wrote: frozen ones, and those that import."""
_RETURN = "Return an onnx.ModelProto, or a torch.nn.Module and its example inputs by name"
_TORCH = "Install dyno with the 'torch' extra."


def build(header: Mapping[str, Any]) -> Message:
    """Answer the path of the function's model, and how an exported one differs from its module."""
    name = f"{header['module']}:{header['function']}"
    call = _find(header)
    try:
        result = call(**header["args"])
    except (Exception, SystemExit) as error:
        _log_trace()
        raise EngineError(
            "import", f"expected a model from {name}, got {_spell(error)}", _hint(error)
        ) from error
    folder, mismatch = Path(header["folder"]), ""
    if (data := _serialized(result, name)) is None:
        exported = export(_torch_model(result, name), header)
        data, mismatch = exported.data, exported.mismatch
    path = folder / f"{hashlib.sha256(data).hexdigest()}.onnx"
    write_model(path, data)
    return Message(header={"path": str(path), "mismatch": mismatch})


def _find(header: Mapping[str, Any]) -> Callable[..., object]:
    """Return the function; its module is looked for in the suite's folder first."""
    sys.path.insert(0, header["path"])
    name, function = header["module"], header["function"]
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _import_failure(name, error) from error
        raise EngineError(
            "import",
            f"expected a module {error.name!r}, got none in {header['path']} or where Python looks",
            "Put it beside the suite, or install it.",
        ) from error
    except (Exception, SystemExit) as error:
        raise _import_failure(name, error) from error
    found = getattr(module, function, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    known = [key for key, value in vars(module).items() if callable(value)]
    got = "none" if found is None else _kind(found)
    raise EngineError(
        "import",
        f"expected a function {function!r} in {name}, got {got}",
        did_you_mean(function, known).strip() or "Define it there, or name another.",
    )


def _log_trace() -> None:
    """Print the exception that is being handled; on a full disk the log goes without it."""
    with suppress(OSError):
        traceback.print_exc()


def _import_failure(name: str, error: BaseException) -> EngineError:
    _log_trace()
    return EngineError("import", f"expected {name} to import, got {_spell(error)}", _hint(error))


def _hint(error: BaseException) -> str:
    missing = error.name if isinstance(error, ImportError) else None
    return _TORCH if missing == "torch" else "Call it in Python to see the whole traceback."


def _spell(error: BaseException) -> str:
    """Return an exception on one line with the place it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    here = [frame for frame in frames if not frame.filename.startswith(_NOT_THE_USERS)]
    place = f" ({Path(here[-1].filename).name}:{here[-1].lineno})" if here else ""
    return f"{exception_text(error)}{place}"


def _serialized(result: object, name: str) -> bytes | None:
    """Return the bytes of an ONNX model, or None for anything else."""
    import onnx
    from google.protobuf.message import EncodeError  # type: ignore[import-untyped]

    if not isinstance(result, onnx.ModelProto):
        return None
    try:
        data: bytes = result.SerializeToString(deterministic=True)
    except (EncodeError, ValueError) as error:
        raise EngineError(
            "invalid-model",
            f"expected a model below 2 GB from {name}, got a larger one",
            "Save it with external data, and name the file under `onnx`.",
        ) from error
    if not data:
        raise _wrong(name, "an empty onnx.ModelProto")
    return data


def _torch_model(result: object, name: str) -> TorchModel:
    """Return the module and its examples. Raises EngineError for anything else."""
    torch = sys.modules.get("torch")
    if torch is None:
        raise _wrong(name, _kind(result))
    if isinstance(result, torch.nn.Module):
        raise _wrong(name, "a torch.nn.Module alone")
    if not (isinstance(result, tuple) and len(result) == 2):
        raise _wrong(name, _kind(result))
    module, examples = result
    if not isinstance(module, torch.nn.Module) or not isinstance(examples, dict):
        raise _wrong(name, f"({_kind(module)}, {_kind(examples)})")
    for key, value in examples.items():
        if not (isinstance(key, str) and isinstance(value, torch.Tensor)):
            raise _wrong(name, f"an example {key!r} that is {_kind(value)}")
    return TorchModel(name=name, module=module, examples=examples)


def _wrong(name: str, got: str) -> EngineError:
    hint = f"{_RETURN}: (module, {{'x': tensor}})."
    return EngineError("invalid-model", f"expected a model from {name}, got {got}", hint)


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _explain(error: Exception) -> EngineError:
    return EngineError("invalid-model", _spell(error), "Call the function in Python to see more.")


def main(read_fd: int, write_fd: int) -> None:
    """Serve `build` and `close`."""
    serve(read_fd, write_fd, {"build": build, "close": lambda _: Message(header={})}, _explain)
