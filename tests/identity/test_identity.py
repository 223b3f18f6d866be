"""Keys, signatures, rosters and trust files: each check tripped."""

from pathlib import Path
from typing import ClassVar

import pytest

from fedproof.encoding.message import Message
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import EnvelopeKey, EnvelopeVerifyKey, SigningKey, VerifyKey
from fedproof.identity.roster import Member, Roster, endorse, open_roster
from fedproof.identity.signed import Signed, sign, signer_key
from fedproof.identity.training_trust import Authority, TrainingTrust
from fedproof.identity.trust import Trust

KEY, OTHER, ENDORSER, ENVELOPE = (
    SigningKey.generate(),
    SigningKey.generate(),
    SigningKey.generate(),
    EnvelopeKey.generate(),
)


class Note(Message):
    KIND: ClassVar[str] = "note"
    text: str


class Order(Message):
    KIND: ClassVar[str] = "order"
    text: str


def test_long_payloads_are_decoded_if_somebody_who_is_trusted_signed_them() -> None:
    """What is decoded before is short."""
    note = Note(text="x" * (1 << 17))
    trusted = {"ada": KEY.verify_key}
    for signed, stage in (
        (sign(note, OTHER), "trust"),
        (sign(note, KEY).model_copy(update={"payload": b"\xff" * (1 << 17)}), "signature"),
    ):
        with pytest.raises(Refused) as caught:
            signer_key(signed, "note", "text", trusted)
        assert caught.value.stage == stage
    # Signed by a key that is trusted, as somebody who is not.
    with pytest.raises(Refused, match="it names xxx"):
        signer_key(sign(note, KEY), "note", "text", trusted)


def test_keys_are_saved_for_their_owner(tmp_path: Path) -> None:
    for key, name in ((KEY, "a"), (ENVELOPE, "b")):
        key.save(tmp_path / name)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert type(key).load(tmp_path / name).verify_key == key.verify_key
    with pytest.raises(Malformed, match="another kind of key"):
        SigningKey.load(tmp_path / "b")
    with pytest.raises(Malformed, match="another kind of key"):
        EnvelopeKey.load(tmp_path / "a")
    (tmp_path / "c").write_bytes(b"no key")
    with pytest.raises(Malformed):
        SigningKey.load(tmp_path / "c")


def test_secrets_are_not_printed() -> None:
    assert "PrivateKey" not in repr(KEY)
    assert "PrivateKey" not in repr(ENVELOPE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ed25519:",
        "ed25519:AAAA",
        "rsa:" + "A" * 44,
        "ed25519:" + "A" * 42 + "B=",
        pytest.param(" " + KEY.verify_key.text, id="space"),
    ],
)
def test_keys_that_are_none(text: str) -> None:
    with pytest.raises(Malformed):
        VerifyKey.parse(text)


def test_a_key_has_one_spelling() -> None:
    assert VerifyKey.parse(KEY.verify_key.text) == KEY.verify_key
    pem = ENVELOPE.verify_key.pem
    assert EnvelopeVerifyKey.parse(pem + "\n\n").keyid == ENVELOPE.verify_key.keyid


def test_a_signature_is_for_one_kind_one_key_and_one_payload() -> None:
    signed = sign(Note(text="pay"), KEY)
    assert signed.open(Note, KEY.verify_key).text == "pay"
    with pytest.raises(Refused) as refused:
        signed.open(Order, KEY.verify_key)
    assert refused.value.stage == "signature"
    for bad in (
        sign(Note(text="pay"), OTHER),
        signed.model_copy(update={"payload": Note(text="more").to_bytes()}),
        signed.model_copy(update={"signature": bytes(64)}),
        signed.model_copy(update={"signer": OTHER.verify_key.raw}),
    ):
        with pytest.raises(Refused) as refused:
            bad.open(Note, KEY.verify_key)
        assert refused.value.stage == "signature"


def test_a_signed_payload_of_the_wrong_shape() -> None:
    from fedproof.encoding import cbor

    payload = cbor.encode({"kind": "note", "text": "x", "more": 1})
    signature = KEY.sign(b"fedproof/v1/signed/note\0" + payload)
    signed = Signed(payload=payload, signer=KEY.verify_key.raw, signature=signature)
    with pytest.raises(Refused) as refused:
        signed.open(Note, KEY.verify_key)
    assert refused.value.stage == "decoding"


def roster(**changes: object) -> Roster:
    fields: dict[str, object] = {
        "version": 1,
        "federation": "tests",
        "endorser": "board",
        "previous": None,
        "members": (
            Member(client="ada", key=KEY.verify_key.raw),
            Member(client="bob", key=OTHER.verify_key.raw),
        ),
    }
    return Roster.model_validate({**fields, **changes})


def test_an_endorsed_roster() -> None:
    opened = open_roster(endorse(roster(), ENDORSER), {"board": ENDORSER.verify_key}, "tests")
    assert opened.key_of("ada") == KEY.verify_key
    with pytest.raises(Refused):
        opened.key_of("zed")


@pytest.mark.parametrize(
    "changes",
    [
        {"members": roster().members[::-1]},
        {"members": (roster().members[0], roster().members[0])},
        {"members": (roster().members[0], Member(client="bob", key=KEY.verify_key.raw))},
        {"members": ()},
        {"version": 2},
        {"previous": bytes(32)},
        {"version": 0},
        {"federation": "Not A Name"},
    ],
)
def test_rosters_that_are_none(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 pydantic's own
        roster(**changes)


def test_rosters_by_the_wrong_people() -> None:
    trusted = {"board": ENDORSER.verify_key}
    for signed, federation, stage in (
        (endorse(roster(), OTHER), "tests", "signature"),
        (endorse(roster(endorser="mallory"), ENDORSER), "tests", "trust"),
        (endorse(roster(), ENDORSER), "elsewhere", "statement"),
    ):
        with pytest.raises(Refused) as refused:
            open_roster(signed, trusted, federation)
        assert refused.value.stage == stage
    with pytest.raises(Refused):
        open_roster(endorse(roster(), ENDORSER), {}, "tests")


TRUST = Trust(
    KEY.verify_key,
    ENVELOPE.verify_key,
    {"board": ENDORSER.verify_key},
    bytes(32),
    frozenset({OTHER.verify_key.raw}),
)


def test_a_trust_file_round_trip(tmp_path: Path) -> None:
    TRUST.save(tmp_path / "trust.toml")
    assert Trust.load(tmp_path / "trust.toml") == TRUST


def test_a_trust_file_of_trained_heads_round_trip(tmp_path: Path) -> None:
    """Pinned policy, addresses and revoked keys stay in it."""
    authority = Authority(ENDORSER.verify_key, "https://board.example/list.cbor")
    gone = frozenset({OTHER.verify_key.raw})
    trust = TrainingTrust("hospital", ENVELOPE.verify_key, {"board": authority}, bytes(32), gone)
    trust.save(tmp_path / "trust.toml")
    assert TrainingTrust.load(tmp_path / "trust.toml") == trust
    text = trust.to_toml().replace(OTHER.verify_key.text, ENDORSER.verify_key.text)
    assert TrainingTrust.parse(text).authorities == {}


def test_revoked_endorsers_do_not_count() -> None:
    text = TRUST.to_toml().replace(OTHER.verify_key.text, ENDORSER.verify_key.text)
    assert Trust.parse(text).endorsers == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version = 1", "version = 2"),
        ("[aggregator]", "[server]"),
        ("ed25519:", "rsa:"),
        pytest.param(ENDORSER.verify_key.text, KEY.verify_key.text, id="endorser"),
        pytest.param(OTHER.verify_key.text, KEY.verify_key.text, id="other endorser"),
        ("-----BEGIN", "-----BEGAN"),
        ("sha256 = ", "sha1 = "),
        ("version = 1", "version = 1\nextra = 1"),
        ("version = 1", "version = "),
    ],
)
def test_trust_files_that_are_none(tmp_path: Path, old: str, new: str) -> None:
    text = TRUST.to_toml()
    assert old in text
    (tmp_path / "trust.toml").write_text(text.replace(old, new))
    with pytest.raises(UsageError, match="trust file"):
        Trust.load(tmp_path / "trust.toml")
    with pytest.raises(UsageError):
        Trust.load(tmp_path / "missing.toml")


def test_what_a_copy_changed_is_looked_up_anew() -> None:
    """Members are found in a table that is kept: a copy with others has its own."""
    first = roster()
    assert first.key_of("ada") == KEY.verify_key
    second = first.model_copy(update={"members": first.members[1:]})
    with pytest.raises(Refused):
        second.key_of("ada")
    assert second.key_of("bob") == OTHER.verify_key
    assert first == roster()  # what was looked up makes no difference
    assert first.to_bytes() == roster().to_bytes()


def test_memberships_end() -> None:
    members = roster().members
    ending = roster(members=(members[0].model_copy(update={"expires": 1000}), members[1]), expires=2000)
    ending.check_current("ada", 999)
    ending.check_current("bob", 1999)
    for client, at in (("ada", 1000), ("ada", 5000), ("bob", 2000)):
        with pytest.raises(Refused) as refused:
            ending.check_current(client, at)
        assert (refused.value.stage, refused.value.party) == ("expiry", client)
    with pytest.raises(Refused, match="not a member"):
        ending.check_current("zed", 0)
    assert Roster.from_bytes(ending.to_bytes()) == ending


def test_two_authorities_have_two_keys() -> None:
    """Tags of two authorities are never compared: with one key a record would count twice, or be trained on and tested on."""
    key = SigningKey.generate().verify_key
    trust = TrainingTrust(
        "hospital", ENVELOPE.verify_key, {"board": Authority(key), "bureau": Authority(key)}
    )
    with pytest.raises(Malformed, match="two authorities have one key"):
        TrainingTrust.parse(trust.to_toml())
