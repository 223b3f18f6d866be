"""From an aggregator's record to what is handed out: bundle, model and certificate."""

from __future__ import annotations

import shutil
from pathlib import Path

from fedproof.encoding.files import make_folder, write_atomic
from fedproof.identity.keys import EnvelopeKey
from fedproof.identity.trust import Trust
from fedproof.provenance.bundle import write_bundle
from fedproof.provenance.certificate import issue
from fedproof.provenance.statement import Producer, Statement
from fedproof.round.aggregator import Aggregator
from fedproof.round.record import RoundEntry, named_blobs

BUNDLE, MODEL = "bundle", "model.safetensors"


def release(
    aggregator: Aggregator, out: Path, *, trust: Trust, key: EnvelopeKey, producer: Producer
) -> Statement:
    """Writes `out/model.safetensors`, the model as it is now, and `out/bundle/`, whose certificate says what is proved of it. What an
    earlier release left there is replaced. key: the aggregator's for certificates, as the trust file pins it.

    The bundle is audited as a verifier would audit it before anything is signed. Raises `Refused` and `Malformed` where a verifier
    would, `UsageError` where a file cannot be written."""
    chain, store = aggregator.chain, aggregator.store
    make_folder(out)
    shutil.rmtree(out / BUNDLE, ignore_errors=True)
    write_atomic(out / MODEL, chain.released())
    names = {chain.policy.base_digest}
    for entry in aggregator.entries():
        names.update(named_blobs(RoundEntry.from_bytes(entry), store.blob))
    write_bundle(
        out / BUNDLE,
        policy=chain.policy.to_bytes(),
        roster=aggregator.signed_roster.to_bytes(),
        log=store.log,
        blobs=names,
        read=store.blob,
    )
    return issue(
        out / BUNDLE, model=out / MODEL, policy=chain.policy, trust=trust, key=key, producer=producer
    )
