"""Accuracy on a registered test set: what a verifier accepts, and the ways to claim more than is true."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedproof.data.certificate import RevocationList, RevokedRecords
from fedproof.data.dataset import Holding
from fedproof.data.selection import Part
from fedproof.errors import Malformed, Refused
from fedproof.identity.signed import sign
from fedproof.policy.training import TrainingPolicy
from fedproof.proofs import accuracy as relation
from fedproof.provenance.training import audit_training
from fedproof.provenance.training_bundle import ACCURACY, TEST, TrainingBundle
from fedproof.training.accuracy import Accuracy, evaluate
from fedproof.training.proof import UsedData
from fedproof.training.train import Trained, train
from tests.provenance.head import NOW, Certified, Head, World, honest, policy, table, written


def registering(test: list[Certified], weights: str = "public", least: str = "0.9") -> TrainingPolicy:
    """The policy, with these test sets."""
    held = policy(weights)
    names = tuple(f"sha256:{one.data.certificate.digest().hex()}" for one in test)
    return TrainingPolicy.parse(
        _text(held, weights)
        + f'\n[test]\ncertificates = {list(names)}\nmin_accuracy = "{least}"\n'.replace("'", '"')
    )


def _text(held: TrainingPolicy, weights: str) -> str:
    from tests.provenance.head import POLICY

    assert held.training.weights == weights
    return POLICY.replace("WEIGHTS", weights)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("accuracy"))


@pytest.fixture(scope="module")
def certified(world: World) -> Certified:
    return world.certify(table(0, 150))


@pytest.fixture(scope="module")
def test_set(world: World, certified: Certified) -> Certified:
    return world.certify(table(150, 230), like=certified.data.certificate)


@pytest.fixture(scope="module")
def head(world: World, certified: Certified, test_set: Certified) -> Head:
    return honest(world, registering([test_set]), [certified], tests=[test_set])


def correct_of(head: Head) -> int:
    found = TrainingBundle.open(head.bundle).accuracy()
    assert found is not None
    return found.correct


def refusal(head: Head, **changes: object) -> tuple[str, str]:
    """Of the bundle alone: a liar's certificate would be signed without looking."""
    bundle = TrainingBundle.open(head.bundle)
    arguments = {"now": NOW} | changes
    with pytest.raises(Refused) as caught:
        audit_training(bundle, head.policy, head.world.trust, **arguments)  # type: ignore[arg-type]
    return caught.value.subject, caught.value.stage


# -- honest ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["public", "committed"])
def test_all_that_is_right_is_claimed(
    world: World, certified: Certified, test_set: Certified, weights: str
) -> None:
    made = honest(world, registering([test_set], weights), [certified], tests=[test_set])
    report = made.verify()
    claim = report.claims[-1]
    assert (claim.claim, claim.records) == ("ACCURACY_AT_LEAST", "80/80")
    assert claim.correct == f"{correct_of(made)}/80"
    assert "TEST_SELECTION" in report.not_proven
    predicate = report.statement.predicate
    assert predicate.testsets is not None
    assert [d.serial for d in predicate.testsets] == [test_set.data.certificate.serial]
    assert report.data_rows()[-1][1].startswith("80/80 test records")


def test_it_is_what_the_file_says(head: Head, test_set: Certified) -> None:
    from fedproof.training.head_file import HeadFile

    file = HeadFile.from_bytes(head.model.read_bytes(), 24)
    rows = test_set.holding.rows.astype(np.int64)
    logits = rows[:, :31] @ file.weights.T
    own = rows[:, 31:].argmax(axis=1)
    others = np.where(rows[:, 31:] == 1, -(1 << 62), logits).max(axis=1)
    right = logits[np.arange(80), own] > others
    assert correct_of(head) == int(right.sum()) > 72


def test_of_two_test_sets_without_revoked_records(
    world: World, certified: Certified, test_set: Certified
) -> None:
    other = world.certify(table(230, 260), like=certified.data.certificate)
    records = (RevokedRecords(serial=other.data.certificate.serial, indices=(3, 4)),)
    newest = RevocationList(authority="ministry", number=1, issued=NOW, serials=(), records=records)
    signed = {"ministry": sign(newest, world.authority)}
    held = registering([test_set, other])
    made = honest(world, held, [certified], tests=[test_set, other], lists=[newest], signed=signed)
    claim = made.verify().claims[-1]
    assert claim.records == "108/110"
    # Who has a newer list, by which a third record is revoked, refuses what was right before.
    more = replace_records(newest, (3, 4, 5), serial=other.data.certificate.serial)
    assert refusal(made, revocations=[more]) == ("data set", "revoked")


def replace_records(old: RevocationList, records: tuple[int, ...], serial: str) -> RevocationList:
    return RevocationList(
        authority=old.authority,
        number=old.number + 1,
        issued=old.issued,
        serials=(),
        records=(RevokedRecords(serial=serial, indices=records),),
    )


# -- claims that are not true ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(world: World, certified: Certified, test_set: Certified) -> Trained:
    held = registering([test_set])
    return train(held, "hospital-a", [certified.part()], [certified.holding], [], now=NOW)


def lying(
    world: World,
    certified: Certified,
    test_set: Certified,
    made: Trained,
    *,
    rows: np.ndarray | None = None,
    correct: int | None = None,
    left_out: tuple[int, ...] = (),
) -> Head:
    """A trainer that proves another count than is true, with the real prover."""
    held = registering([test_set])
    holding = test_set.holding if rows is None else replace(test_set.holding, rows=rows)
    part = Part(test_set.data, left_out)
    said = evaluate(held, made, [certified.part()], [part], [holding], [], now=NOW, correct=correct)
    return written(world, held, [certified], made, {}, said, [test_set])


ARGUMENT = ("accuracy", "argument")


def test_one_more_than_is_true(
    world: World, certified: Certified, test_set: Certified, made: Trained, head: Head
) -> None:
    for more in (1, 80 - correct_of(head)):
        said = correct_of(head) + more
        assert refusal(lying(world, certified, test_set, made, correct=said)) == ARGUMENT


def test_labels_that_the_head_would_like(
    world: World, certified: Certified, test_set: Certified, made: Trained, head: Head
) -> None:
    rows = test_set.holding.rows.copy()
    logits = rows[:, :31].astype(np.int64) @ made.weights.T
    rows[:, 31:] = np.eye(2, dtype=np.int8)[logits.argmax(axis=1)]
    assert refusal(lying(world, certified, test_set, made, rows=rows, correct=80)) == ARGUMENT


def test_another_heads_proof(
    world: World, certified: Certified, test_set: Certified, made: Trained, head: Head
) -> None:
    """Trained without one record: its count is not the other's."""
    other = train(
        registering([test_set]), "hospital-a", [certified.part(0)], [certified.holding], [], now=NOW
    )
    theirs = TrainingBundle.open(head.bundle).accuracy()
    assert theirs is not None
    bundle = written(world, registering([test_set]), [certified], other, {}, theirs, [test_set])
    assert refusal(bundle) == ("accuracy", "chain")
    moved = theirs.model_copy(update={"training": other.training.digest()})
    bundle = written(world, registering([test_set]), [certified], other, {}, moved, [test_set])
    assert refusal(bundle) == ARGUMENT


def test_a_hard_record_left_out(
    world: World, certified: Certified, test_set: Certified, made: Trained
) -> None:
    """It is not revoked: the test set is all of what the policy registers."""
    with pytest.raises(Refused, match="left out, and not revoked"):
        lying(world, certified, test_set, made, left_out=(3,))
    said = evaluate(
        registering([test_set]), made, [certified.part()], [test_set.part()], [test_set.holding], [], now=NOW
    )
    hidden = UsedData(certificate=test_set.data.certificate.digest(), left_out=(3,))
    bundle = written(
        world,
        registering([test_set]),
        [certified],
        made,
        {},
        said.model_copy(update={"data": (hidden,)}),
        [test_set],
    )
    assert refusal(bundle) == ("accuracy", "policy")


def test_a_test_set_that_was_trained_on(world: World, certified: Certified) -> None:
    """The same records, certified once more: tags tell."""
    again = world.certify(table(100, 180), like=certified.data.certificate)
    with pytest.raises(Refused, match="among the training records"):
        honest(world, registering([again]), [certified], tests=[again])


def test_a_record_that_is_twice_in_the_test_set(world: World, certified: Certified) -> None:
    twice = table(150, 180).take(np.array([*range(30), 7]))
    test = world.certify(twice, like=certified.data.certificate)
    with pytest.raises(Refused, match=r"record 30 of test set .* is there twice"):
        honest(world, registering([test]), [certified], tests=[test])


def test_the_same_statement_of_another_test_set(
    world: World, certified: Certified, test_set: Certified, made: Trained
) -> None:
    """An easier one than the policy registers."""
    easy = world.certify(table(300, 380), like=certified.data.certificate)
    said = evaluate(registering([easy]), made, [certified.part()], [easy.part()], [easy.holding], [], now=NOW)
    bundle = written(world, registering([test_set]), [certified], made, {}, said, [easy])
    assert refusal(bundle) == ("accuracy", "policy")


def test_fewer_than_the_policy_asks_for(world: World, certified: Certified, test_set: Certified) -> None:
    with pytest.raises(Refused, match="the policy asks for 80"):
        honest(world, registering([test_set], least="1"), [certified], tests=[test_set])


def test_a_test_set_of_other_numbers(world: World, certified: Certified) -> None:
    """Quantised for itself: its integers mean something else."""
    other = world.certify(table(150, 230))
    with pytest.raises(Refused, match="cannot be used together"):
        honest(world, registering([other]), [certified], tests=[other])


# -- parts of the bundle -------------------------------------------------------------------------------------------------------


def copied(head: Head, tmp_path: Path) -> Head:
    shutil.copytree(head.root, tmp_path / "head")
    return replace(head, root=tmp_path / "head")


def test_it_may_not_be_left_away(head: Head, tmp_path: Path) -> None:
    one = copied(head, tmp_path)
    (one.bundle / ACCURACY).unlink()
    assert refusal(one) == ("accuracy", "policy")


def test_it_may_not_be_added(world: World, certified: Certified, head: Head, tmp_path: Path) -> None:
    plain = honest(world, policy(), [certified])
    for name in (ACCURACY, TEST):
        one = copied(plain, tmp_path / name)
        if name == TEST:
            shutil.copytree(head.bundle / TEST, one.bundle / TEST)
        else:
            shutil.copy(head.bundle / ACCURACY, one.bundle / ACCURACY)
        assert refusal(one) == ("bundle", "digest")
    one = copied(plain, tmp_path / "empty")
    (one.bundle / TEST).mkdir()
    with pytest.raises(Refused, match="test does not belong there"):
        TrainingBundle.open(one.bundle)


def test_a_test_set_that_is_not_there(head: Head, tmp_path: Path) -> None:
    one = copied(head, tmp_path)
    shutil.rmtree(one.bundle / TEST)
    assert refusal(one) == ("data set", "digest")


def test_a_test_set_too_many(world: World, certified: Certified, head: Head, tmp_path: Path) -> None:
    one = copied(head, tmp_path)
    shutil.copytree(certified.folder, one.bundle / TEST / certified.data.certificate.serial)
    shutil.rmtree(one.bundle / TEST / certified.data.certificate.serial / "holder")
    assert refusal(one) == ("bundle", "digest")


def test_bytes_that_are_no_message(head: Head, tmp_path: Path) -> None:
    one = copied(head, tmp_path)
    held = (one.bundle / ACCURACY).read_bytes()
    for bad in (b"", held[:-1], held + b"\0"):
        (one.bundle / ACCURACY).write_bytes(bad)
        assert refusal(one) == ("accuracy", "decoding")


def test_every_byte_of_the_proof(head: Head, tmp_path: Path) -> None:
    """A sample of them: each makes another proof, or none."""
    one = copied(head, tmp_path)
    said = TrainingBundle.open(head.bundle).accuracy()
    assert said is not None
    for at in range(0, len(said.proof), len(said.proof) // 12):
        changed = bytearray(said.proof)
        changed[at] ^= 1
        other = said.model_copy(update={"proof": bytes(changed)})
        (one.bundle / ACCURACY).write_bytes(other.to_bytes())
        subject, stage = refusal(one)
        assert subject == "accuracy"
        assert stage in {"argument", "decoding", "shape"}


# -- policies ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "certificates = []",
        'certificates = ["sha256:00"]',
        'certificates = ["sha256:' + "0" * 64 + '", "sha256:' + "0" * 64 + '"]',
        'certificates = ["sha256:' + "0" * 64 + '"]\nmin_accuracy = "1.5"',
        'certificates = ["sha256:' + "0" * 64 + '"]\nmin_accuracy = 0.9',
    ],
)
def test_policies_that_register_nothing_sensible(line: str) -> None:
    from tests.provenance.head import POLICY

    with pytest.raises(Malformed):
        TrainingPolicy.parse(POLICY.replace("WEIGHTS", "public") + f"\n[test]\n{line}\n")


def test_how_many_are_asked_for() -> None:
    held = registering_digest("0.95")
    assert [held.test.least(n) for n in (1, 19, 20, 21, 100)] == [1, 19, 19, 20, 95]  # type: ignore[union-attr]
    assert registering_digest("0").test.least(50) == 1  # type: ignore[union-attr]


def registering_digest(least: str) -> TrainingPolicy:
    from tests.provenance.head import POLICY

    text = POLICY.replace("WEIGHTS", "public")
    return TrainingPolicy.parse(
        f'{text}\n[test]\ncertificates = ["sha256:{"0" * 64}"]\nmin_accuracy = "{least}"\n'
    )


def test_the_engine_counts_as_numpy_does(test_set: Certified, made: Trained) -> None:
    rows: Holding = test_set.holding
    small = rows.rows[:10]
    assert relation.count_correct(small, made.weights, 24) <= 10
    with pytest.raises(Refused):
        relation.count_correct(small[:, :-1], made.weights, 24)


def test_the_message_is_canonical(head: Head) -> None:
    held = (head.bundle / ACCURACY).read_bytes()
    assert Accuracy.from_bytes(held, limit=1 << 28).to_bytes() == held
