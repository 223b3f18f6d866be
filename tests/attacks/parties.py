"""Who refuses a lie, and what they say: the aggregator, every client and an auditor, each with the code that it really runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray

from fedproof.errors import Refused
from fedproof.identity.keys import SigningKey
from fedproof.identity.roster import Roster
from fedproof.identity.signed import sign
from fedproof.policy.policy import Policy
from fedproof.proofs import Commitment, Opening, update
from fedproof.provenance import verify_bundle
from fedproof.round import client as client_module
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.messages import Announcement, Upload, UploadHeader
from fedproof.round.server import Server
from tests.provenance.world import NOW, Forgery, Moment, World, honest_bundle

PROOF_HEAD = 8
"""Bytes before a proof's elements: how many points, how many scalars, 4 bytes each (spec/transcript.md)."""
ELEMENT = 32
ORDER = 0x40000000000000000000000000000000224698FC0994A8DD8C46EB2100000001
"""Of Pallas."""


@contextmanager
def refusal(
    subject: str, stage: str, reason: str, *, party: str | None = None, round: int | None = None
) -> Iterator[None]:
    """What runs inside is refused: this object, at this stage, for this reason; of this party and in this round, where given."""
    with pytest.raises(Refused, match=reason) as error:
        yield
    said = error.value
    assert (said.subject, said.stage) == (subject, stage), said
    assert party is None or said.party == party, said
    assert round is None or said.round == round, said


# -- a dishonest client ------------------------------------------------------------------------------------------


def resealed(upload: Upload, key: SigningKey, **changes: Any) -> Upload:
    """The upload under a header that was changed and signed again."""
    header = UploadHeader.from_bytes(upload.header.payload).model_copy(update=changes)
    return upload.model_copy(update={"header": sign(header, key)})


def crafted(moment: Moment, commitment: Commitment, opening: Opening, proof: bytes) -> Upload:
    """An upload of the client's own making, in the form that its code gives it, whatever that form is: only committing and proving
    are replaced by what the liar wants to say."""
    prover = SimpleNamespace(prove=lambda *_args, **_options: proof)
    made = patch.object(client_module, "commit", lambda _suite, _x: (commitment, opening))
    with made, patch.object(client_module, "update", prover):
        return moment.client.seal(moment.ctx, opening.values, unchecked=True)


def forced(moment: Moment, commitment: Commitment, opening: Opening) -> bytes:
    """A proof about any commitment, by a prover that does not look."""
    return update.prove(moment.client.chain.policy, moment.ctx, commitment, opening, unchecked=True)


def elsewhere(moment: Moment, chain: Chain) -> Upload:
    """The client's honest upload to another run of the same people under the same aggregator, brought into this one: points, proof,
    values and blinds of that run under a header for this round."""
    me = moment.client
    twin = Client(me.name, me.key, me.aggregator, me.roster, me.roster_digest, chain)
    server = Server(moment.aggregator, chain, me.roster, me.roster_digest)
    announced = server.announce([twin.ready(moment.ctx.weight)], now=NOW)
    there = twin.upload(announced, ones(chain), now=NOW)
    assert server.receive(there.to_bytes())
    assert server.waiting_for() == []  # where it was made it is good
    return resealed(there, me.key, session=moment.ctx.announcement)


def ones(chain: Chain) -> NDArray[np.int64]:
    """A short update, within the bounds of any policy here."""
    return np.ones(len(chain.W), np.int64)


# -- those who refuse --------------------------------------------------------------------------------------------


def caught(world: World, folder: Path, client: str, subject: str, stage: str, reason: str) -> None:
    """The last round's upload of `client` was refused by the aggregator for this reason; an auditor of the honest
    record finds the same; and if the aggregator counts it all the same, clients and auditor refuse the record."""
    number = len(world.closed) - 1
    dropped = {d.client: d for d in world.closed[number].result.dropped}
    assert set(dropped) == {client}
    told = dropped[client]
    assert (told.kind, told.subject, told.stage) == ("refused", subject, stage), told
    bundle, model = honest_bundle(world, folder / "honest")
    report = verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    (left,) = report.left_out
    found = (left.round, left.client, left.subject, left.stage, left.rechecked)
    assert found == (number, client, subject, stage, True)
    assert re.search(reason, left.reason)
    forgery = Forgery.of(world)
    forgery.accept(number, client)
    clients_and_auditor_refuse(forgery, folder, subject, stage, reason, party=client, round=number)


def onlooker(forgery: Forgery, round: int, name: str = "cyd") -> Client:
    """An honest client that followed the record up to this round, and took part in it."""
    world = forgery.world
    roster = Roster.from_bytes(world.roster.payload)
    aggregator = world.aggregator.verify_key
    client = Client(
        name, world.clients[name], aggregator, roster, world.roster.digest(), forgery.before(round)
    )
    if (own := world.sent.get((round, name))) is not None:
        announcement = world.bodies[round].announcement.open(Announcement, aggregator)
        said = client.attempts.declare((round, announcement.attempt), 1)
        said.session, said.header = announcement.digest(), own.header.digest()
    return client


def adopt(client: Client, forgery: Forgery, round: int, entries: list[bytes] | None = None) -> None:
    """The client checks a round of the record that it is shown."""
    entry = (entries or forgery.entries())[round]
    client.adopt(entry, lambda name, _what, _limit: forgery.blobs[name])


def auditor_refuses(
    forgery: Forgery,
    folder: Path,
    subject: str,
    stage: str,
    reason: str,
    *,
    party: str | None = None,
    round: int | None = None,
    entries: list[bytes] | None = None,
    policy: Policy | None = None,
    **trust: Any,
) -> None:
    """`fedproof verify` of the bundle that the aggregator writes. policy: the verifier's, if not the federation's. trust: what is
    different in its trust file."""
    bundle, model = forgery.write(folder / "forged", entries)
    world = forgery.world
    with refusal(subject, stage, reason, party=party, round=round):
        verify_bundle(bundle, model=model, policy=policy or world.policy, trust=replace(world.trust, **trust))


def clients_and_auditor_refuse(
    forgery: Forgery,
    folder: Path,
    subject: str,
    stage: str,
    reason: str,
    *,
    party: str | None = None,
    round: int,
) -> None:
    """A record with a lie in this round, shown to a client and published: neither takes it, and the client stays where it was."""
    client = onlooker(forgery, round)
    before = client.chain
    with refusal(subject, stage, reason, party=party):
        adopt(client, forgery, round)
    assert client.chain is before
    auditor_refuses(forgery, folder, subject, stage, reason, party=party, round=round)
