"""`dyno bench`: measure one model without writing a suite."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import (
    DEFAULT_STORE,
    NameOption,
    QuickOption,
    StoreOption,
    split_pairs,
    split_values,
)


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
) -> None:
    """Measure one model without writing a suite.

    Exit codes are those of `dyno run`.
    """
    from harness.adhoc import adhoc_suite
    from harness.cli.execute import execute
    from harness.start import quickened
    from harness.vocabulary import installed_vocabulary

    vocabulary = installed_vocabulary()
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
    chosen = quickened(suite) if quick else suite
    raise typer.Exit(execute(chosen, vocabulary, store=store, name=name, only=""))
