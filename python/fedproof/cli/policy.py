"""`fedproof policy`: read and digest a policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedproof.cli.app import Json, app, emit
from fedproof.encoding.digest import text_of
from fedproof.policy.policy import SUITES, Policy

commands = typer.Typer(help="Read a policy, and its digest.", no_args_is_help=True)
app.add_typer(commands, name="policy")

PolicyFile = Annotated[Path, typer.Argument(help="The policy (TOML).")]


@commands.command()
def check(policy: PolicyFile, as_json: Json = False) -> None:
    """Says whether a policy is valid, and what it demands with all defaults filled in."""
    held = Policy.load(policy)
    demands = held.model_dump()
    if as_json:
        emit({"valid": True, "digest": text_of(held.digest()), "policy": demands})
        return
    update = held.update
    unit = 2.0**-update.scale
    print(f"valid: federation {held.federation}")
    print(f"digest: {text_of(held.digest())}")
    print(f"suites: {', '.join(f'{s} ({SUITES[s]} bits)' for s in held.suites)}")
    print(
        f"update: |x| at most {update.max_abs} units = {update.max_abs * unit:g}, norm at most {update.max_norm * unit:g}"
    )
    print(
        f"weights: {update.weights.source}, at most {update.weights.max}; proved: {held.prove.update}; masked: no"
    )


@commands.command()
def digest(policy: PolicyFile, as_json: Json = False) -> None:
    """Prints the digest that trust files pin and that every proof is bound to."""
    text = text_of(Policy.load(policy).digest())
    if as_json:
        emit({"digest": text})
    else:
        print(text)
