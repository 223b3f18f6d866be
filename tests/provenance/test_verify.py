import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedproof.encoding.cbor import LIMIT
from fedproof.encoding.digest import sha256
from fedproof.errors import Malformed, Refused
from fedproof.provenance import verify_bundle
from fedproof.round.messages import Total
from fedproof.round.verify import read_total
from tests.provenance.world import World


def test_an_honest_bundle_verifies(world: World, bundle: Path) -> None:
    model = bundle.parent / "model.safetensors"
    steps: list[tuple[int, int]] = []
    report = verify_bundle(
        bundle, model=model, policy=world.policy, trust=world.trust, progress=lambda *a: steps.append(a)
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]
    claims = {claim.claim: claim for claim in report.claims}
    assert set(claims) == {"AGGREGATE_EXACT", "MODEL_CHAIN", "PARTICIPANTS_ENDORSED", "UPDATES_BOUNDED"}
    for claim in claims.values():
        assert (claim.rounds, claim.updates, claim.weight) == ("3/3", "12/15", "35/45")
    assert claims["PARTICIPANTS_ENDORSED"].distinct == "5"
    assert claims["PARTICIPANTS_ENDORSED"].endorsers == ("board",)
    assert report.statement.subject[0].digest.sha256 == sha256(sha256(model.read_bytes())).hex()


def test_the_report_says_who_was_left_out_and_whether_it_was_checked(world: World, bundle: Path) -> None:
    report = verify_bundle(
        bundle, model=bundle.parent / "model.safetensors", policy=world.policy, trust=world.trust
    )
    left = [(x.round, x.client, x.kind, x.subject, x.stage, x.rechecked) for x in report.left_out]
    assert left == [
        (0, "eve", "refused", "bounded update", "argument", True),
        (1, "dee", "refused", "bounded update", "argument", True),
        (2, "bob", "dropped", "upload", "deadline", False),
    ]
    assert [row[0] for row in report.claim_rows()] == [claim.claim for claim in report.claims]
    assert all(meaning for _, meaning in report.not_proven_rows())


def test_the_report_for_machines(world: World, bundle: Path) -> None:
    report = verify_bundle(
        bundle, model=bundle.parent / "model.safetensors", policy=world.policy, trust=world.trust
    )
    value = json.loads(json.dumps(report.to_json()))
    assert value["verified"] is True
    assert {claim["claim"] for claim in value["claims"]} >= {"UPDATES_BOUNDED", "AGGREGATE_EXACT"}
    assert value["claims"][0]["updates"] == "12/15"
    assert set(value["notProven"]) == {
        "BASE_MODEL",
        "CENSORSHIP",
        "CLIENT_CODE",
        "DATA_QUALITY",
        "DROPPED_ASSERTED",
        "RUN_SELECTION",
        "TIMES_ASSERTED",
        "TRAINING",
        "UPDATES_READABLE_BY_AGGREGATOR",
        "WEIGHTS_SELF_DECLARED",
    }
    assert [left["client"] for left in value["leftOut"]] == ["eve", "dee", "bob"]


def test_a_policy_that_the_trust_file_does_not_pin_is_refused(world: World, bundle: Path) -> None:
    with pytest.raises(Refused) as refused:
        verify_bundle(
            bundle,
            model=bundle.parent / "model.safetensors",
            policy=world.policy,
            trust=replace(world.trust, policy=bytes(32)),
        )
    assert (refused.value.subject, refused.value.stage) == ("policy", "trust")


@pytest.mark.parametrize("path", ["certificate.dsse.json", "policy.cbor", "roster.cbor", "log/checkpoint"])
def test_a_missing_file_is_unreadable(world: World, bundle: Path, path: str) -> None:
    (bundle / path).unlink()
    with pytest.raises(Malformed):
        verify_bundle(
            bundle, model=bundle.parent / "model.safetensors", policy=world.policy, trust=world.trust
        )


def test_a_missing_model_is_unreadable(world: World, bundle: Path) -> None:
    with pytest.raises(Malformed):
        verify_bundle(bundle, model=bundle.parent / "absent", policy=world.policy, trust=world.trust)


def test_a_total_of_nine_million_coordinates_is_read(world: World) -> None:
    """Beyond what a message may have by default: its length follows from the model."""
    d = 9_000_000
    chain = replace(world.chain, W=np.zeros(d, np.int64))
    data = Total(values=bytes(8 * d), blinds=b"").to_bytes()
    assert len(data) > LIMIT
    assert len(read_total(data, chain).values) == d
