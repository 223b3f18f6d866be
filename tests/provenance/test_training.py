"""Trained heads: what a verifier accepts, and the attacks on data and weights that it refuses, each by the real prover with a
genuine data certificate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedproof.data.certificate import RevocationList, RevokedRecords
from fedproof.errors import FedproofError, Malformed, Refused, UsageError
from fedproof.identity.keys import EnvelopeKey, SigningKey
from fedproof.identity.signed import sign
from fedproof.training.solve import solve
from tests.provenance.head import NOW, Certified, Head, World, forged, honest, optimum, policy, table


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("head"))


@pytest.fixture(scope="module")
def certified(world: World) -> Certified:
    return world.certify(table())


@pytest.fixture(scope="module")
def head(world: World, certified: Certified) -> Head:
    return honest(world, policy(), [certified])


@pytest.fixture(scope="module")
def hidden(world: World, certified: Certified) -> Head:
    return honest(world, policy("committed"), [certified])


def refusal(head: Head, **changes: object) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        head.verify(**changes)
    return caught.value.subject, caught.value.stage


# -- honest ----------------------------------------------------------------------------------------------------------------


def test_public_weights(head: Head) -> None:
    report = head.verify()
    assert [(c.claim, c.records) for c in report.claims] == [
        ("DATA_CERTIFIED", "120/120"),
        ("WEIGHTS_OPTIMAL", "120/120"),
    ]
    assert report.claims[1].logit_freedom == "0.001"
    assert report.statement.predicate.model_commitment is None


def test_committed_weights(hidden: Head) -> None:
    predicate = hidden.verify().statement.predicate
    assert predicate.objective.weights == "committed"
    assert predicate.model_commitment is not None


def test_ridge(world: World, certified: Certified) -> None:
    for weights in ("public", "committed"):
        held = policy(weights, regularisation='4096\nloss = "ridge"', max_logit_freedom='"0.01"')
        assert honest(world, held, [certified]).verify().statement.predicate.objective.loss == "ridge"


def test_two_data_sets_with_records_left_out(world: World, certified: Certified) -> None:
    other = world.certify(table(120, 200), like=certified.data.certificate)
    made = honest(world, policy(), [certified, other], left_out=[(0, 7), (79,)])
    report = made.verify()
    assert report.claims[0].records == "197/200"
    assert [d.records for d in report.statement.predicate.datasets] == ["118/120", "79/80"]


def test_the_file_is_the_model(head: Head) -> None:
    """What the file says of records is what the weights say."""
    from fedproof.training.head_file import HeadFile

    file = HeadFile.from_bytes(head.model.read_bytes(), 24)
    data = table()
    x = file.quantisation.apply(data.values) / 32.0
    logits = x @ (file.weights[:, :-1] / 2.0**24).T + file.weights[:, -1] / 2.0**24
    right = [("benign", "malignant")[k] for k in logits.argmax(axis=1)]
    assert np.mean(np.array(right) == np.array(data.labels)) > 0.95


# -- attacks on data and weights -----------------------------------------------------------------------------------------------

ARGUMENT = ("optimum", "argument")


@pytest.mark.parametrize("weights", ["public", "committed"])
def test_random_weights_with_a_genuine_certificate(world: World, certified: Certified, weights: str) -> None:
    """By its published relation, ZKPROV never relates data and weights; by that relation this would verify."""
    random = np.random.default_rng(1).integers(-(1 << 24), 1 << 24, size=(2, 31), dtype=np.int64)
    assert refusal(forged(world, policy(weights), certified, weights=random)) == ARGUMENT


@pytest.mark.parametrize("weights", ["public", "committed"])
def test_back_doored_weights(world: World, certified: Certified, weights: str) -> None:
    """The optimum, moved so that a pattern of one feature flips the answer."""
    best = optimum(policy(), certified.holding.rows, certified.data.certificate)
    best[0, 3] += 1 << 22
    assert refusal(forged(world, policy(weights), certified, weights=best)) == ARGUMENT


def test_one_record_omitted(world: World, certified: Certified) -> None:
    """Trained without a record, proved as if on all of them."""
    rows = certified.holding.rows
    best = optimum(policy(), np.delete(rows, 5, axis=0), certified.data.certificate)
    assert refusal(forged(world, policy(max_logit_freedom='"0.0001"'), certified, weights=best)) == ARGUMENT


def test_one_label_flipped(world: World, certified: Certified) -> None:
    rows = certified.holding.rows.copy()
    rows[5, -2:] = 1 - rows[5, -2:]
    assert refusal(forged(world, policy(), certified, rows=rows)) == ARGUMENT


def test_other_features(world: World, certified: Certified) -> None:
    """An update's data that is not what was certified."""
    rows = certified.holding.rows.copy()
    rows[:, 0] = -rows[:, 0]
    assert refusal(forged(world, policy(), certified, rows=rows)) == ARGUMENT


def test_a_residual_just_above_the_bound(world: World, certified: Certified) -> None:
    """Weights within 0.001 of the optimum, for a policy that asks for a little less than what they reach."""
    from fedproof.training.objective import logit_freedom, residual_squared
    from fedproof.training.proof import objective_of

    rows, certificate = certified.holding.rows, certified.data.certificate
    best = optimum(policy(), rows, certificate)
    reached = logit_freedom(
        objective_of(policy()), residual_squared(objective_of(policy()), rows, best), certificate.norm_squared
    )
    above, below = (policy(max_logit_freedom=f'"{reached * k:.12f}"') for k in (1.001, 0.999))
    assert forged(world, above, certified, weights=best).verify().claims
    assert refusal(forged(world, below, certified, weights=best)) == ARGUMENT


def test_weights_out_of_range(world: World, certified: Certified) -> None:
    large = np.zeros((2, 31), dtype=np.int64)
    large[0, 0] = (1 << 29) + 1
    with pytest.raises(
        Refused, match="a weight is out of range"
    ):  # public: not even the prover's statement holds
        forged(world, policy(), certified, weights=large)
    assert refusal(forged(world, policy("committed"), certified, weights=large * 64)) == ARGUMENT


def revoking(
    world: World, one: Certified, *records: int, number: int = 1, issued: int = NOW - 10
) -> RevocationList:
    serial = one.data.certificate.serial
    return RevocationList(
        authority="ministry",
        number=number,
        issued=issued,
        serials=() if records else (serial,),
        records=(RevokedRecords(serial=serial, indices=records),) if records else (),
    )


def test_a_subset_that_hides_the_revoked_record(world: World, certified: Certified, head: Head) -> None:
    """Trained before the record was revoked, or in spite of it; with the list, both are refused, and training without it is accepted."""
    assert refusal(head, revocations=[revoking(world, certified, 5)]) == ("data set", "revoked")
    other = honest(world, policy(), [certified], left_out=[(4,)])
    assert refusal(other, revocations=[revoking(world, certified, 5)]) == ("data set", "revoked")
    unlearned = honest(world, policy(), [certified], left_out=[(5,)])
    assert unlearned.verify(revocations=[revoking(world, certified, 5)]).claims[0].records == "119/120"


def test_a_subset_other_than_the_stated_one(world: World, certified: Certified) -> None:
    """Says that record 5 is left out, and uses it in place of record 4."""
    rows = np.delete(certified.holding.rows, 4, axis=0)
    assert refusal(forged(world, policy(), certified, left_out=(5,), rows=rows)) == ARGUMENT


# -- authorities, terms, time --------------------------------------------------------------------------------------------------


def test_a_foreign_authority(world: World) -> None:
    foreign = world.certify(table(), key=SigningKey.generate())
    made = forged(world, policy(), foreign)
    assert refusal(made)[0] == "data certificate"


def test_a_revoked_certificate(world: World, certified: Certified, head: Head) -> None:
    assert refusal(head, revocations=[revoking(world, certified)]) == ("data certificate", "revoked")


def test_an_expired_certificate(head: Head) -> None:
    assert refusal(head, now=NOW + 1000) == ("data certificate", "expiry")
    assert refusal(head, now=NOW - 1001) == ("data certificate", "expiry")


def test_a_licence_that_the_policy_does_not_allow(world: World) -> None:
    other = world.certify(table(), licence="proprietary")
    with pytest.raises(Refused, match="licence"):
        honest(world, policy(), [other])


def test_revocation_lists_that_are_too_old(world: World, certified: Certified) -> None:
    held = policy(consent='["DUO:0000042"]\nmax_revocation_age = 100')
    with pytest.raises(Refused, match="there is none"):
        honest(world, held, [certified])
    fresh = revoking(world, certified, 5)
    made = honest(
        world,
        held,
        [certified],
        left_out=[(5,)],
        lists=[fresh],
        signed={"ministry": sign(fresh, world.authority)},
    )
    assert made.verify().revocations[0].newest == (1, NOW - 10)
    assert refusal(made, now=NOW + 500) == ("revocation list", "expiry")
    newer = revoking(world, certified, 5, number=2, issued=NOW + 450)
    assert made.verify(now=NOW + 500, revocations=[newer]).revocations[0].newest == (2, NOW + 450)


def test_a_newer_list_takes_nothing_back(world: World, certified: Certified, head: Head) -> None:
    """Neither a record nor a certificate."""
    empty = RevocationList(authority="ministry", number=9, issued=NOW, serials=(), records=())
    assert refusal(head, revocations=[revoking(world, certified, 5), empty]) == ("data set", "revoked")
    assert refusal(head, revocations=[empty, revoking(world, certified)]) == ("data certificate", "revoked")


def test_a_list_that_the_authority_did_not_sign(world: World, certified: Certified) -> None:
    fresh = revoking(world, certified, 5)
    with pytest.raises(Refused) as caught:
        honest(
            world,
            policy(),
            [certified],
            left_out=[(5,)],
            signed={"ministry": sign(fresh, SigningKey.generate())},
        )
    assert caught.value.subject == "revocation list"


def test_too_few_records(world: World, certified: Certified) -> None:
    held = policy(consent='["DUO:0000042"]\nmin_records = 121')
    with pytest.raises(Refused, match="121"):
        honest(world, held, [certified])


# -- bundle, model, certificate ------------------------------------------------------------------------------------------------


def test_another_model(world: World, head: Head, hidden: Head, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    data = bytearray(head.model.read_bytes())
    data[-9] ^= 1
    other.write_bytes(bytes(data))
    assert refusal(head, model=other)[0] == "model"
    assert refusal(hidden, model=head.model) == ("model", "opening")
    assert refusal(head, model=hidden.model) == ("model", "chain")
    other.write_bytes(b"nothing")
    with pytest.raises(Malformed):
        head.verify(model=other)


@pytest.mark.parametrize("shape", [(1, 30), (30, 1), (2, 15)])
def test_centre_and_spread_are_one_number_a_feature(
    head: Head, tmp_path: Path, shape: tuple[int, int]
) -> None:
    """The same bytes in another shape: NumPy would take (30, 1) from 30 inputs, each its own number, without a word."""
    from fedproof.model.layout import Layout, Tensor
    from fedproof.model.tensors import parse_model, serialise

    one = copied(head, tmp_path)
    _, arrays = parse_model(one.model.read_bytes())
    for names in (("centre",), ("spread",), ("centre", "spread")):
        other = arrays | {name: arrays[name].reshape(shape) for name in names}
        layout = Layout.of([Tensor(name=n, shape=tuple(a.shape), dtype="F64") for n, a in other.items()])
        one.model.write_bytes(serialise(other, layout))
        with pytest.raises(Malformed, match="one number a feature"):
            one.verify()


def test_another_policy(head: Head) -> None:
    assert refusal(head, policy=policy(max_logit_freedom='"0.002"')) == ("policy", "policy")
    with pytest.raises(UsageError):
        head.verify(policy=None)


def test_another_trainer_or_key(world: World, head: Head) -> None:
    from dataclasses import replace

    assert refusal(head, trust=replace(world.trust, trainer="hospital-b")) == ("training", "trust")
    other = EnvelopeKey.generate().verify_key
    assert refusal(head, trust=replace(world.trust, envelope=other)) == ("certificate", "trust")
    assert refusal(head, trust=replace(world.trust, authorities={}))[0] == "data certificate"
    assert refusal(head, trust=replace(world.trust, policy=bytes(32))) == ("policy", "trust")


def copied(head: Head, folder: Path) -> Head:
    import shutil

    shutil.copytree(head.root, folder / "copy")
    return Head(head.world, head.policy, folder / "copy")


def test_every_file_of_the_bundle_counts(head: Head, tmp_path: Path) -> None:
    """One byte changed in any file, and a file more or less anywhere."""
    made = copied(head, tmp_path)
    for path in sorted(p for p in made.bundle.rglob("*") if p.is_file()):
        whole = path.read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(FedproofError):
                made.verify()
        path.unlink()
        with pytest.raises(FedproofError):
            made.verify()
        path.write_bytes(whole)
    for name in ("more", "data/more", "revocations/more.cbor"):
        extra = made.bundle / name
        extra.parent.mkdir(exist_ok=True)
        extra.write_bytes(b"")
        with pytest.raises(FedproofError):
            made.verify()
        extra.unlink()
        if not any(extra.parent.iterdir()):
            extra.parent.rmdir()
    made.verify()


def test_a_list_stands_under_its_authoritys_name(world: World, certified: Certified, tmp_path: Path) -> None:
    """So there is one of each: of two with one number nobody could say which counts."""
    newest = RevocationList(authority="ministry", number=1, issued=NOW, serials=(), records=())
    signed = sign(newest, world.authority)
    made = honest(world, policy(), [certified], signed={"ministry": signed})
    made.verify()
    other = copied(made, tmp_path)
    (other.bundle / "revocations" / "bureau.cbor").write_bytes(signed.to_bytes())
    assert refusal(other) == ("revocation list", "digest")


def test_a_certificate_that_nobody_reads_is_not_signed(
    world: World, certified: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its statement is longer than a verifier takes: with many classes of long names, or many data sets."""
    monkeypatch.setattr("fedproof.provenance.statement.MAX_STATEMENT", 1000)
    with pytest.raises(Malformed, match="more than 1000"):
        honest(world, policy(), [certified])


def test_a_proof_of_another_training(world: World, certified: Certified, head: Head, tmp_path: Path) -> None:
    made, other = copied(head, tmp_path), honest(world, policy(), [certified], left_out=[(3,)])
    (made.bundle / "proof.bin").write_bytes((other.bundle / "proof.bin").read_bytes())
    assert refusal(made)[0] == "optimum"


def test_the_solver_says_what_it_cannot_reach(certified: Certified) -> None:
    from fedproof.training.proof import objective_of

    held = policy(max_logit_freedom='"0.000000001"')
    with pytest.raises(Refused) as caught:
        solve(
            objective_of(held),
            certified.holding.rows,
            2,
            certified.data.certificate.norm_squared,
            held.training.freedom,
        )
    assert (caught.value.subject, caught.value.stage) == ("training", "freedom")
