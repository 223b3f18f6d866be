"""The story of certified data: an authority, a hospital that trains and proves, and three that cheat. Everything goes through the files and
checks that strangers would use; the cheats have genuine data certificates and force proofs out of the real prover."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fedproof import __version__
from fedproof.data.certificate import DataCertificate, RevocationList
from fedproof.data.dataset import DataSet, Holding, Terms, certify, prepare
from fedproof.data.files import write_data_set
from fedproof.data.selection import Part
from fedproof.data.table import Table
from fedproof.demo.data import load_table
from fedproof.encoding.digest import sha256
from fedproof.encoding.files import write_atomic
from fedproof.errors import Refused
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.signed import sign
from fedproof.identity.training_trust import Authority, TrainingTrust
from fedproof.policy.policy import DEFAULT_SUITE
from fedproof.policy.training import TrainingPolicy
from fedproof.proofs.head import HeadOpening
from fedproof.provenance.statement import Producer
from fedproof.provenance.training import audit_training, issue_training
from fedproof.provenance.training_bundle import TrainingBundle
from fedproof.provenance.training_release import BUNDLE, MODEL, Tested, write_files
from fedproof.training.accuracy import evaluate
from fedproof.training.certified import Sources
from fedproof.training.proof import statement_of
from fedproof.training.receipt import answer, check_answer, inputs_of
from fedproof.training.train import Trained, proved, train, usable

AUTHORITY = "ethics-board"
HONEST = "hospital-1"
SEED = 2
HOLDOUT = 114
"""Records that nobody trains on."""

POLICY = """\
# What a head must be: trained on what, to which optimum, and how near. A verifier holds its own copy of this file.
version = 1
name = "breast-cancer-demo"

[training]
loss = "squared hinge"
regularisation = 4096         # lambda = 4096/2^10 = 4
max_logit_freedom = "0.001"   # no logit further from the optimum's
weights = "committed"

[data]
authorities = ["ethics-board"]
licences = ["CC-BY-4.0"]
consent = ["DUO:0000042"]     # general research use
min_records = 100

[test]
certificates = ["sha256:TEST_SET"]
min_accuracy = "0.9"
"""
TEST_SET = "test-set"


@dataclass(frozen=True)
class Refusal:
    """A cheat that was caught. did: what it did. object, stage, reason: what its verifier said."""

    client: str
    did: str
    object: str
    stage: str
    reason: str


@dataclass(frozen=True)
class CertifiedOutcome:
    """accuracy: of the honest head on records that nobody trained on, as it is proved. freedom: Φ that was reached. receipt: bytes of
    one for five answers. seconds: by part."""

    records: int
    accuracy: float
    freedom: float
    refused: tuple[Refusal, ...]
    answers: tuple[str, ...]
    receipt: int
    seconds: dict[str, float]


@dataclass
class _Stage:
    """Parties and folders of the story."""

    work: Path
    now: int
    policy: TrainingPolicy = field(init=False)
    authority: SigningKey = field(default_factory=SigningKey.generate)
    envelope: EnvelopeKey = field(default_factory=EnvelopeKey.generate)

    def trust(self, trainer: str) -> TrainingTrust:
        return TrainingTrust(
            trainer, self.envelope.verify_key, {AUTHORITY: Authority(self.authority.verify_key)}
        )

    def certify(self, name: str, table: Table, like: DataCertificate | None) -> _Certified:
        prepared = prepare(DEFAULT_SUITE, table, self.authority, like)
        terms = Terms(AUTHORITY, "CC-BY-4.0", ("DUO:0000042",), self.now - 60, self.now + 365 * 86400)
        description = b"{}"
        data = certify(DEFAULT_SUITE, prepared, terms, sha256(description), self.authority)
        write_data_set(self.work / name, data, prepared.holding, description)
        return _Certified(self.work / name, data, prepared.holding)

    def revoke(self, one: _Certified) -> RevocationList:
        serials = (one.data.certificate.serial,)
        return RevocationList(authority=AUTHORITY, number=1, issued=self.now, serials=serials, records=())

    def write(self, root: Path, one: _Certified, made: Trained, tested: Tested | None = None) -> None:
        sources = Sources((one.folder,), self.policy, self.trust(made.training.trainer), {})
        write_files(root, sources, made, tested)


@dataclass(frozen=True)
class _Certified:
    folder: Path
    data: DataSet
    holding: Holding


def run_certified(out: Path, tell: Callable[[str], None] = lambda _: None) -> CertifiedOutcome:
    """Leaves bundle, model.safetensors, policy.toml, trust.toml and the authority's newest list, revocations.cbor, in `out`. tell: hears
    each step."""
    started = time.perf_counter()
    seconds: dict[str, float] = {}
    table = load_table(SEED)
    held = table.take(np.arange(HOLDOUT))
    with tempfile.TemporaryDirectory(prefix="fedproof-demo-") as work:
        stage = _Stage(Path(work), int(time.time()))
        sizes = np.array_split(np.arange(HOLDOUT, len(table.labels)), 4)
        tables = [table.take(rows) for rows in sizes]
        tell(f"{AUTHORITY} certifies four data sets and a test set, record by record, and publishes none")
        first = stage.certify(HONEST, tables[0], None)
        sets = [first] + [
            stage.certify(f"hospital-{k}", t, first.data.certificate) for k, t in enumerate(tables[1:], 2)
        ]
        test = stage.certify(TEST_SET, held, first.data.certificate)
        text = POLICY.replace("TEST_SET", test.data.certificate.digest().hex())
        stage.policy = policy = TrainingPolicy.parse(text)
        _lap(seconds, "certify", started)
        tell(
            f"{HONEST} trains, proves that its weights are the optimum on its records, and how good they are"
        )
        parts = [Part(first.data)]
        made = train(policy, HONEST, parts, [first.holding], [], now=stage.now)
        accuracy = evaluate(policy, made, parts, [Part(test.data)], [test.holding], [], now=stage.now)
        stage.write(out, first, made, Tested(accuracy, (test.folder,)))
        trust = stage.trust(HONEST)
        write_atomic(out / "policy.toml", text.encode())
        trust.save(out / "trust.toml")
        producer = Producer(package="fedproof", version=__version__)
        issue_training(
            out / BUNDLE,
            model=out / MODEL,
            policy=policy,
            trust=trust,
            key=stage.envelope,
            producer=producer,
            now=stage.now,
        )
        _lap(seconds, "train and prove", started)
        tell("three others cheat, each with a genuine data certificate")
        gone = stage.revoke(sets[1])
        write_atomic(out / "revocations.cbor", sign(gone, stage.authority).to_bytes())
        refused = (_revoked(stage, sets[1], gone), _swapped(stage, sets[2]), _back_doored(stage, sets[3]))
        _lap(seconds, "cheats, made and refused", started)
        tell("the certified head answers, and its receipt is checked")
        answers, size = _receipt(stage, first, made, held)
        _lap(seconds, "receipt", started)
    return CertifiedOutcome(
        len(tables[0].labels), accuracy.correct / HOLDOUT, made.freedom, refused, answers, size, seconds
    )


def _lap(seconds: dict[str, float], name: str, started: float) -> None:
    seconds[name] = time.perf_counter() - started - sum(seconds.values())


def _revoked(stage: _Stage, one: _Certified, gone: RevocationList) -> Refusal:
    """Honest work on a data set whose certificate the authority has taken back since."""
    made = train(stage.policy, "hospital-2", [Part(one.data)], [one.holding], [], now=stage.now)
    return _refusal(stage, "hospital-2", "trained on a data set that was revoked", one, made, gone)


def _swapped(stage: _Stage, one: _Certified) -> Refusal:
    """The first ten labels are the other ones."""
    rows = one.holding.rows.copy()
    rows[:10, -2:] = 1 - rows[:10, -2:]
    lied = replace(one.holding, rows=rows)
    made = train(stage.policy, "hospital-3", [Part(one.data)], [lied], [], now=stage.now, unchecked=True)
    return _refusal(stage, "hospital-3", "swapped the labels of ten records", one, made)


def _back_doored(stage: _Stage, one: _Certified) -> Refusal:
    """The optimum, with one weight moved by a quarter: a certain value of that feature flips the answer."""
    parts = [Part(one.data)]
    best = train(stage.policy, "hospital-4", parts, [one.holding], [], now=stage.now)
    weights = best.weights.copy()
    weights[0, 3] += 1 << (stage.policy.training.scale - 2)
    selection = usable(stage.policy, parts, [], now=stage.now)
    rows, blinds = one.holding.rows, one.holding.blinds
    made = proved(stage.policy, "hospital-4", selection, rows, blinds, weights, best.freedom, unchecked=True)
    return _refusal(stage, "hospital-4", "put a back door into the weights", one, made)


def _refusal(
    stage: _Stage, client: str, did: str, one: _Certified, made: Trained, *lists: RevocationList
) -> Refusal:
    root = stage.work / f"{client}-out"
    stage.write(root, one, made)
    try:
        bundle = TrainingBundle.open(root / BUNDLE)
        audit_training(bundle, stage.policy, stage.trust(client), now=stage.now, revocations=lists)
    except Refused as error:
        return Refusal(client, did, error.subject, error.stage, error.detail)
    raise Refused("demo", "argument", f"{client} {did}, and nobody noticed")


def _receipt(stage: _Stage, one: _Certified, made: Trained, held: Table) -> tuple[tuple[str, ...], int]:
    """Answers to five records, proved and checked."""
    selection = usable(stage.policy, [Part(one.data)], [], now=stage.now)
    statement = statement_of(stage.policy, made.training, selection)
    certificate, digest = one.data.certificate, made.training.digest()
    inputs = inputs_of(certificate, held.values[:5])
    receipt = answer(statement, HeadOpening(made.weights, made.blinds), inputs, digest)
    check_answer(statement, digest, receipt, inputs)
    return tuple(certificate.classes[k] for k in receipt.answers), len(receipt.to_bytes())
