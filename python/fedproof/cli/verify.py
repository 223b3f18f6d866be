"""`fedproof verify`: the auditor's command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from fedproof.cli.app import Json, app, emit
from fedproof.encoding.text import printable
from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy
from fedproof.provenance.report import Report
from fedproof.provenance.verify import verify_bundle


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle's folder.")],
    model: Annotated[Path, typer.Option(help="The released safetensors file.")],
    trust: Annotated[Path, typer.Option(help="Whom you believe: your own trust file.")],
    policy: Annotated[
        Path | None,
        typer.Option(help="What you demand: your own policy. May be left out if the trust file pins it."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Checks a model's whole pedigree, offline: every update's proof, every sum, the way from base model to released weights."""
    held, believed = Policy.load(policy) if policy else None, Trust.load(trust)
    console = Console(highlight=False)
    # Stays away unless somebody watches a terminal.
    with Progress(console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task("checking rounds", total=None)
        report = verify_bundle(
            bundle,
            model=model,
            policy=held,
            trust=believed,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if as_json:
        emit(report.to_json())
    else:
        show(console, report)


def show(console: Console, report: Report) -> None:
    """What is proved, with coverage; who was left out; what is not proved."""
    claims = Table(
        "proved", "coverage", "meaning", title="Claims, checked here", title_justify="left", expand=True
    )
    for name, covered, meaning in report.claim_rows():
        claims.add_row(Text(name, "bold green"), Text(printable(covered)), Text(meaning))
    console.print(claims)
    if report.left_out:
        left = Table(
            "client", "round", "left out because", title="Not in the model", title_justify="left", expand=True
        )
        for update in report.left_out:
            source = "checked here" if update.rechecked else "the aggregator says so"
            what = f"{update.kind} at {update.subject}, {update.stage}: {update.reason} ({source})"
            left.add_row(Text(printable(update.client)), str(update.round), Text(printable(what)))
        console.print(left)
    missing = Table(
        "not proved", "meaning", title="What this does not show", title_justify="left", expand=True
    )
    for code, meaning in report.not_proven_rows():
        missing.add_row(Text(code, "yellow"), Text(meaning))
    console.print(missing)
    data = report.to_json()
    console.print(f"model   {data['model']}  (OpenSSF model-signing root)", soft_wrap=True, markup=False)
    console.print(f"policy  {data['policy']}  ({data['policySource']})", soft_wrap=True, markup=False)
    console.print(
        f"suite   {data['suite']}, {data['bits']} bits; {data['rounds']} rounds in {data['seconds']} s",
        markup=False,
    )
    console.print(Text("VERIFIED", "bold green"))
