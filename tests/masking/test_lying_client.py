"""Clients that lie in a masked round: in their keys, their upload, their sharing, their answers. What a client signed for is evidence on
record; what fails later counts as silence, and a sum that does not open is void: nothing wrong is ever adopted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from fedproof.encoding.digest import sha256
from fedproof.errors import Refused
from fedproof.identity.signed import sign
from fedproof.proofs import masking
from fedproof.proofs.commitment import point_size
from fedproof.round.chain import Chain
from fedproof.round.client import Client
from fedproof.round.closing import keep
from fedproof.round.masked import MaskedRound, blinds_digest, key_context, masked_digest
from fedproof.round.masked_messages import (
    Acknowledgement,
    Complaint,
    MaskedUpload,
    OpenedPair,
    PairPart,
    Sharing,
    UnmaskAnswer,
)
from fedproof.round.messages import Participant, Ready, RoundKey, UploadHeader
from fedproof.round.server import Server
from tests.masking.world import (
    ALL,
    ROSTER,
    ROSTER_DIGEST,
    MaskedWorld,
    chain,
    client,
    key_of,
    numbers,
    policy,
    reader,
)
from tests.round import world as clear
from tests.round.world import AGGREGATOR, NOW

LIAR = ALL[1]


def refused(stage: str, match: str):
    return pytest.raises(Refused, match=f"refused at {stage}: .*{match}")


# --- keys ----------------------------------------------------------------------------------------------------------


def announce(changed: Ready, at: Chain) -> tuple[str, list[str]]:
    """Why the liar is left out, and who takes part."""
    server = Server(AGGREGATOR, at, ROSTER, ROSTER_DIGEST)
    honest = [client(n, at).ready(1) for n in ALL[:8] if n != LIAR]
    server.announce([*honest, sign(changed, key_of(LIAR))], now=NOW)
    (why,) = server.refused_readies
    return str(why), [p.client for p in server.announcement.participants]


def ready_of(each: Client) -> Ready:
    return Ready.from_bytes(each.ready(1).payload)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("none", "0 keys for masks, the policy asks for 2"),
        ("one", "1 keys for masks, the policy asks for 2"),
        ("swapped", "its mask key: the proof does not hold"),
        ("of another round", "its mask key: the proof does not hold"),
        ("copied", "its mask key: the proof does not hold"),
        ("identity", "its mask key: the identity is nobody's key"),
        ("no point", "its mask key: "),
        ("unproved", "its mask key: "),
        ("one key for both", "one key for two purposes"),
    ],
)
def test_keys_that_are_none(name, match):
    at, each = chain(), client(LIAR, chain())
    ready = ready_of(each)
    first, second = ready.keys
    suite = at.suite
    victim = ready_of(client(ALL[0], at)).keys[0]
    other_place = key_context("tests", 0, 1, LIAR, "mask")
    same = masking.prove_key(
        suite, each.attempts[0, 0].masker.mask.secret, key_context("tests", 0, 0, LIAR, "encryption")
    )
    keys = {
        "none": (),
        "one": (first,),
        "swapped": (second, first),
        "of another round": (
            RoundKey(
                key=first.key,
                proof=masking.prove_key(suite, each.attempts[0, 0].masker.mask.secret, other_place),
            ),
            second,
        ),
        "copied": (victim, second),
        "identity": (RoundKey(key=bytes(32), proof=first.proof), second),
        "no point": (RoundKey(key=b"\xff" * 32, proof=first.proof), second),
        "unproved": (RoundKey(key=first.key, proof=bytes(64)), second),
        "one key for both": (first, RoundKey(key=first.key, proof=same)),
    }[name]
    why, participants = announce(ready.model_copy(update={"keys": keys}), at)
    assert match in why
    assert LIAR not in participants


def test_keys_where_the_policy_has_no_masks():
    keys = ready_of(client(LIAR, chain())).keys
    ready = Ready.from_bytes(clear.client("ada").ready(1).payload).model_copy(update={"keys": keys})
    server = Server(AGGREGATOR, clear.start(), clear.ROSTER, clear.ROSTER_DIGEST)
    with pytest.raises(Refused, match="2 keys for masks, the policy asks for 0"):
        server.announce([sign(ready, clear.KEYS["ada"])], now=NOW)


def test_two_participants_with_one_key():
    """Two that share a secret can both prove one key. The first stands: else either could stop every round."""
    at = chain()
    clients = {n: client(n, at) for n in ALL[:8]}
    readies = {n: each.ready(1) for n, each in clients.items()}
    secret = clients[ALL[0]].attempts[0, 0].masker.mask
    proof = masking.prove_key(at.suite, secret.secret, key_context("tests", 0, 0, LIAR, "mask"))
    own = ready_of(clients[LIAR])
    copied = own.model_copy(update={"keys": (RoundKey(key=secret.key, proof=proof), own.keys[1])})
    readies[LIAR] = sign(copied, key_of(LIAR))
    server = Server(AGGREGATOR, at, ROSTER, ROSTER_DIGEST)
    server.announce(readies.values(), now=NOW)
    (why,) = server.refused_readies
    assert "a key for masks that another participant has" in str(why)
    assert [p.client for p in server.announcement.participants] == [n for n in ALL[:8] if n != LIAR]
    participant = Participant(client=LIAR, weight=1, ready=readies[LIAR])
    both = sorted((*server.announcement.participants, participant), key=lambda p: p.client)
    forged = sign(server.announcement.model_copy(update={"participants": tuple(both)}), AGGREGATOR)
    with refused("statement", "a key for masks that another participant has"):
        clients[ALL[3]].check(forged, now=NOW)


# --- uploads -------------------------------------------------------------------------------------------------------


def rewritten(world: MaskedWorld, upload: MaskedUpload, **changed: object) -> MaskedUpload:
    """Another upload, under a header that its client signed for exactly this one."""
    made = upload.model_copy(update=changed)
    header = UploadHeader.from_bytes(made.header.payload).model_copy(
        update={
            "masked": masked_digest(world.round, made.masked),
            "blinds": blinds_digest(made.blinds),
            "sharing": made.sharing.digest(),
        }
    )
    return made.model_copy(update={"header": sign(header, key_of(LIAR))})


def lying(world: MaskedWorld, upload: MaskedUpload) -> tuple[bool, str, str]:
    world.clients[LIAR].attempts[0, 0].header = upload.header.digest()
    return world.send(upload)


@pytest.fixture
def world() -> MaskedWorld:
    return MaskedWorld.announced(8)


def test_an_update_out_of_bounds(world):
    x = numbers(LIAR)
    x[0] = 1001
    assert world.send(world.forced(LIAR, x)) == (False, "bounded update", "argument")
    world.send_all(LIAR)
    world.unmask(world.agree())
    closed = world.server.close(now=NOW)
    assert [d.client for d in closed.result.dropped] == [LIAR]
    assert not closed.result.void
    world.verified(closed)


def test_a_clear_upload_in_a_masked_round(world):
    """Nobody's x is read because somebody sent it; a header for a clear upload is none of this round's."""
    upload = world.upload(LIAR)
    header = UploadHeader.from_bytes(upload.header.payload)
    clear = {"opening": sha256(b""), "masked": None, "blinds": None, "sharing": None}
    signed = sign(header.model_copy(update=clear), key_of(LIAR))
    with refused("policy", "in clear, the policy asks for masks"):
        world.server.receive(upload.model_copy(update={"header": signed}).to_bytes())


def test_parts_that_the_client_did_not_sign(world):
    """Anybody can change an upload on its way: it stands against nobody, and the good one is still welcome."""
    upload = world.upload(LIAR)
    first = bytes([upload.masked[0] ^ 1]) + upload.masked[1:]
    for changed in (
        {"masked": first},
        {"blinds": upload.blinds[::-1]},
        {"sharing": world.upload(ALL[2]).sharing},
        {"ciphertexts": upload.ciphertexts[::-1]},
        {"ciphertexts": upload.ciphertexts[1:]},
    ):
        with refused("digest", "not the ones in the signed header"):
            world.server.receive(upload.model_copy(update=changed).to_bytes())
    assert world.send(upload)[0]


def test_residues_and_blinds_that_are_none(world):
    upload = world.upload(LIAR)
    q = world.round.parameters.modulus
    too_large = q.to_bytes(4, "little") + upload.masked[4:]
    with refused("decoding", "a residue is not below the modulus"):
        world.server.receive(rewritten(world, upload, masked=too_large).to_bytes())
    with refused("shape", ""):
        world.server.receive(rewritten(world, upload, masked=upload.masked[4:]).to_bytes())
    with refused("shape", "not one masked blind for each row"):
        world.server.receive(rewritten(world, upload, blinds=upload.blinds + bytes(32)).to_bytes())
    with refused("decoding", ""):
        world.server.receive(rewritten(world, upload, blinds=b"\xff" * len(upload.blinds)).to_bytes())
    assert world.send(upload)[0]


def sharing_of(world: MaskedWorld, name: str, good: Sharing) -> Sharing:
    size = point_size(world.round.suite)
    return {
        "a degree too high": good.model_copy(
            update={"self_commitments": good.self_commitments + good.self_commitments[:size]}
        ),
        "a degree too low": good.model_copy(update={"key_commitments": good.key_commitments[:-size]}),
        "no points": good.model_copy(update={"self_commitments": b"\xff" * len(good.self_commitments)}),
        "another key": good.model_copy(
            update={"key_commitments": good.self_commitments[:size] + good.key_commitments[size:]}
        ),
        "a ciphertext too few": good.model_copy(update={"ciphertexts": good.ciphertexts[1:]}),
    }[name]


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("a degree too high", "shape"),
        ("a degree too low", "shape"),
        ("no points", "decoding"),
        ("another key", "statement"),
        ("a ciphertext too few", "shape"),
    ],
)
def test_a_sharing_that_is_none(world, name, stage):
    """Its client signed for it: the record holds it, and everybody comes to the same answer."""
    upload = world.upload(LIAR)
    sharing = sharing_of(world, name, upload.sharing)
    ciphertexts = upload.ciphertexts[1:] if name == "a ciphertext too few" else upload.ciphertexts
    bad = rewritten(world, upload, sharing=sharing, ciphertexts=ciphertexts)
    assert lying(world, bad) == (False, "sharing", stage)
    world.send_all(LIAR)
    world.unmask(world.agree())
    closed = world.server.close(now=NOW)
    (dropped,) = closed.result.dropped
    assert (dropped.client, dropped.kind, dropped.subject) == (LIAR, "refused", "sharing")
    report = world.verified(closed)
    assert [d.client for d in report.dropped] == [LIAR]


@pytest.mark.parametrize(("name", "stage"), [("a degree too high", "shape"), ("another key", "statement")])
def test_a_bad_sharing_that_the_aggregator_let_pass(world, name, stage, monkeypatch):
    """A client opens nothing about a sharing that its dealer signed and that is none: it would hold shares of it that nobody can use, or
    of another key."""
    upload = world.upload(LIAR)
    bad = rewritten(world, upload, sharing=sharing_of(world, name, upload.sharing))
    with monkeypatch.context() as patch:
        patch.setattr(MaskedRound, "check_sharing", lambda *_: None)
        assert lying(world, bad)[0]
    world.send_all(LIAR)
    request = world.agree().request(ALL[0])
    with pytest.raises(Refused, match=f"sharing of {LIAR} in round 0 refused at {stage}"):
        world.clients[ALL[0]].unmask(world.session, request)
    assert world.clients[ALL[0]].releases == 0


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ("another", "sharing of .* refused at digest: not the one in the signed header"),
        ("nonsense", "opening of "),
    ],
)
def test_a_server_that_shows_another_sharing(world, shown, why):
    """Evidence against a client is what that client signed for."""
    upload = world.upload(LIAR)
    bad = rewritten(world, upload, sharing=sharing_of(world, "another key", upload.sharing))
    assert lying(world, bad) == (False, "sharing", "statement")
    world.send_all(LIAR)
    world.unmask(world.agree())
    other = {"another": upload.sharing.to_bytes(), "nonsense": b"nonsense"}[shown]
    server = world.server
    server._received[LIAR] = replace(server._received[LIAR], opening=keep(server._blobs, other))
    with pytest.raises(Refused, match=why):
        world.verified(server.close(now=NOW))


def test_a_server_that_calls_a_good_sharing_bad(world, monkeypatch):
    """The evidence is checked again by whoever reads the record."""
    bad = Refused("sharing", "shape", "so it says")

    def check(self: MaskedRound, name: str, sharing: Sharing) -> None:
        if name == LIAR:
            raise bad

    with monkeypatch.context() as patch:
        patch.setattr(MaskedRound, "check_sharing", check)
        assert world.send(world.upload(LIAR)) == (False, "sharing", "shape")
    world.send_all(LIAR)
    world.unmask(world.agree())
    closed = world.server.close(now=NOW)
    with refused("statement", "left out although its proof holds, and all that it shows"):
        world.verified(closed)


# --- masks that do not fit -----------------------------------------------------------------------------------------


def shifted(world: MaskedWorld, upload: MaskedUpload) -> MaskedUpload:
    """Another update under the masks than the proof is of."""
    q = world.round.parameters.modulus
    first = (int.from_bytes(upload.masked[:4], "little") + 777) % q
    return rewritten(world, upload, masked=first.to_bytes(4, "little") + upload.masked[4:])


def other_blinds(world: MaskedWorld, upload: MaskedUpload) -> MaskedUpload:
    suite = world.round.suite
    one = (5).to_bytes(32, "big") + bytes(len(upload.blinds) - 32)
    return rewritten(world, upload, blinds=masking.sum_blinds(suite, [upload.blinds, one]))


@pytest.mark.parametrize("lie", [shifted, other_blinds])
def test_a_sum_that_does_not_open_is_void(world, lie):
    """No wrong sum is adopted, and no honest client is named for it."""
    assert lying(world, lie(world, world.upload(LIAR)))[0]
    world.send_all(LIAR)
    world.unmask(world.agree())
    closed = world.server.close(now=NOW)
    assert closed.result.void
    assert (world.server.unopened.subject, world.server.unopened.stage) == ("sum", "argument")
    assert world.verified(closed).void
    assert closed.chain.state == world.server.chain.state


def test_a_server_that_publishes_a_wrong_sum_all_the_same(world, monkeypatch):
    assert lying(world, shifted(world, world.upload(LIAR)))[0]
    world.send_all(LIAR)
    world.unmask(world.agree())
    with monkeypatch.context() as patch:
        patch.setattr("fedproof.round.server.honest_aggregate.verify", lambda *_: None)
        patch.setattr("fedproof.round.server.honest_aggregate.prove", lambda *_: b"none")
        closed = world.server.close(now=NOW)
    assert not closed.result.void
    with pytest.raises(Refused, match="honest aggregate"):
        world.verified(closed)
    with pytest.raises(Refused, match="honest aggregate"):
        world.clients[ALL[0]].adopt(closed.entry, reader(closed))


# --- answers -------------------------------------------------------------------------------------------------------


def answering(world: MaskedWorld, name: str = LIAR) -> UnmaskAnswer:
    world.send_all()
    unmasking = world.agree()
    return world.clients[name].unmask(world.session, unmasking.request(name))


def with_changed(entries, **changed):
    first, *rest = entries
    return (first.model_copy(update=changed), *rest)


@pytest.mark.parametrize("name", ["missing", "of another", "no scalar", "complaint beside it"])
def test_shares_that_are_none(world, name):
    answer = answering(world)
    first, second, *_ = answer.shares
    proof = Complaint(client=first.client, point=bytes(32), proof=bytes(96))
    changed = {
        "missing": {"shares": answer.shares[1:]},
        "of another": {"shares": with_changed(answer.shares, share=second.share)},
        "no scalar": {"shares": with_changed(answer.shares, share=b"\xff" * 32)},
        "complaint beside it": {"complaints": (proof,)},
    }[name]
    stage, match = {
        "of another": ("opening", f"not the share that {first.client} committed to"),
        "no scalar": ("opening", f"not the share that {first.client} committed to"),
    }.get(name, ("shape", "not a share or a complaint for each neighbour in the set"))
    with refused(stage, match):
        world.server.unmask().answer(answer.model_copy(update=changed).to_bytes())
    assert LIAR in world.server.unmask().silent


def test_a_false_complaint(world):
    """What the dealer sealed is a good share: everybody sees it, with the point that the complaint itself proves."""
    answer = answering(world)
    dealer, round = answer.shares[0].client, world.round
    secret = world.clients[LIAR].attempts[0, 0].masker.encryption.secret
    key = round.encryption_key(dealer)
    point = masking.shared_points(round.suite, secret, key)
    proof = masking.prove_key(round.suite, secret, round.complaint_context(dealer, LIAR), key)
    false = Complaint(client=dealer, point=point, proof=proof)
    unproved = false.model_copy(update={"proof": proof[::-1]})
    for complaint, match in ((false, "is a good share"), (unproved, "key proof")):
        changed = {"shares": answer.shares[1:], "complaints": (complaint,)}
        with pytest.raises(Refused, match=match):
            world.server.unmask().answer(answer.model_copy(update=changed).to_bytes())


@pytest.mark.parametrize("what", ["self", "key", "no scalar", "nonsense"])
def test_a_dealer_that_seals_no_share(world, what, monkeypatch):
    """Its victim complains, and is not taken for silent; shares of the others open the dealer's mask."""
    deal, encrypt, calls = masking.deal, ChaCha20Poly1305, []

    def swapped(suite, secret, holders, threshold, context):
        shares, commitments = deal(suite, secret, holders, threshold, context)
        calls.append(secret)
        if len(calls) == {"self": 1, "key": 2}.get(what):
            shares = shares[32:64] + shares[32:]
        if len(calls) == 1 and what == "no scalar":
            shares = b"\xff" * 32 + shares[32:]
        return shares, commitments

    class Nonsense:
        """In place of the first ciphertext."""

        def __init__(self, key):
            self.key = key

        def encrypt(self, nonce, plain, aad):
            calls.append(self.key)
            return bytes(80) if len(calls) == 3 else encrypt(self.key).encrypt(nonce, plain, aad)

    with monkeypatch.context() as patch:
        patch.setattr(masking, "deal", swapped)
        if what == "nonsense":
            patch.setattr("fedproof.round.sealing.ChaCha20Poly1305", Nonsense)
        upload = world.upload(LIAR)
    assert world.send(upload)[0]
    world.send_all(LIAR)
    unmasking = world.agree()
    victim = world.round.neighbours(LIAR)[0]
    answer = world.clients[victim].unmask(world.session, unmasking.request(victim))
    assert [c.client for c in answer.complaints] == [LIAR]
    assert LIAR not in [s.client for s in answer.shares]
    world.unmask(unmasking)
    closed = world.server.close(now=NOW)
    assert not closed.result.void


def test_pairs_that_are_none():
    world = MaskedWorld.announced(8)
    world.send_all(ALL[2])
    unmasking = world.agree()
    answer = world.clients[LIAR].unmask(world.session, unmasking.request(LIAR))
    (pair,) = answer.pairs
    for changed in ((), (pair.model_copy(update={"client": ALL[0]}),)):
        with refused("shape", "not the point shared with each neighbour outside"):
            unmasking.answer(answer.model_copy(update={"pairs": changed}).to_bytes())
    round = world.round
    other = masking.shared_points(
        round.suite, masking.generate_key(round.suite, b"").secret, round.mask_key(ALL[2])
    )
    for changed in ({"point": other}, {"proof": pair.proof[::-1]}):
        wrong = OpenedPair.model_validate(pair.model_dump() | changed)
        with pytest.raises(Refused, match="key proof"):
            unmasking.answer(answer.model_copy(update={"pairs": (wrong,)}).to_bytes())
    assert unmasking.answer(answer.to_bytes()) == LIAR


def test_an_answer_in_anothers_name(world):
    answer = answering(world)
    unmasking = world.server.unmask()
    own = world.clients[ALL[0]].acknowledge(world.session, unmasking.accepted)
    with refused("shape", ""):
        unmasking.answer(answer.model_copy(update={"acknowledgement": own}).to_bytes())
    foreign = sign(
        Acknowledgement(session=world.session, client=ALL[9], accepted=sha256(b"")), key_of(ALL[9])
    )
    with refused("trust", "no member of the set signed it"):
        unmasking.answer(answer.model_copy(update={"acknowledgement": foreign}).to_bytes())
    other_set = sign(Acknowledgement(session=world.session, client=LIAR, accepted=sha256(b"")), key_of(LIAR))
    with refused("statement", "not of this set"):
        unmasking.answer(answer.model_copy(update={"acknowledgement": other_set}).to_bytes())
    with refused("statement", "not of this set"):
        unmasking.agree(other_set)
    good = Acknowledgement.from_bytes(answer.acknowledgement.payload)
    for changed in ({"session": sha256(b"")}, {"client": ALL[0]}):
        with refused("statement", "not of this set"):
            unmasking.agree(sign(good.model_copy(update=changed), key_of(LIAR)))


def test_an_acknowledgement_that_others_know(world):
    """With it anybody can send an answer in an honest client's name, who is not silent for that."""
    answer = answering(world, ALL[0])
    unmasking = world.server.unmask()
    known = {a.client: a.signed for a in unmasking.request(LIAR).acknowledgements}
    forged = answer.model_copy(update={"acknowledgement": known[ALL[0]], "shares": answer.shares[::-1]})
    empty = UnmaskAnswer(acknowledgement=known[ALL[0]], shares=(), pairs=(), complaints=())
    for sent in (forged, empty):
        with pytest.raises(Refused):
            unmasking.answer(sent.to_bytes())
    assert ALL[0] in unmasking.silent
    assert unmasking.answer(answer.to_bytes()) == ALL[0]
    assert ALL[0] not in unmasking.silent


def test_parts_that_are_none():
    world = MaskedWorld.announced(9, policy(silent=2))
    world.send_all(ALL[2])
    unmasking = world.agree(ALL[5])
    world.unmask(unmasking, ALL[5])
    answer = world.clients[LIAR].recover(world.session, unmasking.recovery())
    (part,) = answer.parts
    other = world.clients[ALL[0]].recover(world.session, unmasking.recovery()).parts[0]
    for changed in ({"point": other.point}, {"proof": other.proof}):
        wrong = PairPart.model_validate(part.model_dump() | changed)
        with refused("argument", "the proof does not hold"):
            unmasking.recovered(answer.model_copy(update={"parts": (wrong,)}).to_bytes())
    for changed in ({"member": ALL[0]}, {"other": ALL[3]}):
        wrong = part.model_copy(update={"pair": part.pair.model_copy(update=changed)})
        with refused("statement", "nobody asked for"):
            unmasking.recovered(answer.model_copy(update={"parts": (wrong,)}).to_bytes())
    with refused("statement", "nobody asked for"):  # of the silent one's own mask
        unmasking.recovered(answer.model_copy(update={"client": ALL[5]}).to_bytes())
    for changed in ({"client": ALL[2]}, {"session": sha256(b"")}):
        with refused("statement", "not of a member in the session"):
            unmasking.recovered(answer.model_copy(update=changed).to_bytes())
    with refused("argument", "the proof does not hold"):  # another holder's share
        unmasking.recovered(answer.model_copy(update={"client": ALL[0]}).to_bytes())
    world.recover(unmasking, ALL[5])
    assert not world.server.close(now=NOW).result.void
