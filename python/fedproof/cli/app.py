"""The commands and the one place where an exception becomes an exit code."""

from __future__ import annotations

import importlib
import io
import json
import sys
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

import fedproof
from fedproof.encoding.text import printable
from fedproof.errors import FedproofError, Refused

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]


MODULES = {
    "answer": "answer",
    "bench": "bench",
    "certify": "data",
    "check-answer": "answer",
    "demo": "demo",
    "doctor": "doctor",
    "endorse": "keys",
    "init": "init",
    "inspect": "inspect",
    "keygen": "keys",
    "policy": "policy",
    "provision": "provision",
    "revoke": "data",
    "train": "train",
    "verify": "verify",
    "version": "app",
}
"""Where each command lives. Only the one that is called is imported: `keygen` waits for no numpy."""


def load_commands(word: str = "") -> None:
    """Imports the module of a command, or of all of them for anything else: each adds its own to `app`."""
    for name in {MODULES[word]} if word in MODULES else sorted(set(MODULES.values())):
        importlib.import_module(f"fedproof.cli.{name}")


def main() -> NoReturn:
    """Runs a command and exits: 0 done or verified, 1 refused, 2 unreadable input or wrong usage."""
    load_commands(sys.argv[1] if len(sys.argv) > 1 else "")
    for stream in (sys.stdout, sys.stderr):
        # A terminal without "·" or box characters must not turn VERIFIED into exit code 1.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    as_json = "--json" in sys.argv
    try:
        app()
        sys.exit(0)
    except FedproofError as error:
        _fail(error, as_json)
    except OSError as error:
        problem = f"{error.filename or 'file'}: {error.strerror or error}"
        _report({"error": printable(problem)}, f"error: {printable(problem)}", as_json)
        sys.exit(2)


def _fail(error: FedproofError, as_json: bool) -> NoReturn:
    if isinstance(error, Refused):
        details = {
            "refused": True,
            "verified": False,
            "object": error.subject,
            "stage": error.stage,
            "detail": printable(error.detail),
            "client": error.party and printable(error.party),
            "round": error.round,
        }
        _report(details, f"REFUSED  {printable(str(error), 1000)}", as_json)
        sys.exit(1)
    _report(
        {"error": printable(str(error), 1000), "verified": False},
        f"error: {printable(str(error), 1000)}",
        as_json,
    )
    sys.exit(2)


def _report(details: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps(details, ensure_ascii=True))
    else:
        console = Console(stderr=True, highlight=False)
        # One line for a pipe; a terminal gets it broken between words.
        console.print(text, markup=False, style="bold red", soft_wrap=not console.is_terminal)


def emit(value: dict[str, Any]) -> None:
    """The one JSON object of `--json`."""
    print(json.dumps(value, ensure_ascii=True, indent=2))


def _version(wanted: bool) -> None:
    if wanted:
        print(f"fedproof {fedproof.__version__}")
        raise typer.Exit


@app.callback()
def group(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Prints the version.")
    ] = False,
) -> None:
    """Federated learning whose updates and sums are proved, and models that carry a certificate."""


@app.command()
def version(as_json: Json = False) -> None:
    """Prints the version."""
    if as_json:
        emit({"version": fedproof.__version__})
    else:
        print(f"fedproof {fedproof.__version__}")
