"""The messages of a masked round as bytes: each has one encoding, and lists that name a client twice or in another order are none."""

from __future__ import annotations

import pytest

from fedproof.encoding.message import Message
from fedproof.errors import Malformed
from fedproof.round.blame_messages import (
    FailedProof,
    FingerprintRequest,
    Fingerprints,
    HolderPart,
    RepairRequest,
    ShownPair,
    WrongPair,
)
from fedproof.round.masked_messages import AcceptedSet, Complaint
from fedproof.round.messages import UploadHeader
from tests.masking.world import ALL, MaskedWorld, key_of, policy
from tests.round.world import AGGREGATOR, NOW


@pytest.fixture(scope="module")
def messages() -> dict[str, Message]:
    """Of a round in which two never uploaded and one is silent after that: every list has an entry, those that are changed have two. What
    nobody would say in it (complaints, evidence, repairs) is made of what was said."""
    world = MaskedWorld.announced(9, policy(silent=2))
    uploads = {name: world.upload(name) for name in ALL[2:9]}
    for upload in uploads.values():
        world.send(upload)
    unmasking = world.agree(ALL[5])
    world.unmask(unmasking, ALL[5])
    request = unmasking.request(ALL[3])
    recovery = unmasking.recovery()
    assert recovery is not None
    answer = world.clients[ALL[3]].unmask(world.session, request)
    complaints = tuple(Complaint(**vars(pair)) for pair in answer.pairs)
    recovered = {name: world.clients[name].recover(world.session, recovery) for name in (ALL[2], ALL[3])}
    for told in recovered.values():
        unmasking.recovered(told.to_bytes())
    about = FingerprintRequest(session=world.session, accepted=unmasking.fixed.accepted)
    signed = world.clients[ALL[3]].fingerprints(world.session, about)
    sharing = uploads[ALL[5]].sharing
    parts = [(name, told.parts[0]) for name, told in recovered.items()]
    shown = ShownPair(
        pair=parts[0][1].pair,
        point=parts[0][1].point,
        parts=tuple(HolderPart(client=name, point=part.point, proof=part.proof) for name, part in parts),
        sharing=sharing,
    )
    failed = FailedProof(
        fingerprints=signed,
        points=uploads[ALL[3]].points,
        blinds=uploads[ALL[3]].blinds,
        sharing=uploads[ALL[3]].sharing,
        secret=unmasking.self_secret(ALL[3]),
        pairs=answer.pairs,
    )
    return {
        "upload": uploads[ALL[3]],
        "sharing": uploads[ALL[3]].sharing,
        "request": request,
        "answer": answer.model_copy(update={"complaints": complaints}),
        "recovery": recovery,
        "recovered": recovered[ALL[3]],
        "set": unmasking.accepted.open(AcceptedSet, AGGREGATOR.verify_key),
        "fingerprints": signed.open(Fingerprints, key_of(ALL[3]).verify_key),
        "failed": failed,
        "pair": WrongPair(fingerprints=signed, shown=shown),
        "repair": RepairRequest(
            session=world.session, accepted=about.accepted, evidence=failed.to_bytes(), members=ALL[6:8]
        ),
        "announcement": world.server.announcement,
        "result": world.server.close(now=NOW).result,
    }


MESSAGES = (
    *("upload", "sharing", "request", "answer", "recovery", "recovered", "set"),
    *("fingerprints", "failed", "pair", "repair", "announcement", "result"),
)


@pytest.mark.parametrize("name", MESSAGES)
def test_one_encoding(messages, name):
    message = messages[name]
    data = message.to_bytes()
    assert type(message).from_bytes(data) == message
    for broken in (data[:-1], data + b"\0"):
        with pytest.raises(Malformed):
            type(message).from_bytes(broken)


def with_list(message, path, change):
    """The message with a list in it changed; (its length, the message)."""
    first, _, rest = path.partition(".")
    held = getattr(message, first)
    length, changed = with_list(held, rest, change) if rest else (len(held), change(held))
    return length, message.model_copy(update={first: changed})


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("set", "headers"),
        ("request", "acknowledgements"),
        ("request", "deliveries"),
        ("answer", "shares"),
        ("answer", "pairs"),
        ("answer", "complaints"),
        ("recovery", "pairs"),
        ("recovery", "acknowledgements"),
        ("recovered", "parts"),
        ("fingerprints", "pairs"),
        ("failed", "pairs"),
        ("pair", "shown.parts"),
        ("repair", "members"),
        ("announcement", "participants"),
        ("result", "accepted"),
        ("result", "dropped"),
    ],
)
def test_entries_twice_or_out_of_order(messages, name, path):
    message = messages[name]
    for change in (lambda entries: entries[::-1], lambda entries: (*entries, entries[-1])):
        length, changed = with_list(message, path, change)
        assert length >= 2
        with pytest.raises(Malformed, match=r"sorted.*, each once"):
            type(message).from_bytes(changed.to_bytes())


@pytest.mark.parametrize(
    "changed", [{"masked": None}, {"blinds": None}, {"sharing": None}, {"opening": bytes(32)}]
)
def test_a_header_of_half_a_kind(messages, changed):
    header = UploadHeader.from_bytes(messages["upload"].header.payload)
    with pytest.raises(Malformed, match="in clear, or it is masked"):
        UploadHeader.from_bytes(header.model_copy(update=changed).to_bytes())
