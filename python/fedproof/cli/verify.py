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
from fedproof.errors import Malformed
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
    """Checks a model's whole pedigree, offline. Every update's proof, every sum, the way from base model to released weights."""
    _all_there(bundle, model, trust, *([policy] if policy else []))
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


def _all_there(*paths: Path) -> None:
    """Raises `Malformed` naming every path that leads nowhere, the bundle first, rather than the first that is read."""
    missing = [printable(str(path)) for path in paths if not path.exists()]
    if missing:
        raise Malformed(f"cannot read {', '.join(missing)}: No such file or directory")


def show(console: Console, report: Report) -> None:
    """What is proved, with coverage; who was left out; what is not proved. Made for 80 columns."""
    claims = _table("proved", "meaning and coverage", title="Claims, checked here")
    for name, covered, meaning in report.claim_rows():
        counts = printable(covered).split(" · ")
        lines = [meaning, " · ".join(counts[:3]), *counts[3:]]
        claims.add_row(Text(name, "bold green"), Text("\n".join(lines)))
    console.print(claims)
    if report.left_out:
        left = _table("client", "round", "left out because", title="Not in the model")
        for update in report.left_out:
            source = "checked here" if update.rechecked else "the aggregator says so"
            what = f"{update.kind} at {update.subject}, {update.stage} ({source})"
            reason = f"{printable(what)}\n{printable(update.reason)}"
            left.add_row(Text(printable(update.client)), str(update.round), Text(reason))
        console.print(left)
    missing = _table("not proved", "meaning", title="What this does not show")
    for code, meaning in report.not_proven_rows():
        missing.add_row(Text(code, "yellow"), Text(meaning))
    console.print(missing)
    data = report.to_json()
    for line in (
        "model   by its OpenSSF model-signing root",
        f"        {data['model']}",
        f"policy  from the {data['policySource']}",
        f"        {data['policy']}",
        f"suite   {data['suite']}, {data['bits']} bits",
        f"rounds  {data['rounds']}, checked in {data['seconds']} s",
    ):
        console.print(line, soft_wrap=True, markup=False)
    console.print(Text("VERIFIED", "bold green"))


def _table(*columns: str, title: str) -> Table:
    return Table(*columns, title=title, title_justify="left", expand=True)
