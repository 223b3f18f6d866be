"""An aggregator that signs false records against `verify_round`, which clients and auditors run."""

from dataclasses import replace

import pytest

from fedproof.encoding.digest import ZERO, sha256
from fedproof.errors import Malformed, Refused
from fedproof.identity.signed import sign
from fedproof.policy.policy import Policy
from fedproof.proofs import honest_aggregate
from fedproof.round.chain import Chain
from fedproof.round.closing import Closed, keep
from fedproof.round.messages import Accepted, Announcement, Total, UploadHeader, UploadOpening, Verdict
from fedproof.round.record import RoundBody, RoundEntry
from fedproof.round.rules import MAX_PROOF, MAX_SLACK, check_announcement, silent
from fedproof.round.verify import Read, verify_round
from tests.round.world import (
    AGGREGATOR,
    BASE_FILE,
    KEYS,
    NOW,
    POLICY,
    ROSTER,
    ROSTER_DIGEST,
    STRANGER,
    Edit,
    World,
    copy,
    forge,
    numbers,
    opening_of,
    played,
    policy,
    reheaded,
    start,
)

WORLD, CLOSED = played()
RESULT = CLOSED.result
BODY = RoundBody.from_bytes(CLOSED.blobs[RoundEntry.from_bytes(CLOSED.entry).body])


def test_an_honest_record() -> None:
    report = forge(CLOSED)()
    assert report.accepted == (("ada", 3), ("bob", 5), ("cyd", 2))
    assert [(d.client, d.kind) for d in report.dropped] == [("dee", "refused")]
    assert report.weight_sum == 10


def refused(*stage: str, **forgery: object) -> None:
    with pytest.raises((Refused, Malformed)) as error:
        forge(CLOSED, **forgery)()  # type: ignore[arg-type]
    if stage:
        assert isinstance(error.value, Refused)
        assert (error.value.subject, error.value.stage) == stage


def test_entries_out_of_place() -> None:
    refused("record", "chain", entry=copy(round=1))
    refused("record", "chain", entry=copy(previous=bytes([1] * 32)))
    refused("record", "chain", entry=copy(attempt=1))


def test_a_source_that_gives_other_bytes_than_were_asked_for() -> None:
    """Whatever signature they carry: what is checked is what the log names."""
    record = RoundEntry.from_bytes(CLOSED.entry)
    for name in (record.body, RESULT.total, RESULT.proof, BODY.uploads[0].points, BODY.uploads[0].proof):
        assert name is not None
        *head, last = CLOSED.blobs[name]
        source = {**CLOSED.blobs, name: bytes([*head, last ^ 1])}
        with pytest.raises(Refused) as error:
            verify_round(start(), ROSTER, ROSTER_DIGEST, AGGREGATOR.verify_key, CLOSED.entry, reader(source))
        assert error.value.stage == "digest"


def test_a_source_that_gives_more_than_there_can_be() -> None:
    """The aggregator names it: nobody works through as much as it likes."""
    proof, blinds = bytes(MAX_PROOF + 1), bytes(MAX_SLACK + 64 * 35)
    refused("aggregate proof", "digest", result=copy(proof=sha256(proof)), blobs={sha256(proof): proof})
    refused("total", "digest", **total_changed(blinds=blinds))


def reader(source: dict[bytes, bytes]) -> Read:
    return lambda name, _what, _limit: source[name]


def test_an_announcement_changed_afterwards() -> None:
    for field, value, stage in (
        ("policy", ZERO, "policy"),
        ("roster", ZERO, "trust"),
        ("layout", ZERO, "chain"),
        ("round", 3, "chain"),
    ):
        refused("announcement", stage, announcement=copy(**{field: value}))
    refused("result", "statement", announcement=copy(nonce=ZERO))


def test_signed_by_somebody_else() -> None:
    refused("result", "signature", result=copy(), key=STRANGER)
    refused("announcement", "signature", announcement=copy(), key=STRANGER)


def total_changed(**change: bytes) -> dict[str, object]:
    assert RESULT.total is not None
    data = Total.from_bytes(CLOSED.blobs[RESULT.total]).model_copy(update=change).to_bytes()
    return {"result": copy(total=sha256(data)), "blobs": {sha256(data): data}}


def test_a_total_of_other_blinds_or_another_length() -> None:
    assert RESULT.total is not None
    total = Total.from_bytes(CLOSED.blobs[RESULT.total])
    refused("honest aggregate", "argument", **total_changed(blinds=bytes(len(total.blinds))))
    refused("total", "shape", **total_changed(values=total.values[:-8]))


def test_another_aggregate_proof() -> None:
    _, other = played()
    assert other.result.proof is not None
    proof = other.blobs[other.result.proof]
    refused("honest aggregate", "argument", result=copy(proof=sha256(proof)), blobs={sha256(proof): proof})


def test_another_model_after_the_round() -> None:
    refused("result", "chain", result=copy(after=RESULT.after.model_copy(update={"weights": ZERO})))
    refused("result", "chain", result=copy(after=RESULT.after.model_copy(update={"commitment": ZERO})))


def test_a_client_that_vanished() -> None:
    refused("result", "statement", result=copy(dropped=()))
    refused("result", "statement", result=copy(accepted=RESULT.accepted[1:]))


@pytest.mark.parametrize("change", [{"subject": "trust"}, {"stage": "argument"}, {"reason": "a thief"}])
def test_more_said_of_a_silent_client_than_that(change: dict[str, str]) -> None:
    """Nothing is shown for it, and nobody could tell."""
    world = World.announced()
    for name in ("ada", "bob", "cyd"):
        world.send(world.upload(name))
    closed = world.close()
    assert closed.result.dropped == (silent("dee"),)
    with pytest.raises(Refused, match="and shows nothing") as error:
        forge(closed, result=copy(dropped=(silent("dee").model_copy(update=change),)))()
    assert (error.value.subject, error.value.stage, error.value.party) == ("result", "statement", "dee")


def test_a_round_closed_before_it_was_announced() -> None:
    forge(CLOSED, result=copy(closed=NOW))()
    with pytest.raises(Refused, match="closed before it was announced"):
        forge(CLOSED, result=copy(closed=NOW - 1))()


def test_an_upload_that_failed_called_accepted() -> None:
    dee = next(u for u in BODY.uploads if u.client == "dee")
    accepted = (*RESULT.accepted, Accepted(client="dee", header=dee.header.digest()))
    verdict = dee.verdict.open(Verdict, AGGREGATOR.verify_key)
    told = verdict.model_copy(update={"accepted": True, "subject": "", "stage": "", "reason": ""})
    uploads = (*BODY.uploads[:3], dee.model_copy(update={"verdict": sign(told, AGGREGATOR)}))
    refused(
        "bounded update", "argument", result=copy(accepted=accepted, dropped=()), body=copy(uploads=uploads)
    )
    refused("verdict", "statement", result=copy(accepted=accepted, dropped=()))


def test_an_honest_upload_called_refused() -> None:
    """The record shows its upload, and that it holds."""
    world = World.announced()
    for name in ("ada", "bob", "cyd"):
        world.send(world.upload(name))
    received = world.server._received
    lie = Refused("bounded update", "argument", "the proof does not hold")
    verdict = received["ada"].verdict.open(Verdict, AGGREGATOR.verify_key)
    told = verdict.model_copy(
        update={"accepted": False, "subject": lie.subject, "stage": lie.stage, "reason": lie.detail}
    )
    world.change("ada", replace(received["ada"], refusal=lie, verdict=sign(told, AGGREGATOR)))
    closed = world.close()
    with pytest.raises(Refused, match="although its proof holds") as error:
        forge(closed)()
    assert (error.value.subject, error.value.stage, error.value.party) == ("result", "statement", "ada")


def test_verdicts_that_disagree_with_the_result() -> None:
    reason = RESULT.dropped[0].model_copy(update={"reason": "did not feel like it"})
    refused("verdict", "statement", result=copy(dropped=(reason,)))
    swapped = tuple(
        u.model_copy(update={"verdict": BODY.uploads[1].verdict}) if u.client == "ada" else u
        for u in BODY.uploads
    )
    refused("verdict", "statement", body=copy(uploads=swapped))


def test_headers_of_somebody_else() -> None:
    uploads = list(BODY.uploads)
    uploads[0] = uploads[0].model_copy(update={"header": uploads[1].header})
    refused("upload-header", "signature", body=copy(uploads=tuple(uploads)))
    accepted = (Accepted(client="ada", header=ZERO), *RESULT.accepted[1:])
    refused("result", "digest", result=copy(accepted=accepted))


def test_a_header_in_somebody_elses_name() -> None:
    """Its own client signed it, and the aggregator goes along."""
    ada = BODY.uploads[0]
    header = ada.header.open(UploadHeader, KEYS["ada"].verify_key)
    swapped = sign(header.model_copy(update={"client": "bob"}), KEYS["ada"])
    verdict = ada.verdict.open(Verdict, AGGREGATOR.verify_key)
    told = sign(verdict.model_copy(update={"header": swapped.digest()}), AGGREGATOR)
    uploads = (ada.model_copy(update={"header": swapped, "verdict": told}), *BODY.uploads[1:])
    accepted = (Accepted(client="ada", header=swapped.digest()), *RESULT.accepted[1:])
    refused("verdict", "statement", result=copy(accepted=accepted), body=copy(uploads=uploads))


def test_points_and_proofs_of_somebody_else() -> None:
    for part in ("points", "proof"):
        uploads = list(BODY.uploads)
        uploads[0] = uploads[0].model_copy(update={part: getattr(uploads[1], part)})
        refused("upload", "digest", body=copy(uploads=tuple(uploads)))


def test_uploads_twice_missing_or_unsorted() -> None:
    for uploads in (BODY.uploads[1:], (BODY.uploads[0], *BODY.uploads), BODY.uploads[::-1]):
        refused("record", "shape", body=copy(uploads=uploads))


def test_a_void_round_that_is_none_and_the_other_way_round() -> None:
    nothing = {"total": None, "proof": None, "void": True}
    refused("result", "policy", result=copy(**nothing))


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"dropped": (silent("ada"), *RESULT.dropped)}, "both accepted and dropped"),
        (
            {"total": None, "proof": None, "after": start().state},
            "or it is void",
        ),  # counts, and moves nothing
        ({"total": None}, "or it is void"),
        ({"proof": None}, "or it is void"),
        ({"void": True, "total": None}, "or it is void"),
        ({"void": True, "proof": None}, "or it is void"),
    ],
)
def test_a_result_that_contradicts_itself(change: dict[str, object], detail: str) -> None:
    with pytest.raises(Refused, match=detail) as error:
        forge(CLOSED, result=copy(**change))()
    assert (error.value.subject, error.value.stage) == ("result", "decoding")


def test_a_stricter_policy_refuses_the_whole_round() -> None:
    """Verification is against the policy that the verifier holds."""
    chain = Chain.start(policy(max_abs="500"), BASE_FILE)
    with pytest.raises(Refused) as error:
        verify_round(
            chain,
            ROSTER,
            ROSTER_DIGEST,
            AGGREGATOR.verify_key,
            CLOSED.entry,
            lambda n, _w, _l: CLOSED.blobs[n],
        )
    assert error.value.stage == "policy"


def test_the_suite_is_the_policys_first() -> None:
    """Another one that the policy allows is not the aggregator's to choose."""
    other = "bn254-keccak-ed25519-v1"
    both = f'allow_below_112_bits = true\nsuites = ["{start().suite}", "{other}"]\n[update]'
    chain = Chain.start(Policy.parse(POLICY.replace("[update]", both)), BASE_FILE)
    world = World.announced(chain)
    signed = world.announcement.open(Announcement, AGGREGATOR.verify_key)
    check_announcement(signed, chain, ROSTER, ROSTER_DIGEST)
    with pytest.raises(Refused, match="another suite") as error:
        check_announcement(signed.model_copy(update={"suite": other}), chain, ROSTER, ROSTER_DIGEST)
    assert (error.value.subject, error.value.stage) == ("announcement", "policy")


def test_another_base_model() -> None:
    with pytest.raises(Refused) as error:
        Chain.start(policy(), BASE_FILE[:-1] + bytes([BASE_FILE[-1] ^ 1]))
    assert (error.value.subject, error.value.stage) == ("model", "digest")


def played_void() -> Closed:
    world = World.announced()
    world.send(world.upload("ada", numbers(3)))
    return world.close()


def test_a_void_round_keeps_the_model() -> None:
    closed = played_void()
    assert forge(closed)().void
    with pytest.raises(Refused, match="void"):
        forge(closed, result=copy(void=False, total=ZERO, proof=ZERO))()
    assert KEYS.keys() >= {"ada"}


def test_a_sum_with_other_weights() -> None:
    """An exact sum of the accepted updates, and an honest proof of it: only the weights are not the declared ones."""
    openings = [opening_of(WORLD.sent[a.client]) for a in RESULT.accepted]
    suite = WORLD.server.chain.suite
    for weights in ((3, 5, 3), (3, 5, 0), (6, 10, 4), (5, 3, 2)):
        total = honest_aggregate.combine_openings(suite, openings, weights)
        change = {"values": total.values.astype("<i8").tobytes(), "blinds": total.blinds}
        refused("honest aggregate", "argument", **total_changed(**change))


def test_evidence_of_another_session() -> None:
    """A client's upload of an abandoned attempt, or of an earlier round, says nothing about this one."""
    old = World.announced().upload("dee")
    world = World.announced()
    for name in ("ada", "bob", "cyd"):
        world.send(world.upload(name))
    world.send(world.forced("dee", numbers(4) * 50))
    mine = world.server._received["dee"]
    verdict = mine.verdict.open(Verdict, AGGREGATOR.verify_key)
    reason = "made for another session"
    told = verdict.model_copy(
        update={"header": old.header.digest(), "subject": "upload", "stage": "statement", "reason": reason}
    )
    world.server._received["dee"] = replace(
        mine,
        header=old.header,
        points=keep(world.server._blobs, old.points),
        proof=keep(world.server._blobs, old.proof),
        refusal=Refused("upload", "statement", reason),
        verdict=sign(told, AGGREGATOR),
    )
    closed = world.close()
    with pytest.raises(Refused, match="made for another session") as error:
        forge(closed)()
    assert (error.value.subject, error.value.stage) == ("upload", "statement")


def signed_for(world: World, clear: dict[str, bytes]) -> Closed:
    """Three honest uploads, and dee's with clear values of its own choice, which it signed for."""
    for name in ("ada", "bob", "cyd"):
        world.send(world.upload(name))
    bad = world.upload("dee").model_copy(update=clear)
    assert world.send(reheaded(bad, "dee", opening=bad.opening().digest())) == (False, "update", "opening")
    return world.close()


def shown(closed: Closed, name: str, opening: bytes | None) -> RoundBody:
    """The body with what it shows of a client's clear values replaced."""
    body = RoundBody.from_bytes(closed.blobs[RoundEntry.from_bytes(closed.entry).body])
    uploads = tuple(
        u.model_copy(update={"opening": opening}) if u.client == name else u for u in body.uploads
    )
    return body.model_copy(update={"uploads": uploads})


def test_clear_values_that_prove_nothing() -> None:
    """Only what its client signed for, and what fails, stands against it; and only that is shown."""
    world = World.announced()
    closed = signed_for(world, {"values": bytes(4 * 35)})
    forge(closed)()
    other = UploadOpening(salt=ZERO, values=bytes(4 * 35), blinds=ZERO).to_bytes()
    for name, data, told in (
        ("dee", other, ("upload", "digest")),  # nobody signed for these
        ("dee", b"junk", ("opening", "decoding")),
        ("dee", None, ("result", "statement")),  # without them its proof holds
        ("ada", other, ("record", "shape")),  # accepted: nobody may see
    ):
        body = shown(closed, name, data and sha256(data))
        with pytest.raises(Refused) as error:
            forge(closed, body=lambda _, b=body: b, blobs={sha256(data or b""): data or b""})()
        assert (error.value.subject, error.value.stage, error.value.party) == (*told, name)


def test_clear_values_that_open() -> None:
    """An aggregator that shows an honest client's clear values as evidence is found, whatever it says of them."""
    world = World.announced()
    for name in ("ada", "bob", "cyd"):
        world.send(world.upload(name))
    upload = world.upload("dee")
    world.send(upload)
    lie = Refused("update", "opening", "the update is not what was committed to")
    mine = world.server._received["dee"]
    verdict = mine.verdict.open(Verdict, AGGREGATOR.verify_key)
    told = verdict.model_copy(
        update={"accepted": False, "subject": lie.subject, "stage": lie.stage, "reason": lie.detail}
    )
    shown = keep(world.server._blobs, upload.opening().to_bytes())
    world.change("dee", replace(mine, refusal=lie, opening=shown, verdict=sign(told, AGGREGATOR)))
    with pytest.raises(Refused, match="and all that it shows") as error:
        forge(world.close())()
    assert (error.value.subject, error.value.stage, error.value.party) == ("result", "statement", "dee")


def test_clear_values_beside_a_proof_that_fails() -> None:
    """The proof alone is evidence enough: what is private stays so."""
    world = World.announced()
    for name in ("ada", "bob", "cyd"):
        world.send(world.upload(name))
    upload = world.forced("dee", numbers(4) * 50)
    world.send(upload)
    shown = keep(world.server._blobs, upload.opening().to_bytes())
    world.server._received["dee"] = replace(world.server._received["dee"], opening=shown)
    with pytest.raises(Refused, match="fails without it") as error:
        forge(world.close())()
    assert (error.value.subject, error.value.stage, error.value.party) == ("record", "shape", "dee")


def blamed(**change: str) -> dict[str, Edit]:
    """Dee's proof failed; the aggregator says so in result and verdict in other words."""
    dropped = RESULT.dropped[0].model_copy(update=change)
    verdict = next(u for u in BODY.uploads if u.client == "dee").verdict.open(Verdict, AGGREGATOR.verify_key)
    told = sign(verdict.model_copy(update=change), AGGREGATOR)
    uploads = tuple(u.model_copy(update={"verdict": told}) if u.client == "dee" else u for u in BODY.uploads)
    return {"result": copy(dropped=(dropped,)), "body": copy(uploads=uploads)}


def test_the_reason_is_the_verifiers_own() -> None:
    """What the aggregator wrote beside evidence is not repeated."""
    report = forge(CLOSED, **blamed(reason="a thief"))()
    assert report.dropped[0].reason.startswith("the proof does not hold")


@pytest.mark.parametrize("change", [{"subject": "update"}, {"stage": "opening"}])
def test_another_failure_than_the_evidence_shows(change: dict[str, str]) -> None:
    """Its words are its own, what they are about is not: a report repeats that."""
    with pytest.raises(Refused, match="fails at bounded update, argument: not the reason given") as error:
        forge(CLOSED, **blamed(**change))()
    assert (error.value.subject, error.value.stage, error.value.party) == ("result", "statement", "dee")
