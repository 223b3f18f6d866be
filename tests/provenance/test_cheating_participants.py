"""Who takes part: rosters, keys, weights.

A dishonest aggregator signs anything, alone or with a client; each lie is refused, at the object and the
stage where it lies.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fedproof.errors import Refused
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Member, Roster, endorse
from fedproof.identity.signed import sign
from fedproof.provenance import verify_bundle
from fedproof.round.messages import Ready
from tests.provenance.world import (
    Forgery,
    World,
    changed,
    honest_bundle,
    play,
    refusal,
    told,
)


def roster_of(
    world: World, *, extra: str | None = None, version: int = 1, federation: str = "tests"
) -> Roster:
    members = [Member(client=name, key=key.verify_key.raw) for name, key in world.clients.items()]
    if extra is not None:
        members.append(Member(client=extra, key=SigningKey.generate().verify_key.raw))
    return Roster(
        version=version,
        federation=federation,
        endorser="board",
        previous=None if version == 1 else world.roster.digest(),
        members=tuple(sorted(members, key=lambda member: member.client)),
    )


def test_a_second_roster_that_the_aggregator_signed(forgery: Forgery, tmp_path: Path) -> None:
    """Sybils: an aggregator can simulate all its clients."""
    roster = roster_of(forgery.world, extra="zed")
    forgery.roster = sign(roster, forgery.world.aggregator).to_bytes()
    assert told(refusal(forgery, tmp_path))[:2] == ("roster", "signature")


def test_a_roster_of_an_endorser_that_nobody_trusts(forgery: Forgery, tmp_path: Path) -> None:
    roster = changed(roster_of(forgery.world), endorser="mallory")
    forgery.roster = endorse(roster, SigningKey.generate()).to_bytes()
    assert told(refusal(forgery, tmp_path))[:2] == ("roster", "trust")


def test_a_roster_of_another_federation(forgery: Forgery, tmp_path: Path) -> None:
    roster = roster_of(forgery.world, federation="elsewhere")
    forgery.roster = endorse(roster, forgery.world.endorser).to_bytes()
    assert told(refusal(forgery, tmp_path))[:2] == ("roster", "statement")


def test_another_version_of_the_roster_than_the_rounds_ran_under(forgery: Forgery, tmp_path: Path) -> None:
    roster = roster_of(forgery.world, extra="zed", version=2)
    forgery.roster = endorse(roster, forgery.world.endorser).to_bytes()
    assert told(refusal(forgery, tmp_path))[:3] == ("announcement", "trust", 0)


def test_an_endorser_that_is_not_trusted_any_more(forgery: Forgery, tmp_path: Path) -> None:
    trust = replace(forgery.world.trust, endorsers={})
    assert told(refusal(forgery, tmp_path, trust=trust))[:2] == ("roster", "trust")


def test_a_client_whose_key_is_revoked(forgery: Forgery, tmp_path: Path) -> None:
    key = forgery.world.clients["cyd"].verify_key.raw
    trust = replace(forgery.world.trust, revoked=frozenset({key}))
    assert told(refusal(forgery, tmp_path, trust=trust)) == ("roster", "trust", 0, "cyd")


@pytest.mark.parametrize("void", [True, False])
def test_a_revoked_key_in_a_void_round(tmp_path: Path, void: bool) -> None:
    """Nothing of it is in the model. In the round after, which has a result, it is."""
    world = play(absent={0: ("ada", "bob"), 1: ("cyd",) if void else (), 2: ("cyd",)}, rounds=3)
    trust = replace(world.trust, revoked=frozenset({world.clients["cyd"].verify_key.raw}))
    bundle, model = honest_bundle(world, tmp_path)
    assert world.closed[0].result.void
    assert "cyd" in [a.client for a in world.closed[0].result.accepted]
    if void:
        assert verify_bundle(bundle, model=model, policy=world.policy, trust=trust).claims
        return
    with pytest.raises(Refused) as error:
        verify_bundle(bundle, model=model, policy=world.policy, trust=trust)
    assert told(error.value) == ("roster", "trust", 1, "cyd")


def test_a_participant_that_nobody_endorsed(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[0]
    ready = Ready.from_bytes(r.announcement.participants[0].ready.payload)
    stranger = sign(changed(ready, client="zed", weight=1), SigningKey.generate())
    participant = changed(r.announcement.participants[0], client="zed", weight=1, ready=stranger)
    r.announcement = changed(r.announcement, participants=(*r.announcement.participants, participant))
    forgery.resign(0)
    error = refusal(forgery, tmp_path)
    assert told(error)[1] == "trust"
    assert error.party == "zed"


def with_participant(forgery: Forgery, index: int, client: str, **fields: object) -> None:
    r = forgery.rounds[index]
    r.announcement = changed(
        r.announcement,
        participants=tuple(
            changed(p, **fields) if p.client == client else p for p in r.announcement.participants
        ),
    )
    forgery.resign(index)


def test_a_weight_that_the_client_did_not_declare(forgery: Forgery, tmp_path: Path) -> None:
    with_participant(forgery, 1, "ada", weight=9)
    assert told(refusal(forgery, tmp_path)) == ("announcement", "statement", 1, "ada")


def test_a_weight_above_the_cap_that_the_client_agreed_to(forgery: Forgery, tmp_path: Path) -> None:
    ready = Ready.from_bytes(forgery.rounds[0].announcement.participants[0].ready.payload)
    agreed = sign(changed(ready, weight=11), forgery.world.clients["ada"])
    with_participant(forgery, 0, "ada", weight=11, ready=agreed)
    assert told(refusal(forgery, tmp_path)) == ("ready", "policy", 0, "ada")
