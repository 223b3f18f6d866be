"""`fedproof policy`: propose, read and digest a policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedproof.cli.app import Json, app, emit
from fedproof.cli.calibrate import calibrate
from fedproof.encoding.digest import text_of
from fedproof.encoding.text import counted, printable
from fedproof.policy.masking import MODULI, Masking, modulus
from fedproof.policy.policy import SUITES, Policy
from fedproof.policy.training import TrainingPolicy, load_policy

commands = typer.Typer(help="Propose a policy, read one, or its digest.", no_args_is_help=True)
app.add_typer(commands, name="policy")
commands.command()(calibrate)

PolicyFile = Annotated[Path, typer.Argument(help="The policy (TOML).")]


@commands.command()
def check(policy: PolicyFile, as_json: Json = False) -> None:
    """Says whether a policy is valid, and what it demands with all defaults filled in."""
    held = load_policy(policy)
    if as_json:
        shown = held.model_dump()
        if isinstance(held, Policy):
            shown["masking"] = held.masking.written()
        emit({"valid": True, "digest": text_of(held.digest()), "policy": shown})
        return
    for line in _federation(held) if isinstance(held, Policy) else _training(held):
        print(line)


def _federation(held: Policy) -> tuple[str, ...]:
    update, rounds, unit = held.update, held.round, 2.0**-held.update.scale
    below = "allowed" if held.allow_below_112_bits else "not allowed"
    return (
        f"valid: federation {held.federation}, version {held.version} of the policy's form",
        f"digest: {text_of(held.digest())}",
        f"base: {held.base_model}",
        f"suites: {', '.join(f'{s} ({SUITES[s]} bits)' for s in held.suites)}",
        f"suites below 112 bits: {below}",
        f"update: scale {update.scale}, one unit is 2^-{update.scale}",
        f"  each coordinate at most {update.max_abs} units = {update.max_abs * unit:g}",
        f"  norm at most {update.max_norm} units = {update.max_norm * unit:g}",
        f"weights: {update.weights.source}, at most {update.weights.max}",
        f"frozen: {', '.join(map(printable, held.model.frozen)) or 'nothing'}",
        f"aggregate: {held.aggregate.rule}, {held.aggregate.strategy}{_parameters(held)}",
        f"rounds: {rounds.rounds or 'open end'}, each with at least {held.least_accepted} accepted",
        f"deadline: {rounds.deadline_seconds} s",
        f"masking: {_masking(held)}",
        f"proved: update {held.prove.update}, training {held.prove.training}",
    )


def _masking(held: Policy) -> str:
    masking = held.masking
    if not masking.enabled:
        return "no"
    q = modulus(masking, held.update.max_abs, held.update.weights.max)
    honest, agreed = masking.min_set - masking.colluders, "clients agree on the set first"
    if not masking.agree_first:
        honest, agreed = masking.min_honest_group, "clients do not agree on the set first"
    out = f"is out for {counted(masking.suspend_rounds, 'round')}" if masking.suspend_rounds else "may go on"
    lines = [
        f"{masking.fewest} to {masking.max_clients} clients, of which {masking.colluders} may collude and "
        f"{masking.silent} fall silent; {counted(MODULI[q], 'byte')} a coordinate",
        f"no sum of fewer than {masking.min_set} updates, {honest} of them honest; {agreed}",
        f"at least {masking.min_honest_group} honest updates in anything that can be opened",
        _absent(masking, held.least_accepted),
        f"at most {counted(masking.max_releases_per_base, 'sum')} from one base model; who is named {out}",
    ]
    weights = held.update.weights
    if weights.source == "declared" and weights.max > 1:
        lines.append(f"weights up to {weights.max}: one that far outweighs the others shows in the sum")
    return "\n  ".join(lines)


def _absent(masking: Masking, least: int) -> str:
    """How many may be missing from a round: `silent` alone does not say it. least: accepted updates that a sum needs."""
    smallest = max(masking.fewest, least)
    spare, all_silent = min(masking.silent, smallest - least), least + masking.silent
    told = f"of {counted(smallest, 'client')} {spare} may be missing: a sum needs {least} updates"
    if spare == masking.silent:
        return told
    if all_silent > masking.max_clients:
        return f"{told}; {masking.silent} may never be: a round has at most {masking.max_clients} clients"
    return f"{told}; {masking.silent} may be of {all_silent} and more"


def _parameters(held: Policy) -> str:
    optimiser = held.aggregate.optimiser
    given = optimiser.model_dump(exclude_none=True) if optimiser else {}
    return "".join(f", {name} {value}" for name, value in given.items())


def _training(held: TrainingPolicy) -> tuple[str, ...]:
    head, data, test = held.training, held.data, held.test
    tested = (
        "test set: none, and nothing is said of accuracy"
        if test is None
        else f"test set: {counted(len(test.certificates), 'certificate')}; at least {test.min_accuracy} of it correct"
    )
    age = data.max_revocation_age
    return (
        f"valid: training {held.name}, version {held.version} of the policy's form",
        f"digest: {text_of(held.digest())}",
        f"suites: {', '.join(f'{s} ({SUITES[s]} bits)' for s in held.suites)}",
        f"suites below 112 bits: {'allowed' if held.allow_below_112_bits else 'not allowed'}",
        f"loss: {head.loss}, regularisation {head.regularisation} (lambda = {head.regularisation / 1024:g})",
        f"weights: {head.weights}, one unit is 2^-{head.scale}",
        f"no logit further from the optimum's than {head.max_logit_freedom}",
        f"data: certified by {', '.join(data.authorities)}; at least {data.min_records} records",
        f"licences: {printable(', '.join(data.licences)) or 'any'}; consent: {', '.join(data.consent) or 'none asked for'}",
        f"revocation lists: {'not asked for' if age is None else f'at most {age} s old'}",
        tested,
    )


@commands.command()
def digest(policy: PolicyFile, as_json: Json = False) -> None:
    """Prints the digest that trust files pin and that every proof is bound to."""
    text = text_of(load_policy(policy).digest())
    if as_json:
        emit({"digest": text})
    else:
        print(text)
