"""The messages of a masked round as bytes: each has one encoding, and lists that name a client twice or in another order are none."""

from __future__ import annotations

import pytest

from fedproof.encoding.message import Message
from fedproof.errors import Malformed
from fedproof.round.masked_messages import RecoveryRequest, UnmaskAnswer, UnmaskRequest
from fedproof.round.messages import UploadHeader
from tests.masking.world import ALL, MaskedWorld, policy


@pytest.fixture(scope="module")
def messages() -> dict[str, Message]:
    """Of a round in which two never uploaded and one is silent after that: every list has an entry, those that are changed have two."""
    world = MaskedWorld.announced(9, policy(silent=2))
    uploads = {name: world.upload(name) for name in ALL[2:9]}
    for upload in uploads.values():
        world.send(upload)
    unmasking = world.agree(ALL[5])
    world.unmask(unmasking, ALL[5])
    request = unmasking.request(ALL[3])
    recovery = unmasking.recovery()
    assert recovery is not None
    return {
        "upload": uploads[ALL[3]],
        "sharing": uploads[ALL[3]].sharing,
        "request": request,
        "answer": world.clients[ALL[3]].unmask(world.session, request),
        "recovery": recovery,
        "recovered": world.clients[ALL[3]].recover(world.session, recovery),
    }


@pytest.mark.parametrize("name", ["upload", "sharing", "request", "answer", "recovery", "recovered"])
def test_one_encoding(messages, name):
    message = messages[name]
    data = message.to_bytes()
    assert type(message).from_bytes(data) == message
    for broken in (data[:-1], data + b"\0"):
        with pytest.raises(Malformed):
            type(message).from_bytes(broken)


@pytest.mark.parametrize(
    ("name", "kind", "field"),
    [
        ("request", UnmaskRequest, "acknowledgements"),
        ("request", UnmaskRequest, "deliveries"),
        ("answer", UnmaskAnswer, "shares"),
        ("answer", UnmaskAnswer, "pairs"),
        ("recovery", RecoveryRequest, "acknowledgements"),
    ],
)
def test_clients_twice_or_out_of_order(messages, name, kind, field):
    """Complaints are checked with shares and pairs, by the same lines."""
    message = messages[name]
    entries = getattr(message, field)
    assert len(entries) >= 2
    for changed in (entries[::-1], (*entries, entries[-1])):
        data = message.model_copy(update={field: changed}).to_bytes()
        with pytest.raises(Malformed, match="sorted by name, each once"):
            kind.from_bytes(data)


@pytest.mark.parametrize(
    "changed", [{"masked": None}, {"blinds": None}, {"sharing": None}, {"opening": bytes(32)}]
)
def test_a_header_of_half_a_kind(messages, changed):
    header = UploadHeader.from_bytes(messages["upload"].header.payload)
    with pytest.raises(Malformed, match="in clear, or it is masked"):
        UploadHeader.from_bytes(header.model_copy(update=changed).to_bytes())
