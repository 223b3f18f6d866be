"""What one message of a dishonest client, in a form that is still good, could do to everybody else's round."""

from __future__ import annotations

import secrets

import pytest

from fedproof.errors import Malformed, Refused
from fedproof.identity.signed import sign
from fedproof.proofs import masking
from fedproof.round import masked
from fedproof.round.masked_messages import MAX_SHARING, RecoveryRequest
from fedproof.round.messages import UploadHeader
from fedproof.round.server import Server
from tests.masking.world import (
    ALL,
    ROSTER,
    ROSTER_DIGEST,
    MaskedWorld,
    chain,
    client,
    key_of,
    policy,
    reader,
)
from tests.round.world import AGGREGATOR, NOW

LIAR = ALL[1]
ORDER = 0x40000000000000000000000000000000224698FC0994A8DD8C46EB2100000001
"""Of the default suite's scalars."""


def refused(stage: str, match: str):
    return pytest.raises(Refused, match=f"refused at {stage}: .*{match}")


# --- exchange A ----------------------------------------------------------------------------------------------------


def test_a_sharing_that_no_record_can_hold():
    """It fails, and everybody must see it fail: a sharing longer than whoever reads the record takes would make a record of which nobody
    moves on. It stands against nobody instead."""
    world = MaskedWorld.announced(8)
    upload = world.upload(LIAR)
    sharing = upload.sharing.model_copy(update={"self_commitments": bytes(2 * MAX_SHARING)})
    header = UploadHeader.from_bytes(upload.header.payload)
    signed = sign(header.model_copy(update={"sharing": sharing.digest()}), key_of(LIAR))
    long = upload.model_copy(update={"sharing": sharing, "header": signed})
    with refused("shape", "bytes of sharing"):
        world.server.receive(long.to_bytes())
    world.send_all(LIAR)
    world.unmask(world.agree())
    closed = world.server.close(now=NOW)
    assert not world.verified(closed).void
    world.clients[ALL[0]].adopt(closed.entry, reader(closed))


def test_more_are_ready_than_a_round_takes():
    """The policy's `max_clients` come first; one more does not stop the round."""
    held = policy(max_clients=8)
    at = chain(held)
    server = Server(AGGREGATOR, at, ROSTER, ROSTER_DIGEST)
    readies = [client(n, at).ready(1) for n in ALL[:9]]
    server.announce([*readies, readies[0]], now=NOW)
    assert [p.client for p in server.announcement.participants] == list(ALL[:8])
    (why,) = server.refused_readies
    assert isinstance(why, Refused)
    assert (why.party, why.stage) == (ALL[8], "policy")


def test_the_same_upload_after_the_set_is_fixed():
    """Its verdict was lost on the way. Another upload comes too late."""
    world = MaskedWorld.announced(8)
    upload, late = world.upload(LIAR), world.upload(ALL[2])
    verdict = world.server.receive(upload.to_bytes())
    world.send_all(LIAR, ALL[2])
    world.server.unmask()
    assert world.server.receive(upload.to_bytes()) == verdict
    with refused("deadline", "the accepted set is fixed"):
        world.server.receive(late.to_bytes())


# --- exchange C ----------------------------------------------------------------------------------------------------


def without(world: MaskedWorld, *silent: str):
    """The third never uploads; these are silent after that."""
    world.send_all(ALL[2])
    unmasking = world.agree()
    world.unmask(unmasking, *silent)
    return unmasking


def test_a_late_answer_between_request_and_answers():
    """Two are silent when shares of their pairs are asked for. Then one of them answers after all: what the others say about both
    is still welcome."""
    world = MaskedWorld.announced(10, policy(silent=2))
    unmasking = without(world, LIAR, ALL[5])
    request = unmasking.recovery()
    late = world.clients[LIAR].unmask(world.session, unmasking.request(LIAR))
    assert unmasking.answer(late.to_bytes()) == LIAR
    for name in sorted(unmasking.members - {LIAR, ALL[5]}):
        unmasking.recovered(world.clients[name].recover(world.session, request).to_bytes())
    assert not world.server.close(now=NOW).result.void


def test_one_part_many_times(monkeypatch):
    """Each costs the aggregator as much as the first."""
    world = MaskedWorld.announced(9, policy(silent=2))
    unmasking = without(world, ALL[5])
    answer = world.clients[LIAR].recover(world.session, unmasking.recovery())
    checked, check = [], masked.MaskedRound.check_part

    def counted(self, *rest):
        checked.append(rest)
        return check(self, *rest)

    monkeypatch.setattr(masked.MaskedRound, "check_part", counted)
    many = answer.model_copy(update={"parts": answer.parts * 9})
    with refused("decoding", "pairs are sorted, each once"):
        unmasking.recovered(many.to_bytes())
    assert not checked
    unmasking.recovered(answer.to_bytes())
    assert len(checked) == 1


def test_one_pair_many_times():
    """Nor does a client work as often as the aggregator likes."""
    world = MaskedWorld.announced(9, policy(silent=2))
    request = without(world, ALL[5]).recovery()
    many = request.model_copy(update={"pairs": request.pairs * 50})
    with pytest.raises(Malformed, match="pairs are sorted, each once"):
        RecoveryRequest.from_bytes(many.to_bytes())


def test_nothing_is_recovered_where_nothing_can_be_opened():
    """No pair opens without as many answers as there are shares to a secret, and a thousand silent members have more pairs than a
    request holds."""
    world = MaskedWorld.announced(9, policy(silent=2))
    threshold = world.round.parameters.threshold
    world.send_all(ALL[2])
    unmasking = world.agree()
    for number, name in enumerate(n for n in sorted(unmasking.members) if n != ALL[5]):
        assert (unmasking.recovery() is None) == (number < threshold)
        unmasking.answer(world.clients[name].unmask(world.session, unmasking.request(name)).to_bytes())
    assert unmasking.recovery() is not None


def dealt_zeros(victims: list[int]):
    """A dealer's polynomial with zeros at these holders."""

    def deal(suite, secret, holders, threshold, context):
        # f(X) = s·Π (1 − X/v)·(1 + c·X^…): coefficients in one list, lowest first
        coefficients = [int.from_bytes(secret, "big")]
        for root in victims:
            factor = -pow(root, -1, ORDER)
            shifted = [0, *(c * factor for c in coefficients)]
            coefficients = [(a + b) % ORDER for a, b in zip([*coefficients, 0], shifted, strict=True)]
        while len(coefficients) < threshold:
            extra = secrets.randbelow(ORDER)
            shifted = [0, *(c * extra for c in coefficients)]
            coefficients = [(a + b) % ORDER for a, b in zip([*coefficients, 0], shifted, strict=True)]
        at = [sum(c * pow(h, n, ORDER) for n, c in enumerate(coefficients)) % ORDER for h in holders]
        commitments = masking.public_keys(suite, b"".join(c.to_bytes(32, "big") for c in coefficients))
        return b"".join(s.to_bytes(32, "big") for s in at), commitments

    return deal


def test_shares_that_are_zero(monkeypatch):
    """A dealer can choose a polynomial in which some holders' shares are zero, which is what they are committed to. Whoever holds one can
    still answer for all the others that are silent."""
    world = MaskedWorld.announced(10, policy(silent=2))
    victims = [world.round.numbers[n] for n in (ALL[0], ALL[3])]
    with monkeypatch.context() as patch:
        patch.setattr(masking, "deal", dealt_zeros(victims))
        upload = world.upload(LIAR)
    assert world.send(upload)[0]
    world.send_all(LIAR, ALL[2])
    unmasking = world.agree()
    world.unmask(unmasking, LIAR, ALL[5])
    request = unmasking.recovery()
    assert [p.member for p in request.pairs] == [LIAR, ALL[5]]
    for name in sorted(unmasking.members - {LIAR, ALL[5]}):
        answer = world.clients[name].recover(world.session, request)
        if name == ALL[0]:  # zero times a key is nothing else than the identity
            first, second = answer.parts
            false = first.model_copy(update={"point": second.point})
            with refused("argument", "zero"):
                unmasking.recovered(answer.model_copy(update={"parts": (false, second)}).to_bytes())
        unmasking.recovered(answer.to_bytes())
    assert not world.server.close(now=NOW).result.void


# --- lengths -------------------------------------------------------------------------------------------------------


def test_answers_longer_than_any():
    """Nothing of them is read."""
    world = MaskedWorld.announced(9, policy(silent=2))
    unmasking = without(world, ALL[5])
    unmasking.recovery()
    for take, subject in ((unmasking.answer, "unmask-answer"), (unmasking.recovered, "recovery-answer")):
        with pytest.raises(Refused, match=f"{subject} .*at most [0-9]{{4}} are read here"):
            take(bytes(1 << 20))
