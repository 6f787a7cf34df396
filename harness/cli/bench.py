"""`dyno bench`: measure one model without writing a suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from harness.cli.options import (
    DEFAULT_CACHE_SIZE,
    DEFAULT_STORE,
    CacheOption,
    CacheSizeOption,
    DeviceOption,
    NameOption,
    NoAccuracyOption,
    NoTelemetryOption,
    QuickOption,
    ResumeOption,
    StoreOption,
    WaitOption,
    split_pairs,
    split_values,
)
from suites.errors import SuiteError


def command(
    model: Annotated[str, typer.Argument(help="An ONNX file, or the name of a built-in model.")],
    batch: Annotated[
        str, typer.Option("--batch", "-b", metavar="N[,N…]", help="Batch sizes, such as 1,8.")
    ] = "1",
    backend: Annotated[
        str, typer.Option("--backend", help="Backends, comma-separated; all: every available one.")
    ] = "all",
    precision: Annotated[
        str, typer.Option("--precision", help="Precisions, comma-separated.")
    ] = "fp32",
    dim: Annotated[
        list[str] | None,
        typer.Option("--dim", metavar="NAME=N[,N…]", help="Sizes of a named dimension."),
    ] = None,
    dims: Annotated[
        list[str] | None,
        typer.Option("--dims", metavar="INPUT=D,D…", help="Names or sizes of an input's dims."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=V[,V…]", help="A backend option: threads=1,2."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    name: NameOption = "",
    quick: QuickOption = False,
    no_telemetry: NoTelemetryOption = False,
    no_accuracy: NoAccuracyOption = False,
    device: DeviceOption = "",
    resume: ResumeOption = None,
    wait: WaitOption = False,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
) -> None:
    """Measure one model without writing a suite.

    Exit codes are those of `dyno run`.
    """
    from harness.adhoc import adhoc_suite
    from harness.cli.execute import execute
    from harness.start import measured_as
    from harness.vocabulary import installed_vocabulary

    vocabulary = installed_vocabulary()
    with _flags_named():
        suite = adhoc_suite(
            model,
            vocabulary,
            batches=split_values(batch),
            backends=split_values(backend),
            precisions=split_values(precision),
            axes={
                **split_pairs(dim or [], option="--dim"),
                **split_pairs(option or [], option="--option"),
            },
            dims=split_pairs(dims or [], option="--dims"),
        )
        done = execute(
            measured_as(suite, quick=quick, telemetry=not no_telemetry, accuracy=not no_accuracy),
            vocabulary,
            store=store,
            name=name,
            only="",
            wait=wait,
            resume=resume,
            cache=cache,
            cache_size=cache_size,
            device=device,
        )
    raise typer.Exit(done.code)


@contextmanager
def _flags_named() -> Iterator[None]:
    """Add to an error that speaks of a suite's keys how the command line spells them."""
    try:
        yield
    except SuiteError as error:
        keys = {"Add matrix.": "--dim NAME=N", ".dims": "--dims INPUT=D,D"}
        flags = [flag for key, flag in keys.items() if key in str(error)]
        if not flags:
            raise
        raise SuiteError(f"{error} Here that is {' or '.join(flags)}.") from None
