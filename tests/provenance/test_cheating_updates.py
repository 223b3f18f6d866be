"""The updates: false, replayed, stolen, copied, refused wrongly.

A dishonest aggregator signs anything, alone or with a client; each lie is refused, at the object and the
stage where it lies.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fedproof.errors import Refused
from fedproof.provenance import verify_bundle
from fedproof.round.messages import Accepted, Dropped
from tests.provenance.world import (
    Forgery,
    changed,
    refusal,
    told,
)


def test_an_accepted_client_without_an_upload(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[2]
    accepted = [*r.result.accepted, Accepted(client="bob", header=bytes(32))]
    r.result = changed(r.result, accepted=tuple(sorted(accepted, key=lambda a: a.client)), dropped=())
    forgery.resign(2)
    assert told(refusal(forgery, tmp_path))[:3] == ("record", "shape", 2)


def test_an_accepted_client_whose_proof_is_not_in_the_bundle(forgery: Forgery, tmp_path: Path) -> None:
    proof = next(u for u in forgery.rounds[0].body.uploads if u.client == "ada").proof
    bundle, model = forgery.write(tmp_path)
    (bundle / "blobs" / proof.hex()[:2] / proof.hex()).unlink()
    with pytest.raises(Refused) as error:
        verify_bundle(bundle, model=model, policy=forgery.world.policy, trust=forgery.world.trust)
    assert told(error.value)[1:3] == ("digest", 0)


def test_an_upload_replayed_from_another_round(forgery: Forgery, tmp_path: Path) -> None:
    forgery.replace(1, "ada", forgery.upload(0, "ada"))
    assert told(refusal(forgery, tmp_path)) == ("upload", "statement", 1, "ada")


def test_an_upload_signed_by_another_client(forgery: Forgery, tmp_path: Path) -> None:
    stolen = changed(forgery.upload(0, "ada"), client="bob")
    forgery.replace(0, "bob", stolen)
    error = refusal(forgery, tmp_path)
    assert (error.stage, error.party) == ("signature", "bob")


def test_a_client_that_was_refused_wrongly(forgery: Forgery, tmp_path: Path) -> None:
    """Its upload is on record as evidence against it, and holds."""
    r = forgery.rounds[0]
    reason = {"subject": "bounded update", "stage": "argument", "reason": "does not hold"}
    dropped = Dropped(client="ada", kind="refused", **reason)
    r.result = changed(
        r.result,
        accepted=tuple(a for a in r.result.accepted if a.client != "ada"),
        dropped=(dropped, *r.result.dropped),
    )
    r.verdicts["ada"] = changed(r.verdicts["ada"], accepted=False, **reason)
    forgery.resign(0)
    assert told(refusal(forgery, tmp_path)) == ("result", "statement", 0, "ada")


def test_a_client_that_was_refused_for_another_reason_than_the_one_given(
    forgery: Forgery, tmp_path: Path
) -> None:
    r = forgery.rounds[0]
    r.result = changed(r.result, dropped=(changed(r.result.dropped[0], stage="statement"),))
    r.verdicts["eve"] = changed(r.verdicts["eve"], stage="statement")
    forgery.resign(0)
    assert told(refusal(forgery, tmp_path)) == ("result", "statement", 0, "eve")


def test_a_receipt_that_says_the_opposite_of_the_result(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[0]
    r.verdicts["ada"] = changed(r.verdicts["ada"], accepted=False)
    forgery.resign(0)
    assert told(refusal(forgery, tmp_path))[:3] == ("verdict", "statement", 0)


def test_a_client_about_whom_the_result_is_silent(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[2]
    r.result = changed(r.result, dropped=())
    forgery.resign(2)
    assert told(refusal(forgery, tmp_path))[:3] == ("result", "statement", 2)
