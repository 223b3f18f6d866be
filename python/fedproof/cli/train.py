"""`fedproof train`: a head on certified data, with its proof."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from fedproof.cli.app import Json, app, emit
from fedproof.data.certificate import RevocationList
from fedproof.data.dataset import Holding
from fedproof.data.files import read_data_set, read_holding, read_list
from fedproof.data.selection import Part, newest_signed, open_revocations, revoked_in
from fedproof.data.table import MAX_RECORDS
from fedproof.encoding.text import counted, printable
from fedproof.errors import UsageError
from fedproof.identity.keys import EnvelopeKey
from fedproof.identity.training_trust import TrainingTrust
from fedproof.policy.training import load_training_policy
from fedproof.provenance.training import check_signing_key
from fedproof.provenance.training_release import Tested, release
from fedproof.training.accuracy import evaluate, testable
from fedproof.training.certified import Sources
from fedproof.training.train import train

Lists = Annotated[
    list[Path] | None, typer.Option("--revocations", help="A revocation list's file; may be repeated.")
]


@app.command(name="train")
def train_head(
    data: Annotated[list[Path], typer.Argument(help="Folders of certified data, the holder's part in them.")],
    policy: Annotated[Path, typer.Option(help="What to train, and on which data: a training policy.")],
    trust: Annotated[Path, typer.Option(help="Your trust file: authorities, and you as the trainer.")],
    key: Annotated[Path, typer.Option(help="Your envelope key, which signs the certificate.")],
    out: Annotated[Path, typer.Option(help="New folder for model.safetensors and bundle.")],
    revocations: Lists = None,
    test: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder of the test set that the policy registers; may be repeated, in its order."
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(help="SERIAL:3,17: records that are not used; may be repeated. Revoked ones never are."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Trains a linear head on certified data and proves it. The bundle is for everybody; the data stays where it is."""
    if out.exists():
        raise UsageError(f"{printable(str(out))} exists; a training is never written over")
    held, believed = load_training_policy(policy), TrainingTrust.load(trust)
    signing, now = EnvelopeKey.load(key), int(time.time())
    check_signing_key(believed, signing)
    signed = [read_list(path) for path in revocations or []]
    lists = [open_revocations(one, believed.keys()) for one in signed]
    wanted = _left_out(leave_out or [])
    parts, holdings = _read(data, believed, lists, wanted)
    if wanted:
        raise UsageError(f"--leave-out names {printable(min(wanted))}, which is none of the data sets")
    tests, test_holdings = _read(test or [], believed, lists, {})
    if bool(tests) != (held.test is not None):
        raise UsageError(
            "the policy registers a test set: pass its folders with --test"
            if held.test is not None
            else "--test: the policy registers no test set, and only that can be tested on"
        )
    if tests:
        testable(held, parts, tests, lists, now=now)  # rather than after an hour of training
    console = Console(highlight=False)
    with Progress(console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task("finding the optimum, then proving it", total=None)
        made = train(
            held,
            believed.trainer,
            parts,
            holdings,
            lists,
            now=now,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
        accuracy = evaluate(held, made, parts, tests, test_holdings, lists, now=now) if tests else None
    sources = Sources(tuple(data), held, believed, newest_signed(signed, lists))
    tested = None if accuracy is None else Tested(accuracy, tuple(test or []))
    release(out, sources, made, signing, now=now, tested=tested)
    used = _count(parts)
    told = {
        "folder": str(out),
        "records": used,
        "classes": list(parts[0].certificate.classes),
        "logit_freedom": made.freedom,
        "max_logit_freedom": held.training.max_logit_freedom,
        "proof_bytes": len(made.proof),
        "correct": None if accuracy is None else accuracy.correct,
        "test_records": _count(tests) if tests else None,
    }
    if as_json:
        emit(told)
        return
    print(f"trained on {counted(used, 'record')}: {printable(str(out))}")
    print(
        f"  no logit differs from the optimum's by more than {made.freedom:.2g};"
        f" proved: not by more than {held.training.max_logit_freedom}"
    )
    if accuracy is not None:
        print(f"  at least {accuracy.correct} of {_count(tests)} test records are classified correctly")
    print(
        "  publish bundle and model.safetensors"
        if not made.blinds
        else "  publish bundle; model.safetensors is yours"
    )


def _read(
    folders: list[Path],
    believed: TrainingTrust,
    lists: list[RevocationList],
    wanted: dict[str, frozenset[int]],
) -> tuple[list[Part], list[Holding]]:
    """Data sets without what is revoked or wanted to be left out; that is taken from `wanted`."""
    parts: list[Part] = []
    holdings = []
    for folder in folders:
        found = read_data_set(folder, believed.keys())
        certificate = found.certificate
        if certificate.serial in {part.certificate.serial for part in parts}:
            raise UsageError(
                f"{printable(str(folder))}: data set {certificate.serial} is given twice; give it once"
            )
        chosen = wanted.pop(certificate.serial, frozenset())
        if chosen and max(chosen) >= certificate.records:
            last = f"its {counted(certificate.records, 'record')} end with number {certificate.records - 1}"
            raise UsageError(f"--leave-out {certificate.serial}:{max(chosen)}: no such record; {last}")
        parts.append(Part(found, tuple(sorted(chosen.union(revoked_in(found, lists))))))
        holdings.append(read_holding(folder, found))
    return parts, holdings


def _count(parts: list[Part]) -> int:
    return sum(len(part.kept) for part in parts)


def _left_out(texts: list[str]) -> dict[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for text in texts:
        serial, _, numbers = text.partition(":")
        try:
            records = frozenset(int(number) for number in numbers.split(","))
        except ValueError:
            records = frozenset()
        if not records or not all(0 <= record < MAX_RECORDS for record in records):
            raise UsageError(f"--leave-out {printable(text)}: write SERIAL:3,17, numbers of records from 0")
        found[serial] = found.get(serial, frozenset()) | records
    return found
