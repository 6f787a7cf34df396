"""`dyno backends`: which runtimes can run or build here, what the others lack, and options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.lines import print_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engines.contract import Backend


def command(
    backend: Annotated[
        list[str] | None,
        typer.Argument(help="Backends whose options are explained.", show_default=False),
    ] = None,
) -> None:
    """List the backends: available or why not, and options.

    With names, explain the options of these.
    """
    from engines import registry

    for found in [registry.get(name) for name in backend or registry.names()]:
        for line in _told(found, explain=bool(backend)):
            print_line(line)


def _told(backend: Backend, *, explain: bool) -> Iterator[str]:
    from harness.devices import buildable

    reason = backend.unavailable()
    state = "available" if reason is None else f"unavailable: {reason}"
    yield f"{backend.name}  {state}{' (simulated)' if backend.simulated else ''}"
    if reason is not None and (sms := buildable(backend)):
        yield f"    builds ahead here, with dyno build --target: {', '.join(sms)}"
    if not explain:
        yield f"    options: {', '.join(option.name for option in backend.options)}"
        return
    for option in backend.options:
        kind = "|".join(map(_spell, option.choices)) or type(option.default).__name__
        default = _spell(option.default) or "empty"
        others = "".join(f", {_spell(value)} for {name}" for name, value in option.by_precision)
        yield f"    {option.name}: {kind}, default {default}{others} - {option.help}"


def _spell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
