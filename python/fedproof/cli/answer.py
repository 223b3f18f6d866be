"""`fedproof answer` and `fedproof check-answer`: receipts for single predictions of a committed head."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from fedproof.cli.app import Json, app, emit
from fedproof.cli.lists import newer_lists
from fedproof.data.table import read_inputs
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.text import counted, printable
from fedproof.encoding.time import parse_utc
from fedproof.errors import Malformed, Refused
from fedproof.identity.training_trust import TrainingTrust
from fedproof.policy.training import load_training_policy
from fedproof.provenance.dsse import open_envelope
from fedproof.provenance.training import (
    TrainingAudit,
    audit_training,
    check_head_file,
    pinned_policy,
    read_head,
)
from fedproof.provenance.training_bundle import TrainingBundle
from fedproof.provenance.training_statement import TrainingStatement
from fedproof.training.receipt import Receipt, answer, check_answer, inputs_of

_LIMIT = 1 << 28

Inputs = Annotated[
    Path, typer.Option(help="A .csv, .parquet or .npz file with the features, one input a line.")
]
Bundle = Annotated[Path, typer.Option(help="The trained head's bundle.")]
Policy = Annotated[
    Path | None, typer.Option(help="The training policy. May be left out if the trust file pins it.")
]
Trust = Annotated[Path, typer.Option(help="Your own trust file.")]
Lists = Annotated[
    list[Path] | None,
    typer.Option("--revocations", help="A revocation list's file, newer than the bundle's; may be repeated."),
]
Refresh = Annotated[
    bool,
    typer.Option(
        "--refresh-revocations", help="Fetches revocation lists, from addresses in the trust file only."
    ),
]
At = Annotated[str, typer.Option(help="When data certificates are to be valid, in UTC; else now.")]


@app.command(name="answer")
def make_answer(
    data: Inputs,
    bundle: Bundle,
    model: Annotated[Path, typer.Option(help="The head's file, with its blinds.")],
    trust: Trust,
    out: Annotated[Path, typer.Option(help="Where the receipt goes.")],
    policy: Policy = None,
    revocations: Lists = None,
    refresh_revocations: Refresh = False,
    at: At = "",
    as_json: Json = False,
) -> None:
    """Answers, and proves that the certified head said so. One receipt for all inputs; the logits stay hidden."""
    found = _audited(bundle, policy, trust, (revocations or [], refresh_revocations), at)
    check_head_file(model, found)
    inputs = _inputs(found, data)
    receipt = answer(found.statement, read_head(model, found), inputs, found.training.digest())
    write_atomic(out, receipt.to_bytes())
    _tell(found, receipt, as_json, {"file": str(out), "bytes": len(receipt.to_bytes())})


@app.command(name="check-answer")
def check(
    receipt: Annotated[Path, typer.Argument(help="The receipt.")],
    data: Inputs,
    bundle: Bundle,
    trust: Trust,
    policy: Policy = None,
    revocations: Lists = None,
    refresh_revocations: Refresh = False,
    at: At = "",
    as_json: Json = False,
) -> None:
    """Checks a receipt of a certified head. Its data, its optimum, and that it gave these answers to these inputs."""
    found = _audited(bundle, policy, trust, (revocations or [], refresh_revocations), at)
    try:
        held = Receipt.from_bytes(read_capped(receipt, _LIMIT), limit=_LIMIT)
    except Malformed as error:
        raise Refused("receipt", "decoding", printable(str(error))) from None
    check_answer(found.statement, found.training.digest(), held, _inputs(found, data))
    _tell(found, held, as_json, {"verified": True})


def _audited(
    bundle: Path, policy: Path | None, trust: Path, lists: tuple[list[Path], bool], at: str
) -> TrainingAudit:
    """The bundle, checked but for the model's file, and that its certificate is about this very training. lists: files, and whether newer
    ones are fetched."""
    believed = TrainingTrust.load(trust)
    held = load_training_policy(policy) if policy else None
    revocations = newer_lists(*lists, believed)
    opened = TrainingBundle.open(bundle)
    found = audit_training(
        opened,
        held if held is not None else pinned_policy(opened, believed),
        believed,
        now=parse_utc(at) if at else int(time.time()),
        revocations=revocations,
    )
    signed = TrainingStatement.parse(open_envelope(opened.certificate(), believed.envelope))
    if signed.predicate.training.digest.sha256 != found.training.digest().hex():
        raise Refused("certificate", "statement", "it is of another training")
    return found


def _inputs(found: TrainingAudit, data: Path) -> NDArray[np.int8]:
    certificate = found.selection.certificate
    return inputs_of(certificate, read_inputs(data, certificate.features))


def _tell(found: TrainingAudit, receipt: Receipt, as_json: bool, more: dict[str, object]) -> None:
    names = found.selection.certificate.classes
    answers = [names[k] for k in receipt.answers]
    if as_json:
        emit({"answers": answers, **more})
        return
    for number, name in enumerate(answers):
        print(f"{number}: {printable(name)}")
    what = "VERIFIED" if more.get("verified") else printable(str(more["file"]))
    print(f"{counted(len(answers), 'answer')} of {found.training.trainer}'s head: {what}")
