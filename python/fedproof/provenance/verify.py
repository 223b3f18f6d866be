"""`verify_bundle`: a model file, checked against a bundle from anybody, offline (spec/certificate.md §6).

Nothing is believed but the verifier's own policy and trust file. Everything is recomputed: each update's
proof, each round's sum, the way from the base model to the released weights, and at last the very statement
that was signed.
"""

from __future__ import annotations

import time
from pathlib import Path

from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.trust import Trust
from fedproof.policy.policy import Policy
from fedproof.provenance.audit import Progress, audit
from fedproof.provenance.bundle import Bundle
from fedproof.provenance.certificate import check_model, statement_about
from fedproof.provenance.differences import differences, short
from fedproof.provenance.dsse import open_envelope
from fedproof.provenance.report import Report, left_out
from fedproof.provenance.statement import CanonicalStatement, Statement


def verify_bundle(
    bundle: Path, *, model: Path, policy: Policy | None, trust: Trust, progress: Progress | None = None
) -> Report:
    """Checks everything and reports what holds, with coverage, and what is not proven.

    bundle: folder. model: the released safetensors file. policy: the verifier's own; may be left out only if
    the trust file pins its digest. progress: called with (rounds checked, rounds on record).

    Raises `Refused` (which object, which stage) if anything is not as claimed, `Malformed` if something can't
    be read, `UsageError` without a policy and a pin.
    """
    start = time.perf_counter()
    opened = Bundle.open(bundle)
    envelope = opened.certificate()
    held = policy if policy is not None else pinned_policy(opened, trust)
    found = audit(opened, held, trust, progress=progress)
    files = check_model(model, found)
    signed = Statement.parse(open_envelope(envelope, trust.envelope))
    compare(signed, statement_about(found, files, signed.predicate.producer))
    return Report(
        statement=signed,
        policy=held,
        left_out=tuple(left for report in found.rounds for left in left_out(report, held.least_accepted)),
        keyid=trust.envelope.keyid,
        policy_source="policy file" if policy is not None else "trust file",
        seconds=time.perf_counter() - start,
    )


def pinned_policy(bundle: Bundle, trust: Trust) -> Policy:
    """The bundle's policy, if the trust file pins exactly this one. Raises `UsageError` if it pins none, else
    `Refused`.
    """
    if trust.policy is None:
        raise UsageError("no policy: pass --policy, or pin the policy's digest in the trust file")
    try:
        policy = Policy.from_bytes(bundle.policy())
    except Malformed as error:
        raise Refused("policy", "decoding", str(error)) from None
    if policy.digest() != trust.policy:
        raise Refused("policy", "trust", f"the trust file pins {trust.policy.hex()}, the bundle's is another")
    return policy


def compare(signed: CanonicalStatement, recomputed: CanonicalStatement) -> None:
    """Raises `Refused` (subject "certificate", stage "statement") naming the first field that differs."""
    if signed.to_bytes() == recomputed.to_bytes():
        return
    said, found = signed.model_dump(mode="json"), recomputed.model_dump(mode="json")
    for at, one, other in differences(said, found):
        detail = f"{at} (signed {short(one)}, recomputed {short(other)}): signed and recomputed differ"
        raise Refused("certificate", "statement", detail)
    raise Refused("certificate", "statement", "the statement: signed and recomputed differ")
