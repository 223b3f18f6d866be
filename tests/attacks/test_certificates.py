"""Certificates and the bundles around them: rules, people and claims that come from the one who is checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fedproof.errors import UsageError
from fedproof.identity.keys import SigningKey
from fedproof.policy.policy import Policy
from fedproof.provenance import verify_bundle
from fedproof.provenance.claims import NOT_PROVEN
from fedproof.provenance.dsse import open_envelope, sign_envelope
from fedproof.provenance.statement import Statement
from tests.attacks.parties import auditor_refuses, refusal
from tests.provenance.world import POLICY, Forgery, World, changed, honest_bundle, play


@pytest.fixture(scope="module")
def world() -> World:
    """Three rounds in which somebody is left out each time."""
    return play()


def other_policy(old: str, new: str) -> Policy:
    text = POLICY.replace("PROVE", "bounded")
    assert old in text
    return Policy.parse(text.replace(old, new))


STRICTER = pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_abs = 4095", "max_abs = 4094"),
        ("max_norm = 5000", "max_norm = 4999"),
        ("max = 10 ", "max = 9 "),
        ("min_accepted = 3", "min_accepted = 4"),
        ("rounds = 3", "rounds = 4"),
        ("scale = 12", "scale = 11"),
    ],
)


@STRICTER
def test_policy_from_the_bundle(world: World, tmp_path: Path, old: str, new: str) -> None:
    """The bundle brings the policy that its rounds obeyed; the verifier's asks for more. Or it brings the verifier's, around rounds
    that ran under its own."""
    mine = other_policy(old, new)
    bundle, model = honest_bundle(world, tmp_path / "theirs")
    with refusal("policy", "policy", "another policy than yours"):
        verify_bundle(bundle, model=model, policy=mine, trust=world.trust)
    forgery = Forgery.of(world)
    forgery.policy = mine.to_bytes()
    if old.startswith("rounds"):
        expected = ("record", "policy", "3 rounds on record, the policy asks for 4", None)
    else:
        expected = ("announcement", "policy", "another policy", 0)
    subject, stage, reason, number = expected
    auditor_refuses(forgery, tmp_path / "mine", subject, stage, reason, round=number, policy=mine)


def test_policy_from_the_bundle_because_the_verifier_has_none(world: World, tmp_path: Path) -> None:
    """The bundle's own is taken only if the verifier's trust file pins its digest."""
    bundle, model = honest_bundle(world, tmp_path)
    with pytest.raises(UsageError, match="pass --policy, or pin"):
        verify_bundle(bundle, model=model, policy=None, trust=world.trust)
    strict = other_policy("max_norm = 5000", "max_norm = 4999")
    with refusal("policy", "trust", "the bundle's is another"):
        verify_bundle(bundle, model=model, policy=None, trust=replace(world.trust, policy=strict.digest()))
    pinned = replace(world.trust, policy=world.policy.digest())
    report = verify_bundle(bundle, model=model, policy=None, trust=pinned)
    assert report.policy_source == "trust file"


def test_sybil_roster(world: World, tmp_path: Path) -> None:
    """An aggregator that plays all its clients: keys, a roster under the board's name, rounds, sums and certificate, all in order among
    themselves. The board that the auditor trusts signed none of it."""
    sybils = play(lies=False, rounds=3)
    bundle, model = honest_bundle(sybils, tmp_path)
    assert verify_bundle(
        bundle, model=model, policy=sybils.policy, trust=sybils.trust
    ).claims  # but for whom?
    mine = replace(sybils.trust, endorsers=world.trust.endorsers)
    with refusal("roster", "signature", "signed by another key than expected"):
        verify_bundle(bundle, model=model, policy=sybils.policy, trust=mine)
    with refusal("roster", "trust", "it names board, trusted here: ministry"):
        verify_bundle(
            bundle,
            model=model,
            policy=sybils.policy,
            trust=replace(sybils.trust, endorsers={"ministry": SigningKey.generate().verify_key}),
        )


def test_sybil_roster_counts_identities(world: World, tmp_path: Path) -> None:
    """What is endorsed is a number of distinct identities, and by whom; not how many people stand behind them."""
    bundle, model = honest_bundle(world, tmp_path)
    report = verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)
    (claim,) = (c for c in report.claims if c.claim == "PARTICIPANTS_ENDORSED")
    assert (claim.distinct, claim.endorsers) == ("5", ("board",))


def certified(world: World, folder: Path) -> tuple[Path, Path, Statement]:
    bundle, model = honest_bundle(world, folder)
    envelope = (bundle / "certificate.dsse.json").read_bytes()
    return bundle, model, Statement.parse(open_envelope(envelope, world.trust.envelope))


def says(world: World, bundle: Path, statement: Statement, **predicate: object) -> None:
    """Another statement, signed by the right key."""
    lie = changed(statement, predicate=changed(statement.predicate, **predicate))
    (bundle / "certificate.dsse.json").write_bytes(sign_envelope(lie.to_bytes(), world.envelope))


@pytest.mark.parametrize(
    ("share", "value"), [("rounds", "4/4"), ("updates", "15/15"), ("updates", "12/12"), ("weight", "45/45")]
)
def test_claims_without_coverage(world: World, tmp_path: Path, share: str, value: str) -> None:
    """3 rounds, 12 of 15 updates, 35 of 45 by weight; the certificate says that everything was covered, for each claim in turn."""
    bundle, model, statement = certified(world, tmp_path)
    claims = statement.predicate.claims
    for index, claim in enumerate(claims):
        assert getattr(claim, share) != value
        full = (*claims[:index], changed(claim, **{share: value}), *claims[index + 1 :])
        says(world, bundle, statement, claims=full)
        with refusal("certificate", "statement", "predicate.claims"):
            verify_bundle(bundle, model=model, policy=world.policy, trust=world.trust)


def test_claims_that_nothing_proved(tmp_path: Path) -> None:
    """Bounds, where the federation asked for openings alone."""
    opened = play("opening", lies=False, rounds=1)
    bounded = play(lies=False, rounds=1)
    _, _, elsewhere = certified(bounded, tmp_path / "bounded")
    (stolen,) = (c for c in elsewhere.predicate.claims if c.claim == "UPDATES_BOUNDED")
    bundle, model, statement = certified(opened, tmp_path / "opened")
    assert "UPDATES_BOUNDED" not in {c.claim for c in statement.predicate.claims}
    more = sorted((*statement.predicate.claims, stolen), key=lambda claim: claim.claim)
    for claims in (tuple(more), tuple(c for c in more if c.claim != "UPDATES_OPENED")):
        says(opened, bundle, statement, claims=claims)
        with refusal("certificate", "statement", "predicate.claims"):
            verify_bundle(bundle, model=model, policy=opened.policy, trust=opened.trust)


def test_a_run_chosen_among_many_is_stated_as_not_proved(tmp_path: Path) -> None:
    """Two runs of the same people, one published: nothing in it can show the other. The certificate says so, always, and one that
    leaves it out is refused."""
    first, second = play(lies=False, rounds=1), play(lies=False, rounds=1, absent={0: ("eve",)})
    for number, run in enumerate((first, second)):
        bundle, model, statement = certified(run, tmp_path / str(number))
        report = verify_bundle(bundle, model=model, policy=run.policy, trust=run.trust)
        stated = dict(report.not_proven_rows())
        assert (
            stated["RUN_SELECTION"]
            == NOT_PROVEN["RUN_SELECTION"]
            == "that this run was not chosen among many"
        )
        assert {"CENSORSHIP", "DATA_QUALITY", "BASE_MODEL"} <= set(stated)
        shorter = tuple(c for c in statement.predicate.not_proven if c != "RUN_SELECTION")
        says(run, bundle, statement, not_proven=shorter)
        with refusal("certificate", "statement", "predicate.notProven"):
            verify_bundle(bundle, model=model, policy=run.policy, trust=run.trust)
