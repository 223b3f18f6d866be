"""The certificate: it says what the record leads to, or is refused.

A dishonest aggregator signs anything, alone or with a client; each lie is refused, at the object and the
stage where it lies.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fedproof.errors import Refused
from fedproof.identity.keys import EnvelopeKey
from fedproof.provenance import verify_bundle
from fedproof.provenance.certificate import issue
from fedproof.provenance.dsse import open_envelope, sign_envelope
from fedproof.provenance.statement import Statement
from tests.provenance.world import (
    PRODUCER,
    Forgery,
    World,
    changed,
    honest_bundle,
    play,
    refusal,
    told,
)

FORGED = "0" * 64


def certified(world: World, tmp_path: Path) -> tuple[Path, Path, Statement]:
    bundle, model = honest_bundle(world, tmp_path / "honest")
    envelope = (bundle / "certificate.dsse.json").read_bytes()
    return bundle, model, Statement.parse(open_envelope(envelope, world.trust.envelope))


def with_statement(bundle: Path, statement: Statement, key: EnvelopeKey) -> None:
    (bundle / "certificate.dsse.json").write_bytes(sign_envelope(statement.to_bytes(), key))


def sweep(statement: Statement) -> list[tuple[str, Statement]]:
    """The statement with each field of its predicate changed, one at a time."""
    predicate = statement.predicate
    claim = predicate.claims[0]
    other = changed(predicate.policy, digest=changed(predicate.policy.digest, sha256=FORGED))
    fields: dict[str, object] = {
        "suite": "bn254-keccak-ed25519-v1",
        "bits": "128",
        "federation": "elsewhere",
        "policy": other,
        "roster": other,
        "base_model": other,
        "model": changed(predicate.model, parameters="16"),
        "model_commitment": FORGED,
        "claims": (*predicate.claims, claim),
        "not_proven": predicate.not_proven[1:],
        "rounds": changed(predicate.rounds, void="1"),
        "proofs": changed(predicate.proofs, digest=changed(predicate.proofs.digest, sha256=FORGED)),
    }
    free = {"producer", "level", "datasets"}  # producer is not believed; the others have one value
    assert set(fields) | free == set(type(predicate).model_fields), "a new field needs a change here"
    changes = [
        (name, changed(statement, predicate=changed(predicate, **{name: value})))
        for name, value in fields.items()
    ]
    more: list[tuple[str, object]] = [
        ("model", changed(predicate.model, layout=changed(predicate.model.layout, sha256=FORGED))),
        ("model", changed(predicate.model, files=(changed(predicate.model.files[0], name="x"),))),
        ("rounds", changed(predicate.rounds, count="4")),
        ("rounds", changed(predicate.rounds, record_root=FORGED)),
        ("claims", (changed(claim, updates="15/15"), *predicate.claims[1:])),
        ("claims", (changed(claim, rounds="2/3"), *predicate.claims[1:])),
        ("claims", (changed(claim, weight="45/45"), *predicate.claims[1:])),
        ("claims", (*predicate.claims[:-1], changed(predicate.claims[-1], distinct="6"))),
        ("claims", (*predicate.claims[:-1], changed(predicate.claims[-1], endorsers=("mallory",)))),
        ("claims", ()),
        ("not_proven", ()),
    ]
    changes += [
        (name, changed(statement, predicate=changed(predicate, **{name: value}))) for name, value in more
    ]
    subject = changed(statement.subject[0], digest=changed(statement.subject[0].digest, sha256=FORGED))
    return [*changes, ("subject", changed(statement, subject=(subject,)))]


def test_a_certificate_that_says_anything_else(world: World, tmp_path: Path) -> None:
    """Each field changed and signed with the right key: the verifier says which."""
    bundle, model, statement = certified(world, tmp_path)
    for name, lie in sweep(statement):
        with_statement(bundle, lie, world.envelope)
        with pytest.raises(Refused) as error:
            verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
        assert told(error.value)[:2] == ("certificate", "statement"), name
        alias = type(statement.predicate).model_fields[name].alias if name != "subject" else name
        assert (alias or name) in error.value.detail
    with_statement(bundle, statement, world.envelope)
    verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)


def test_a_certificate_that_another_key_signed(world: World, tmp_path: Path) -> None:
    bundle, model, statement = certified(world, tmp_path)
    with_statement(bundle, statement, EnvelopeKey.generate())
    with pytest.raises(Refused) as error:
        verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    assert told(error.value)[:2] == ("certificate", "trust")


def test_a_certificate_of_another_run(world: World, tmp_path: Path) -> None:
    """Same federation, same keys, another model: a genuine certificate does not fit a foreign record."""
    bundle, model, _ = certified(world, tmp_path)
    second = play(lies=False)
    other, _ = honest_bundle(second, tmp_path / "second")
    envelope = (other / "certificate.dsse.json").read_bytes()
    foreign = Statement.parse(open_envelope(envelope, second.trust.envelope))
    with_statement(bundle, foreign, world.envelope)
    with pytest.raises(Refused) as error:
        verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    assert told(error.value)[:2] == ("certificate", "statement")


def test_no_certificate_is_issued_for_what_does_not_hold(forgery: Forgery, tmp_path: Path) -> None:
    world = forgery.world
    forgery.model = forgery.model[:-1] + b"\x01"
    bundle, model = forgery.write(tmp_path)
    with pytest.raises(Refused) as error:
        issue(
            bundle, model=model, policy=world.policy, trust=world.trust, key=world.envelope, producer=PRODUCER
        )
    assert told(error.value)[:2] == ("model", "chain")
    with pytest.raises(Refused) as error:
        issue(
            bundle,
            model=model,
            policy=world.policy,
            trust=world.trust,
            key=EnvelopeKey.generate(),
            producer=PRODUCER,
        )
    assert told(error.value)[:2] == ("certificate", "trust")
    assert (bundle / "certificate.dsse.json").read_bytes() == forgery.certificate


def test_hostile_strings_reach_no_terminal(tmp_path: Path) -> None:
    """The aggregator gives a refusal what words it likes; a report has its own."""
    forgery = Forgery.of(play(rounds=1))
    world, r = forgery.world, forgery.rounds[0]
    hostile = "\x1b[2J\x1b[32mVERIFIED\u202e"
    (eve,) = r.result.dropped
    r.verdicts["eve"] = changed(r.verdicts["eve"], reason=hostile)
    r.result = changed(r.result, dropped=(changed(eve, reason=hostile),))
    forgery.resign(0)
    bundle, model = forgery.write(tmp_path)
    issue(bundle, model=model, policy=world.policy, trust=world.trust, key=world.envelope, producer=PRODUCER)
    report = verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    shown = str(report.to_json()) + str(report.claim_rows()) + str(report.not_proven_rows())
    assert not any(character in shown for character in "\x1b\u202e\x07")


@pytest.mark.parametrize(
    "slander", [{"subject": "bounded update", "stage": "argument"}, {"reason": "it cheats"}]
)
def test_a_silent_client_that_is_slandered(forgery: Forgery, tmp_path: Path, slander: dict[str, str]) -> None:
    """Where nothing is shown, nothing more may be said than that nothing came."""
    r = forgery.rounds[2]
    (bob,) = r.result.dropped
    r.result = changed(r.result, dropped=(changed(bob, **slander),))
    forgery.resign(2)
    assert told(refusal(forgery, tmp_path)) == ("result", "statement", 2, "bob")


def test_a_round_that_closed_before_it_was_announced(forgery: Forgery, tmp_path: Path) -> None:
    r = forgery.rounds[2]
    r.result = changed(r.result, closed=r.announcement.time - 1)
    forgery.resign(2)
    assert told(refusal(forgery, tmp_path))[:3] == ("result", "statement", 2)


def test_a_policy_without_bounds_claims_less(tmp_path: Path) -> None:
    """Opened, not bounded: and the long update is then within the rules."""
    world = play("opening")
    bundle, model = honest_bundle(world, tmp_path)
    report = verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    names = {claim.claim for claim in report.claims}
    assert "UPDATES_OPENED" in names
    assert "UPDATES_BOUNDED" not in names
    left = [(x.round, x.client, x.subject, x.stage) for x in report.left_out if x.kind == "refused"]
    assert left == [(1, "dee", "plain opening", "argument")]


def test_a_void_round_leaves_the_model_and_is_counted(tmp_path: Path) -> None:
    world = play(absent={1: ("ada", "bob", "cyd")})
    bundle, model = honest_bundle(world, tmp_path)
    report = verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    assert report.statement.predicate.rounds.void == "1"
    assert {claim.rounds for claim in report.claims} == {"2/3"}
    assert world.closed[1].chain.state == world.closed[0].chain.state
