"""`fedproof verify`: the auditor's command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from fedproof.cli.app import Json, app, emit
from fedproof.cli.tables import show_not_proven, show_verified, table
from fedproof.cli.verify_head import Asked, verify_head
from fedproof.encoding.text import counted, printable
from fedproof.errors import Malformed, UsageError
from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy
from fedproof.provenance.bundle import not_the_folder_above
from fedproof.provenance.report import Report
from fedproof.provenance.training_bundle import is_training_bundle
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
    revocations: Annotated[
        list[Path] | None,
        typer.Option(
            help="Of a trained head: a revocation list's file, newer than the bundle's; may be repeated."
        ),
    ] = None,
    refresh_revocations: Annotated[
        bool,
        typer.Option(
            help="Of a trained head: fetches revocation lists, from addresses in the trust file only."
        ),
    ] = False,
    at: Annotated[
        str, typer.Option(help="Of a trained head: when data certificates are to be valid, in UTC; else now.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Checks a model's whole pedigree, offline. Every update's proof, every sum, the way from base model to released weights; or data,
    optimum and file of a trained head."""
    _all_there(bundle, model, trust, *([policy] if policy else []))
    not_the_folder_above(bundle)
    console = Console(highlight=False)
    if is_training_bundle(bundle):
        asked = Asked(bundle, model, trust, policy, tuple(revocations or ()), refresh_revocations, at)
        verify_head(console, asked, as_json)
        return
    if revocations or refresh_revocations or at:
        raise UsageError(
            "--revocations, --refresh-revocations and --at are for trained heads; this is a federation's bundle"
        )
    held, believed = Policy.load(policy) if policy else None, Trust.load(trust)
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
    claims = table("proved", "meaning and coverage", title="Claims, checked here")
    for name, covered, meaning in report.claim_rows():
        counts = printable(covered).split(" · ")
        lines = [meaning, " · ".join(counts[:3]), *counts[3:]]
        claims.add_row(Text(name, "bold green"), Text("\n".join(lines)))
    console.print(claims)
    if report.left_out:
        left = table("client", "round", "left out because", title="Not in the model")
        left.columns[2].overflow = "fold"  # a digest is a file's name
        for update in report.left_out:
            source = "checked here" if update.rechecked else "the aggregator says so"
            what = f"{update.kind} at {update.subject}, {update.stage} ({source})"
            reason = f"{printable(what)}\n{printable(update.reason)}"
            left.add_row(Text(printable(update.client)), str(update.round), Text(reason))
        console.print(left)
    show_not_proven(console, report.not_proven_rows())
    told = report.to_json()
    rounds = _rounds(told["rounds"], told["void"])
    show_verified(console, told, *_masks(report.policy), *rounds, f"checked in {told['seconds']} s")


def _masks(policy: Policy) -> list[str]:
    """What UPDATES_MASKED and COLLUSION rest on."""
    masking = policy.masking
    if not masking.enabled:
        return []
    least = counted(masking.min_set, "update")
    if not masking.agree_first:  # it can show clients different sets
        least = counted(masking.min_honest_group, "honest update")
    return [f"masks   sums of at least {least}, with at most {counted(masking.colluders, 'colluder')}"]


def _rounds(count: int, void: int) -> list[str]:
    """What a record without sums proves is little, and its word is the same."""
    told = f"rounds  {count}, {void} of them void" if void else f"rounds  {count}"
    return [told] if void < count else [told, "        no round has a sum: the model is the base model"]
