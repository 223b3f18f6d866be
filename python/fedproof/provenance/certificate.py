"""From a checked record and a model file to the statement about it, and to the signed certificate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fedproof.encoding.digest import sha256
from fedproof.encoding.files import read_capped, write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import EnvelopeKey
from fedproof.identity.trust import Trust
from fedproof.model.digest import FileDigest, root_of
from fedproof.model.stored import read_tensors
from fedproof.model.tensors import MAX_FILE
from fedproof.policy.policy import SUITES, Policy
from fedproof.provenance.audit import Audit, audit
from fedproof.provenance.bundle import CERTIFICATE, Bundle
from fedproof.provenance.claims import Claim, ClaimName, not_proven
from fedproof.provenance.dsse import sign_envelope
from fedproof.provenance.statement import (
    File,
    Model,
    Predicate,
    Producer,
    Proofs,
    Resource,
    Rounds,
    Sha256,
    Statement,
    Subject,
)


def check_model(model: Path, found: Audit) -> tuple[FileDigest, ...]:
    """The released file is the one that belongs to the last state, bit for bit. Raises `Refused` (subject
    "model") or `Malformed`.
    """
    released, expected = read_capped(model, MAX_FILE), found.chain.released()
    if released != expected:
        detail = f"the file is not the model that the record leads to, bit for bit: {_difference(released, expected)}"
        raise Refused("model", "chain", detail)
    return (FileDigest(".", sha256(released)),)


def _difference(released: bytes, expected: bytes) -> str:
    """The first tensor, by name, in which a file differs from the one expected, in words."""
    try:
        theirs, ours = read_tensors(released), read_tensors(expected)
    except Malformed:
        return "it cannot be read as one"
    for name in sorted(theirs.keys() | ours.keys()):
        if name not in theirs:
            return f"tensor {printable(name)} is missing"
        if name not in ours:
            return f"tensor {printable(name)} is not in the base model"
        if theirs[name] != ours[name]:
            return f"tensor {printable(name)} is another"
    return "its tensors are, but it is written in another way"


def statement_about(found: Audit, files: Sequence[FileDigest], producer: Producer) -> Statement:
    """The one statement that a record and a model lead to; only `producer` is free."""
    chain = found.chain
    return Statement(
        subject=(Subject(digest=Sha256.of(root_of(files))),),
        predicate=Predicate(
            suite=chain.suite,
            bits=str(SUITES[chain.suite]),
            federation=chain.policy.federation,
            policy=_resource(chain.policy.digest()),
            roster=_resource(found.roster_digest),
            base_model=_resource(chain.policy.base_digest),
            model=Model(
                files=tuple(File(name=file.name, digest=Sha256.of(file.sha256)) for file in files),
                layout=Sha256.of(chain.layout.digest()),
                parameters=str(chain.layout.size),
            ),
            model_commitment=chain.state.commitment.hex(),
            claims=claims_of(found),
            not_proven=not_proven(chain.policy),
            rounds=Rounds(
                count=str(len(found.rounds)),
                void=str(sum(report.void for report in found.rounds)),
                record_root=found.record_root.hex(),
            ),
            proofs=Proofs(digest=Sha256.of(sha256(b"".join(sorted(found.blobs))))),
            producer=producer,
        ),
    )


def claims_of(found: Audit) -> tuple[Claim, ...]:
    """The claims that the audit supports, each with its coverage."""
    counted = [report for report in found.rounds if not report.void]
    accepted = [pair for report in counted for pair in report.accepted]
    announced = [pair for report in found.rounds for pair in report.participants]
    rounds = f"{len(counted)}/{len(found.rounds)}"
    updates = f"{len(accepted)}/{len(announced)}"
    weight = f"{sum(w for _, w in accepted)}/{sum(w for _, w in announced)}"
    policy = found.chain.policy
    names: list[ClaimName] = ["AGGREGATE_EXACT", "MODEL_CHAIN"]
    names.append("UPDATES_BOUNDED" if policy.prove.update == "bounded" else "UPDATES_OPENED")
    if policy.masking.enabled:
        names.append("UPDATES_MASKED")
    endorsed = Claim(
        claim="PARTICIPANTS_ENDORSED",
        rounds=rounds,
        updates=updates,
        weight=weight,
        distinct=str(len({client for client, _ in accepted})),
        endorsers=(found.roster.endorser,),
    )
    return (*(Claim(claim=name, rounds=rounds, updates=updates, weight=weight) for name in names), endorsed)


def issue(
    bundle: Path, *, model: Path, policy: Policy, trust: Trust, key: EnvelopeKey, producer: Producer
) -> Statement:
    """Checks the bundle as a verifier would, then signs the statement and writes it into the bundle.

    Nobody signs what was not checked again. Raises `Refused` or `Malformed` where a verifier would, and
    `Refused` (subject "certificate", stage "trust") if the trust file pins another envelope key.
    """
    if key.verify_key.keyid != trust.envelope.keyid:
        detail = f"the key is {key.verify_key.keyid}, the trust file pins {trust.envelope.keyid}"
        raise Refused("certificate", "trust", detail)
    found = audit(Bundle.open(bundle), policy, trust)
    statement = statement_about(found, check_model(model, found), producer)
    write_atomic(bundle / CERTIFICATE, sign_envelope(statement.to_bytes(), key))
    return statement


def _resource(digest: bytes) -> Resource:
    return Resource(digest=Sha256.of(digest))
