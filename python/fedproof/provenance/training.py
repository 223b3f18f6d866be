"""A trained head, checked against a bundle from anybody (spec/training.md §7), and its certificate.

Nothing is believed but the verifier's own policy and trust file: data sets by their authorities' signatures, the proof by the statement
that policy, data and weights lead to, the model's file bit for bit, and at last the very statement that was signed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fedproof.data.certificate import DataCertificate, RevocationList
from fedproof.data.selection import Part, Selection, newest_list, open_revocations
from fedproof.encoding.digest import sha256
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.time import utc_text
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import EnvelopeKey
from fedproof.identity.training_trust import TrainingTrust
from fedproof.model.digest import FileDigest, root_of
from fedproof.model.tensors import MAX_FILE
from fedproof.policy.policy import SUITES
from fedproof.policy.training import TrainingPolicy
from fedproof.proofs.head import HeadOpening, check_head
from fedproof.proofs.optimum import Statement, verify
from fedproof.provenance.bundle import CERTIFICATE
from fedproof.provenance.differences import policy_difference
from fedproof.provenance.dsse import open_envelope, sign_envelope
from fedproof.provenance.statement import File, Producer, Resource, Sha256, Subject
from fedproof.provenance.training_accuracy import AccuracyAudit, audit_accuracy
from fedproof.provenance.training_bundle import REVOCATIONS, TrainingBundle, parts_of
from fedproof.provenance.training_report import TrainingReport, UsedRevocations
from fedproof.provenance.training_statement import (
    HeadModel,
    ObjectiveSaid,
    TrainingClaim,
    TrainingPredicate,
    TrainingStatement,
    UsedDataSet,
    training_not_proven,
)
from fedproof.provenance.verify import compare
from fedproof.training.head_file import HeadFile
from fedproof.training.proof import Training, statement_of
from fedproof.training.train import usable


@dataclass(frozen=True)
class TrainingAudit:
    """What the bundle was found to say. selection: the records trained on. statement: what the proof shows. test: none where the policy
    registers no test set."""

    policy: TrainingPolicy
    training: Training
    selection: Selection
    statement: Statement
    proof: bytes
    revocations: tuple[RevocationList, ...]
    test: AccuracyAudit | None

    def all_parts(self) -> tuple[Part, ...]:
        """Trained on, then tested on."""
        return (
            self.selection.parts if self.test is None else (*self.selection.parts, *self.test.selection.parts)
        )


def audit_training(
    bundle: TrainingBundle,
    policy: TrainingPolicy,
    trust: TrainingTrust,
    *,
    now: int,
    revocations: Sequence[RevocationList] = (),
) -> TrainingAudit:
    """Checks everything but the released file and the certificate. revocations: lists that the verifier has besides those of the bundle;
    of each authority the newest counts. Raises `Refused` or `Malformed`."""
    trust.check_policy(policy.digest())
    if (theirs := bundle.policy()) != policy.to_bytes():
        detail = f"the head was trained under another policy than yours: {policy_difference(theirs, policy)}"
        raise Refused("policy", "policy", detail)
    training = bundle.training()
    if training.policy != policy.digest():
        raise Refused("training", "policy", "it was trained under another policy")
    if training.trainer != trust.trainer:
        raise Refused(
            "training", "trust", f"{training.trainer} trained it; the trust file names {trust.trainer}"
        )
    parts = parts_of(training.data, bundle.data_sets(trust.keys()), "training")
    lists = [*revocations, *_revocations(bundle, trust)]
    selection = usable(policy, parts, lists, now=now)
    statement = statement_of(policy, training, selection)
    proof = bundle.proof()
    verify(statement, proof)
    test = audit_accuracy(bundle, policy, trust, training, parts, lists, now=now)
    return TrainingAudit(policy, training, selection, statement, proof, tuple(lists), test)


def _revocations(bundle: TrainingBundle, trust: TrainingTrust) -> list[RevocationList]:
    """The bundle's lists, each under its authority's name: one of each. Raises `Refused`."""
    found = [open_revocations(signed, trust.keys()) for signed in bundle.revocations()]
    for name, one in zip(bundle.lists, found, strict=True):
        if one.authority != name:
            detail = f"{REVOCATIONS}/{name}.cbor is a list of {one.authority}"
            raise Refused("revocation list", "digest", detail)
    return found


def check_head_file(model: Path, found: TrainingAudit) -> FileDigest:
    """The released file is the head that the proof is about, bit for bit. Raises `Refused` (subject "model") or `Malformed`."""
    released = read_capped(model, MAX_FILE)
    head = HeadFile.from_bytes(released, found.policy.training.scale)
    certificate = found.selection.certificate
    if head.quantisation.to_bytes() != (certificate.centre, certificate.spread):
        raise Refused("model", "chain", "it makes integers of features otherwise than the data sets say")
    check_head(found.statement, HeadOpening(head.weights, head.blinds))
    return FileDigest(".", sha256(released))


def read_head(model: Path, found: TrainingAudit) -> HeadOpening:
    """Weights and blinds of a released file, as far as it can be read. Raises as `check_head_file`, which says whether it is the right
    one."""
    head = HeadFile.from_bytes(read_capped(model, MAX_FILE), found.policy.training.scale)
    return HeadOpening(head.weights, head.blinds)


def training_statement(found: TrainingAudit, file: FileDigest, producer: Producer) -> TrainingStatement:
    """The one statement that a bundle and a file lead to; only `producer` is free."""
    head, suite = found.policy.training, found.statement.suite
    used, test = _share(found.selection), found.test
    committed = found.statement.head.committed
    return TrainingStatement(
        subject=(Subject(digest=Sha256.of(root_of([file]))),),
        predicate=TrainingPredicate(
            suite=suite,
            bits=str(SUITES[suite]),
            name=found.policy.name,
            trainer=found.training.trainer,
            policy=_resource(found.policy.digest()),
            model=HeadModel(
                files=(File(name=file.name, digest=Sha256.of(file.sha256)),),
                parameters=str(found.statement.features * found.statement.classes),
                classes=found.selection.certificate.classes,
            ),
            model_commitment=sha256(found.statement.head.points).hex() if committed else None,
            objective=ObjectiveSaid(
                loss=head.loss,
                regularisation=str(head.regularisation),
                scale=str(head.scale),
                weights=head.weights,
            ),
            claims=(
                TrainingClaim(claim="DATA_CERTIFIED", records=used),
                TrainingClaim(claim="WEIGHTS_OPTIMAL", records=used, logit_freedom=head.max_logit_freedom),
                *(() if test is None else (_accuracy_claim(test),)),
            ),
            not_proven=training_not_proven(len(_authorities(found)), tested=test is not None),
            datasets=_data_sets(found.selection),
            testsets=None if test is None else _data_sets(test.selection),
            training=_resource(found.training.digest()),
            proof=_resource(sha256(found.proof)),
            accuracy=None if test is None else _resource(test.accuracy.digest()),
            producer=producer,
        ),
    )


def _share(selection: Selection) -> str:
    return f"{len(selection)}/{selection.certified}"


def _accuracy_claim(test: AccuracyAudit) -> TrainingClaim:
    correct = f"{test.accuracy.correct}/{len(test.selection)}"
    return TrainingClaim(claim="ACCURACY_AT_LEAST", records=_share(test.selection), correct=correct)


def _data_sets(selection: Selection) -> tuple[UsedDataSet, ...]:
    return tuple(_data_set(part.certificate, len(part.kept)) for part in selection.parts)


def _data_set(certificate: DataCertificate, used: int) -> UsedDataSet:
    return UsedDataSet(
        certificate=_resource(certificate.digest()),
        serial=certificate.serial,
        authority=certificate.authority,
        records=f"{used}/{certificate.records}",
        croissant=_resource(certificate.croissant),
        licence=certificate.licence,
        consent=certificate.consent,
        issued=utc_text(certificate.issued),
        expires=utc_text(certificate.expires),
        extractor=None if certificate.extractor is None else _resource(certificate.extractor),
    )


def _resource(digest: bytes) -> Resource:
    return Resource(digest=Sha256.of(digest))


def verify_training(
    root: Path,
    *,
    model: Path,
    policy: TrainingPolicy | None,
    trust: TrainingTrust,
    now: int | None = None,
    revocations: Sequence[RevocationList] = (),
) -> TrainingReport:
    """Checks everything and reports what holds, and what is not proven. now: Unix seconds, as certificates are to be valid; none: this
    machine's clock. Arguments else as in `audit_training` and `fedproof.provenance.verify.verify_bundle`.

    Raises `Refused`, `Malformed`, or `UsageError` without a policy and a pin."""
    start = time.perf_counter()
    at = int(time.time()) if now is None else now
    bundle = TrainingBundle.open(root)
    envelope = bundle.certificate()
    held = policy if policy is not None else pinned_policy(bundle, trust)
    found = audit_training(bundle, held, trust, now=at, revocations=revocations)
    signed = TrainingStatement.parse(open_envelope(envelope, trust.envelope))
    compare(signed, training_statement(found, check_head_file(model, found), signed.predicate.producer))
    return TrainingReport(
        statement=signed,
        revocations=tuple(_revocation_state(found, name) for name in sorted(_authorities(found))),
        at=at,
        keyid=trust.envelope.keyid,
        policy_source="policy file" if policy is not None else "trust file",
        seconds=time.perf_counter() - start,
    )


def _authorities(found: TrainingAudit) -> set[str]:
    return {part.certificate.authority for part in found.all_parts()}


def _revocation_state(found: TrainingAudit, authority: str) -> UsedRevocations:
    newest = newest_list(found.revocations, authority)
    return UsedRevocations(authority, None if newest is None else (newest.number, newest.issued))


def pinned_policy(bundle: TrainingBundle, trust: TrainingTrust) -> TrainingPolicy:
    """The bundle's policy, if the trust file pins it. Raises `Refused`, `Malformed`, or `UsageError` without a pin."""
    if trust.policy is None:
        raise UsageError("no policy: pass --policy, or pin the policy's digest in the trust file")
    try:
        policy = TrainingPolicy.from_bytes(bundle.policy())
    except Malformed as error:
        raise Refused("policy", "decoding", str(error)) from None
    trust.check_policy(policy.digest())
    return policy


def check_signing_key(trust: TrainingTrust, key: EnvelopeKey) -> None:
    """Raises `Refused` (subject "certificate", stage "trust") for a key that is not the trainer's."""
    if key.verify_key.keyid != trust.envelope.keyid:
        detail = f"the key is {key.verify_key.keyid}, the trust file pins {trust.envelope.keyid}"
        raise Refused("certificate", "trust", detail)


def issue_training(
    root: Path,
    *,
    model: Path,
    policy: TrainingPolicy,
    trust: TrainingTrust,
    key: EnvelopeKey,
    producer: Producer,
    now: int,
) -> TrainingStatement:
    """Checks the bundle as a verifier would, then signs the statement and writes it into the bundle. Raises `Refused` or `Malformed`
    where a verifier would."""
    check_signing_key(trust, key)
    found = audit_training(TrainingBundle.open(root), policy, trust, now=now)
    statement = training_statement(found, check_head_file(model, found), producer)
    TrainingStatement.parse(statement.to_bytes())  # one that is too long is read by nobody
    write_atomic(root / CERTIFICATE, sign_envelope(statement.to_bytes(), key))
    return statement
