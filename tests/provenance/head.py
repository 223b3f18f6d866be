"""A head that was trained on certified data, and dishonest ways to make one. The data is scikit-learn's breast cancer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer

from fedproof.data.certificate import DataCertificate, RevocationList
from fedproof.data.dataset import DataSet, Holding, Terms, certify, prepare
from fedproof.data.files import write_data_set
from fedproof.data.records import Rows
from fedproof.data.selection import Part, Selection, revoked_in
from fedproof.data.table import Table
from fedproof.encoding.digest import sha256
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.signed import Signed
from fedproof.identity.training_trust import Authority, TrainingTrust
from fedproof.policy.training import TrainingPolicy
from fedproof.provenance.bundle import CERTIFICATE
from fedproof.provenance.dsse import sign_envelope
from fedproof.provenance.statement import Producer
from fedproof.provenance.training import check_head_file, issue_training, training_statement, verify_training
from fedproof.provenance.training_bundle import TrainingBundle, write_training_bundle
from fedproof.provenance.training_report import TrainingReport
from fedproof.training.accuracy import Accuracy, evaluate
from fedproof.training.head_file import HeadFile
from fedproof.training.train import Trained, proved, rows_of, train, usable

NOW = 1_800_000_000
SUITE = "pallas-keccak-ed25519-v1"
PRODUCER = Producer(package="fedproof", version="0")
POLICY = """
version = 1
name = "breast-cancer"
[training]
regularisation = 4096
max_logit_freedom = "0.001"
weights = "WEIGHTS"
[data]
authorities = ["ministry"]
licences = ["CC-BY-4.0"]
consent = ["DUO:0000042"]
"""


def policy(weights: str = "public", **changes: str) -> TrainingPolicy:
    """changes: of lines, by what stands before the equals sign."""
    text = POLICY.replace("WEIGHTS", weights)
    for name, value in changes.items():
        text = "\n".join(f"{name} = {value}" if line.startswith(name) else line for line in text.split("\n"))
    return TrainingPolicy.parse(text)


def table(start: int = 0, stop: int = 120) -> Table:
    found = load_breast_cancer()
    labels = tuple(str(found.target_names[k]) for k in found.target[start:stop])
    return Table(tuple(str(name) for name in found.feature_names), found.data[start:stop], labels)


@dataclass
class World:
    """An authority, a trainer, and whatever the tests make of them."""

    folder: Path
    authority: SigningKey = field(default_factory=SigningKey.generate)
    envelope: EnvelopeKey = field(default_factory=EnvelopeKey.generate)

    @property
    def trust(self) -> TrainingTrust:
        return TrainingTrust(
            "hospital-a", self.envelope.verify_key, {"ministry": Authority(self.authority.verify_key)}
        )

    def certify(
        self,
        data: Table,
        *,
        like: DataCertificate | None = None,
        licence: str = "CC-BY-4.0",
        issued: int = NOW - 1000,
        expires: int = NOW + 1000,
        key: SigningKey | None = None,
    ) -> Certified:
        key = key or self.authority
        prepared = prepare(SUITE, data, key, like)
        terms = Terms("ministry", licence, ("DUO:0000042",), issued, expires)
        made = certify(SUITE, prepared, terms, sha256(b"croissant"), key)
        folder = self.folder / "data" / made.certificate.serial
        write_data_set(folder, made, prepared.holding, b"croissant")
        return Certified(folder, made, prepared.holding)


@dataclass(frozen=True)
class Certified:
    folder: Path
    data: DataSet
    holding: Holding

    def part(self, *left_out: int) -> Part:
        return Part(self.data, left_out)


@dataclass(frozen=True)
class Head:
    """A bundle and a model's file, and who checks them with what."""

    world: World
    policy: TrainingPolicy
    root: Path

    @property
    def bundle(self) -> Path:
        return self.root / "bundle"

    @property
    def model(self) -> Path:
        return self.root / "model.safetensors"

    def verify(self, **changes: object) -> TrainingReport:
        arguments = {"model": self.model, "policy": self.policy, "trust": self.world.trust, "now": NOW}
        return verify_training(self.bundle, **(arguments | changes))  # type: ignore[arg-type]


def honest(
    world: World,
    held: TrainingPolicy,
    sets: Sequence[Certified],
    *,
    left_out: Sequence[tuple[int, ...]] = (),
    lists: Sequence[RevocationList] = (),
    signed: dict[str, Signed] | None = None,
    tests: Sequence[Certified] = (),
) -> Head:
    """As `fedproof train` does."""
    outs = list(left_out) or [()] * len(sets)
    parts = [one.part(*out) for one, out in zip(sets, outs, strict=True)]
    made = train(held, "hospital-a", parts, [one.holding for one in sets], lists, now=NOW)
    accuracy = None
    if tests:
        test_parts = [Part(one.data, revoked_in(one.data, lists)) for one in tests]
        holdings = [one.holding for one in tests]
        accuracy = evaluate(held, made, parts, test_parts, holdings, lists, now=NOW)
    head = written(world, held, sets, made, signed or {}, accuracy, tests)
    issue_training(
        head.bundle,
        model=head.model,
        policy=held,
        trust=world.trust,
        key=world.envelope,
        producer=PRODUCER,
        now=NOW,
    )
    return head


def by_serial(sets: Sequence[Certified]) -> dict[str, Path]:
    return {one.data.certificate.serial: one.folder for one in sets}


def written(
    world: World,
    held: TrainingPolicy,
    sets: Sequence[Certified],
    made: Trained,
    signed: dict[str, Signed],
    accuracy: Accuracy | None = None,
    tests: Sequence[Certified] = (),
) -> Head:
    """Bundle and model on disk, without a certificate."""
    root = world.folder / f"head-{len(list(world.folder.glob('head-*')))}"
    root.mkdir()
    certificate = sets[0].data.certificate
    file = HeadFile(made.weights, made.blinds, certificate.quantisation(), held.training.scale)
    (root / "model.safetensors").write_bytes(file.to_bytes())
    write_training_bundle(
        root / "bundle",
        policy=held.to_bytes(),
        training=made.training,
        proof=made.proof,
        data=by_serial(sets),
        revocations=signed,
        accuracy=accuracy,
        tests=by_serial(tests),
    )
    return Head(world, held, root)


def forged(
    world: World,
    held: TrainingPolicy,
    one: Certified,
    *,
    left_out: tuple[int, ...] = (),
    rows: Rows | None = None,
    weights: np.ndarray | None = None,
) -> Head:
    """A trainer that lies, with the real prover and a certificate that it signs without looking. rows: what it trains on and proves
    with, instead of what was certified. weights: those that it claims, instead of the optimum."""
    selection = usable(held, [one.part(*left_out)], [], now=NOW)
    own, blinds = rows_of(selection, [one.holding])
    used = own if rows is None else rows
    if weights is None:
        weights = optimum(held, used, one.data.certificate)
    made = proved(held, "hospital-a", selection, used, blinds, weights, 0.0, unchecked=True)
    head = written(world, held, [one], made, {})
    sign_without_looking(head, made, selection)
    return head


def optimum(held: TrainingPolicy, rows: Rows, certificate: DataCertificate) -> np.ndarray:
    from fedproof.training.proof import objective_of
    from fedproof.training.solve import solve

    free = replace(objective_of(held))
    longest = max(certificate.norm_squared, 1)
    return solve(free, rows, len(certificate.classes), longest, held.training.freedom).weights


def sign_without_looking(head: Head, made: Trained, selection: Selection) -> None:
    """The certificate that an honest trainer would have signed."""
    from fedproof.model.digest import FileDigest
    from fedproof.provenance.training import TrainingAudit
    from fedproof.training.proof import statement_of

    found = TrainingAudit(
        head.policy,
        made.training,
        selection,
        statement_of(head.policy, made.training, selection),
        made.proof,
        (),
        None,
    )
    file = FileDigest(".", sha256(head.model.read_bytes()))
    statement = training_statement(found, file, PRODUCER)
    (head.bundle / CERTIFICATE).write_bytes(sign_envelope(statement.to_bytes(), head.world.envelope))


__all__ = [
    "Certified",
    "Head",
    "TrainingBundle",
    "World",
    "check_head_file",
    "forged",
    "honest",
    "optimum",
    "policy",
    "table",
    "written",
]
