"""`fedproof verify` of a trained head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from fedproof.cli.app import emit
from fedproof.cli.lists import newer_lists
from fedproof.cli.tables import show_not_proven, show_verified, table
from fedproof.encoding.text import printable
from fedproof.encoding.time import parse_utc
from fedproof.identity.training_trust import TrainingTrust
from fedproof.policy.training import load_training_policy
from fedproof.provenance.training import verify_training
from fedproof.provenance.training_report import TrainingReport


@dataclass(frozen=True)
class Asked:
    """The command's arguments, as they stand in `fedproof verify --help`."""

    bundle: Path
    model: Path
    trust: Path
    policy: Path | None
    revocations: tuple[Path, ...]
    refresh: bool
    at: str


def verify_head(console: Console, asked: Asked, as_json: bool) -> None:
    """Verifies and shows."""
    held = load_training_policy(asked.policy) if asked.policy else None
    trust = TrainingTrust.load(asked.trust)
    report = verify_training(
        asked.bundle,
        model=asked.model,
        policy=held,
        trust=trust,
        now=parse_utc(asked.at) if asked.at else None,
        revocations=newer_lists(asked.revocations, asked.refresh, trust),
    )
    if as_json:
        emit(report.to_json())
    else:
        show(console, report)


def show(console: Console, report: TrainingReport) -> None:
    """What is proved, of which data, and what is not. Made for 80 columns."""
    claims = table("proved", "meaning and coverage", title="Claims, checked here")
    for name, covered, meaning in report.claim_rows():
        claims.add_row(Text(name, "bold green"), Text(f"{meaning}\n{printable(covered)}"))
    console.print(claims)
    data = table("certified by", "terms", title="Data")
    for who, terms in report.data_rows():
        data.add_row(Text(who), Text(terms))
    console.print(data)
    show_not_proven(console, report.not_proven_rows())
    told = report.to_json()
    objective = told["objective"]
    show_verified(
        console,
        told,
        f"head    {objective['loss']}, regularisation {objective['regularisation']}, weights {objective['weights']}",
        f"trainer {told['trainer']}; data valid at {told['validAt']}; checked in {told['seconds']} s",
    )
