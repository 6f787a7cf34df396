"""The command `dyno`: its subcommands, its errors on one line, its exit codes."""

from __future__ import annotations

import sys

import typer

from harness.cli import backends, bench, models, plan, report, runs, suites
from harness.cli import run as run_command
from harness.exit_codes import INTERRUPTED, USAGE

app = typer.Typer(
    name="dyno",
    help="An engine dynamometer: inference benchmarks whose numbers can be trusted.",
    epilog="Start with: dyno run smoke",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _module in (
    ("run", run_command),
    ("bench", bench),
    ("plan", plan),
    ("report", report),
    ("runs", runs),
    ("suites", suites),
    ("models", models),
    ("backends", backends),
):
    app.command(_name)(_module.command)


def run() -> None:
    """Run the command line and exit; what a user can cause is one line on stderr."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if not _is_for_users(error):
            raise
        sys.stderr.write(f"{error}\n")
        sys.exit(USAGE)


def _is_for_users(error: Exception) -> bool:
    """Return whether the error's text is the whole story; its classes are imported only now."""
    from engines.registry import UnknownBackendError
    from results.store import StoreError
    from suites.errors import SuiteError

    return isinstance(error, SuiteError | StoreError | UnknownBackendError)
