"""From a head that was trained on certified data to what is handed out: model's file, bundle, certificate."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fedproof import __version__
from fedproof.data.files import peek_certificate
from fedproof.encoding.files import make_folder, write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import UsageError
from fedproof.identity.keys import EnvelopeKey
from fedproof.provenance.statement import Producer
from fedproof.provenance.training import check_signing_key, issue_training
from fedproof.provenance.training_bundle import write_training_bundle
from fedproof.provenance.training_statement import TrainingStatement
from fedproof.training.accuracy import Accuracy
from fedproof.training.certified import Sources
from fedproof.training.head_file import HeadFile
from fedproof.training.train import Trained

MODEL: Final = "model.safetensors"
BUNDLE: Final = "bundle"


@dataclass(frozen=True)
class Tested:
    """What was proved on the registered test set, and the folders that it is in."""

    accuracy: Accuracy
    folders: tuple[Path, ...]


def release(
    out: Path,
    sources: Sources,
    trained: Trained,
    key: EnvelopeKey,
    *,
    now: int | None = None,
    tested: Tested | None = None,
) -> TrainingStatement:
    """Writes `out`/model.safetensors and `out`/bundle, checks both as a verifier would, and signs. out: new. key: the trainer's, as the
    trust file has it. tested: there if, and only if, the policy registers a test set. now: Unix seconds; none: this machine's clock.
    Returns what was signed. Raises `UsageError` if `out` exists, and `Refused` or `Malformed` where a verifier would, then without a
    certificate."""
    if out.exists():
        raise UsageError(f"{printable(str(out))} exists; a training is never written over")
    check_signing_key(sources.trust, key)
    write_files(out, sources, trained, tested)
    return issue_training(
        out / BUNDLE,
        model=out / MODEL,
        policy=sources.policy,
        trust=sources.trust,
        key=key,
        producer=Producer(package="fedproof", version=__version__),
        now=int(time.time()) if now is None else now,
    )


def write_files(out: Path, sources: Sources, trained: Trained, tested: Tested | None = None) -> None:
    """The head's file and the bundle, unchecked and without a certificate. out: a folder that has neither, made if it is not there."""
    data = _by_serial(sources.folders)
    certificate = peek_certificate(sources.folders[0])
    head = HeadFile(
        trained.weights, trained.blinds, certificate.quantisation(), sources.policy.training.scale
    )
    make_folder(out, mode=0o755)
    # The blinds of committed weights are in it.
    write_atomic(out / MODEL, head.to_bytes(), mode=0o600 if trained.blinds else 0o644)
    write_training_bundle(
        out / BUNDLE,
        policy=sources.policy.to_bytes(),
        training=trained.training,
        proof=trained.proof,
        data=data,
        revocations=sources.revocations,
        accuracy=None if tested is None else tested.accuracy,
        tests=None if tested is None else _by_serial(tested.folders),
    )


def _by_serial(folders: Sequence[Path]) -> dict[str, Path]:
    return {peek_certificate(folder).serial: folder for folder in folders}
