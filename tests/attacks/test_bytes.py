"""Bytes: flipped, cut, extended, with huge lengths, and group elements that are none; in an upload, a record, a bundle, a certificate.

Nothing is ever accepted, the honest bytes are afterwards, and what nobody signed for stands against nobody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedproof.encoding.digest import sha256
from fedproof.errors import Malformed, Refused
from fedproof.log.tiles import TileReader
from fedproof.provenance import verify_bundle
from fedproof.provenance.bundle import MAX_POLICY
from fedproof.provenance.dsse import MAX_ENVELOPE, open_envelope
from fedproof.round.client import Client
from fedproof.round.messages import Verdict
from fedproof.round.record import RoundBody, RoundEntry
from fedproof.round.server import Server
from tests.attacks.parties import onlooker
from tests.provenance.world import Forgery, World, changed, honest_bundle, play
from tests.round import world as rounds

# -- an upload on its way ------------------------------------------------------------------------------------------


class Wire:
    """An honest upload of dee's, and an aggregator that waits for it."""

    def __init__(self) -> None:
        self.world = rounds.World.announced()
        self.upload = self.world.upload("dee")
        self.data = self.upload.to_bytes()
        self.server = self.waiting()

    def waiting(self) -> Server:
        server = Server(rounds.AGGREGATOR, rounds.start(), rounds.ROSTER, rounds.ROSTER_DIGEST)
        server.resume(self.world.announcement)
        return server

    def outcome(self, data: bytes) -> tuple[str, str]:
        """(subject, stage): how it was turned away, by a refusal that stands against nobody or by a verdict. What is accepted fails."""
        try:
            signed = self.server.receive(data)
        except Refused as error:
            return error.subject, error.stage
        verdict = signed.open(Verdict, rounds.AGGREGATOR.verify_key)
        assert (verdict.accepted, verdict.client) == (False, "dee")
        self.server = self.waiting()
        return verdict.subject, verdict.stage

    def unharmed(self) -> bool:
        """Nothing stands against dee, and her honest upload is taken."""
        waiting = "dee" in self.server.waiting_for()
        return waiting and self.world.send(self.upload) == (True, "", "")


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire()


TURNED_AWAY = {
    ("upload", "decoding"),
    ("upload", "trust"),
    ("upload", "digest"),
    ("upload-header", "signature"),
    ("commitment", "decoding"),
    ("point", "decoding"),
    ("commitment", "shape"),
}
"""By what damaged bytes are turned away, so that they stand against nobody."""
OPENING = {("update", "opening"), ("field", "decoding"), ("commitment", "decoding"), ("upload", "digest")}
"""By what clear values or blinds are turned away that are not those committed to."""


def flips(data: bytes, step: int) -> Iterator[bytes]:
    for at in range(0, len(data), step):
        damaged = bytearray(data)
        damaged[at] ^= 1 << (at % 8)
        yield bytes(damaged)


def test_every_byte_flipped_in_an_upload(wire: Wire) -> None:
    seen = {wire.outcome(data) for data in flips(wire.data, 1)}
    assert wire.unharmed()
    assert seen <= TURNED_AWAY | OPENING
    assert {("upload", "decoding"), ("upload-header", "signature"), ("upload", "digest")} <= seen


def test_truncation_of_an_upload(wire: Wire) -> None:
    assert {wire.outcome(wire.data[:length]) for length in range(0, len(wire.data), 29)} == {
        ("upload", "decoding")
    }


def test_extension_of_an_upload(wire: Wire) -> None:
    for more in (b"\0", b"\xf6", wire.data):
        assert wire.outcome(wire.data + more) in {("upload", "decoding"), ("upload", "shape")}


def test_huge_lengths_in_an_upload(wire: Wire) -> None:
    """More bytes than an upload can have, and few bytes that say they are many: nothing is built before that is seen."""
    large = wire.upload.model_copy(update={"values": bytes(1 << 22)}).to_bytes()
    assert wire.outcome(large) == ("upload", "shape")
    for head in (b"\x5b", b"\x7b", b"\x9b", b"\xbb"):  # bytes, text, array, map
        assert wire.outcome(head + (1 << 60).to_bytes(8, "big")) == ("upload", "decoding")
        assert wire.outcome(head + b"\xff" * 8 + wire.data) == ("upload", "decoding")
    assert wire.outcome(b"\x81" * 100_000) in {("upload", "decoding"), ("upload", "shape")}


# -- a record ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> World:
    return play(rounds=1, lies=False)


@pytest.fixture
def forgery(world: World) -> Forgery:
    return Forgery.of(world)


def damaged(data: bytes, step: int) -> Iterator[bytes]:
    """Every byte flipped, cuts, extensions, and a length that is not there."""
    yield from flips(data, step)
    yield from (data[:length] for length in range(0, len(data), 20 * step))
    yield from (data + more for more in (b"\0", b"\xf6", data))
    yield b"\xbb" + b"\xff" * 8 + data[1:]


def test_every_byte_flipped_in_an_entry(forgery: Forgery) -> None:
    """The entry names body and predecessor: whatever else it says, it is read by nobody."""
    (entry,) = forgery.entries()
    client, stages = onlooker(forgery, 0), set()
    for bad in damaged(entry, 1):
        stages.add(outcome(client, bad, forgery.blobs))
    assert stages == {"malformed", "record chain", "missing"}
    assert client.chain.round == 0


def test_every_byte_flipped_in_a_record(forgery: Forgery) -> None:
    """In the body, and so in all that anybody signed; hashed again by the aggregator, so that the digests fit."""
    record = RoundEntry.from_bytes(forgery.entries()[0])
    honest = forgery.blobs[record.body]
    client, stages = onlooker(forgery, 0), set()
    for bad in damaged(honest, 17):
        entry = record.model_copy(update={"body": sha256(bad)}).to_bytes()
        stage = outcome(client, entry, {**forgery.blobs, sha256(bad): bad})
        if stage == "adopted":
            assert differ_in_the_clock(RoundBody.from_bytes(bad), RoundBody.from_bytes(honest))
            client = onlooker(forgery, 0)
        stages.add(stage)
    signed = {f"{kind} signature" for kind in ("announcement", "result", "verdict", "upload-header")}
    assert {"malformed", "missing"} | signed <= stages


def outcome(client: Client, entry: bytes, blobs: dict[bytes, bytes]) -> str:
    """What the client says of an entry: subject and stage, "malformed", "missing" (no such blob was sent), or "adopted"."""
    try:
        client.adopt(entry, lambda name, _what, _limit: blobs[name])
    except Refused as error:
        return f"{error.subject} {error.stage}"
    except Malformed:
        return "malformed"
    except KeyError:
        return "missing"
    return "adopted"


def differ_in_the_clock(one: RoundBody, other: RoundBody) -> bool:
    """Whether two bodies differ in what the aggregator asserts alone: its clock. (A certificate covers that, too.)"""
    same = {"opened": 0, "closed": 0}

    def still(body: RoundBody) -> RoundBody:
        return changed(body, uploads=tuple(changed(u, verify_ms=0) for u in body.uploads), **same)

    return still(one) == still(other)


# -- a bundle and its certificate ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return honest_bundle(world, tmp_path_factory.mktemp("published"))


def files(bundle: Path) -> list[Path]:
    return sorted(path for path in bundle.rglob("*") if path.is_file())


def refused_bundle(world: World, bundle: Path, model: Path) -> str:
    """By which stage, or "malformed"."""
    try:
        verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    except Refused as error:
        return error.stage
    except Malformed:
        return "malformed"
    raise AssertionError("verified")


@pytest.mark.parametrize("damage", ["flipped", "cut", "extended", "emptied", "removed"])
def test_every_file_of_a_bundle(
    world: World, published: tuple[Path, Path], tmp_path: Path, damage: str
) -> None:
    """Every file, and the model beside it: three bytes of each flipped, its end cut off, one byte more, none, or no file."""
    bundle = tmp_path / "bundle"
    shutil.copytree(published[0], bundle)
    model = tmp_path / "model.safetensors"
    shutil.copy(published[1], model)
    for path in [*files(bundle), model]:
        data = path.read_bytes()
        bad = {
            "flipped": list(flips(data, max(1, len(data) // 2))),
            "cut": [data[:-1], data[: len(data) // 2]],
            "extended": [data + b"\0", data + b"\n"],
            "emptied": [b""],
            "removed": [None],
        }[damage]
        for other in bad:
            path.unlink() if other is None else path.write_bytes(other)
            stage = refused_bundle(world, bundle, model)
            if path.parent.parent.name == "blobs":
                assert stage == "digest" or (damage == "extended" and stage == "malformed"), path
            elif path == model:
                assert stage == ("malformed" if damage == "removed" else "chain"), path
            else:
                assert stage in ("malformed", "policy", "decoding", "signature", "digest"), path
        path.write_bytes(data)
    verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)


def test_every_byte_flipped_in_the_log(world: World, published: tuple[Path, Path], tmp_path: Path) -> None:
    """Checkpoint, hashes and entries: each byte, read as `verify` reads them."""
    shutil.copytree(published[0] / "log", tmp_path / "log")

    def read() -> list[bytes]:
        key = world.aggregator.verify_key
        return list(TileReader(tmp_path / "log", world.policy.federation, key).entries())

    honest = read()
    for path in files(tmp_path / "log"):
        data = path.read_bytes()
        for bad in damaged(data, 1):
            path.write_bytes(bad)
            with pytest.raises((Refused, Malformed)):
                read()
        path.write_bytes(data)
    assert read() == honest


def test_every_byte_flipped_in_a_certificate(world: World, published: tuple[Path, Path]) -> None:
    data = (published[0] / "certificate.dsse.json").read_bytes()
    stages = set()
    for bad in damaged(data, 1):
        try:
            open_envelope(bad, world.trust.envelope)
        except Refused as error:
            stages.add(f"{error.subject} {error.stage}")
        except Malformed as error:
            stages.add(str(error).split(":")[0] + " malformed")
        else:
            stages.add("opened")
    assert stages == {"certificate malformed", "certificate signature", "certificate trust"}
    assert open_envelope(data, world.trust.envelope)


@pytest.mark.parametrize(
    ("name", "limit"),
    [("certificate.dsse.json", MAX_ENVELOPE), ("policy.cbor", MAX_POLICY), ("log/checkpoint", 1 << 20)],
)
def test_huge_lengths_in_a_bundle(
    world: World, published: tuple[Path, Path], tmp_path: Path, name: str, limit: int
) -> None:
    """A file of a terabyte that takes no room on the disk: its length is seen before it is read."""
    bundle = tmp_path / "bundle"
    shutil.copytree(published[0], bundle)
    with (bundle / name).open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(Malformed, match="bytes"):
        verify_bundle(bundle, model=published[1], policy=world.policy, trust=world.trust)
    with (bundle / name).open("r+b") as file:
        file.truncate(limit + 1)
    with pytest.raises(Malformed):
        verify_bundle(bundle, model=published[1], policy=world.policy, trust=world.trust)
