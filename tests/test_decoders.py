"""Every message kind on arbitrary and on almost right bytes: `Malformed` or the same bytes again, never anything else."""

import importlib
import pkgutil
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

import fedproof
from fedproof.encoding.message import Message
from fedproof.errors import Malformed
from fedproof.identity.signed import Signed
from fedproof.round.blame_messages import read_evidence
from tests.masking.blame import cheats, fingerprint, shifted, signs_unchecked
from tests.masking.world import ALL, MaskedWorld
from tests.round.world import AGGREGATOR, World, played


def kinds() -> list[type[Message]]:
    for module in pkgutil.walk_packages(fedproof.__path__, "fedproof."):
        if not module.name.startswith(("fedproof.demo", "fedproof.__main__", "fedproof.torch")):
            importlib.import_module(module.name)
    found: list[type[Message]] = []
    left = list(Message.__subclasses__())
    while left:
        cls = left.pop()
        left += cls.__subclasses__()
        if "KIND" in cls.__dict__ and cls.__module__.startswith("fedproof."):
            found.append(cls)
    return found


def masked() -> list[bytes]:
    """Of a masked round in which somebody cheats."""
    world = MaskedWorld.announced(7)
    cheats(world, ALL[1], shifted(world))
    upload = world.upload(ALL[0])
    assert world.send(upload)[0]
    world.send_all(ALL[0])
    unmasking = world.agree()
    request = unmasking.request(ALL[2])
    world.unmask(unmasking)
    blame = world.server.blame()
    fingerprint(world, blame)
    (asked, *_) = blame.next_requests()[ALL[2]]
    answer = world.clients[ALL[2]].disclose(world.session, asked)
    evidence = [e.to_bytes() for e in blame.judge().values()]
    signed = signs_unchecked(world, ALL[3], blame.request())
    messages = upload, unmasking.accepted, request, unmasking.opened[ALL[2]], asked, answer, signed
    return [*(m.to_bytes() for m in messages), unmasking.accepted.payload, signed.payload, *evidence]


KINDS = kinds()
WORLD, CLOSED = played()
SAMPLES = [
    CLOSED.entry,
    *CLOSED.blobs.values(),
    WORLD.announcement.to_bytes(),
    WORLD.announcement.payload,
    World.announced().upload("ada").to_bytes(),
    AGGREGATOR.verify_key.raw,
    *masked(),
]


def try_all(data: bytes) -> None:
    for kind in KINDS:
        try:
            message = kind.from_bytes(data)
        except Malformed:
            continue
        assert message.to_bytes() == data
    with suppress(Malformed):
        assert read_evidence(data).to_bytes() == data


def test_all_kinds_are_tried() -> None:
    assert Signed in KINDS
    assert len(KINDS) >= 12


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    try_all(data)


@given(st.sampled_from(SAMPLES), st.data())
def test_almost_right_bytes(sample: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sample)))
    junk = data.draw(st.binary(max_size=4))
    cut = data.draw(st.integers(0, 4))
    try_all(sample[:at] + junk + sample[at + cut :])
