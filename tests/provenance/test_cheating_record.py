"""The record: rounds left out, reordered, repeated, or signed by somebody else.

A dishonest aggregator signs anything, alone or with a client; each lie is refused, at the object and the
stage where it lies.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fedproof.encoding.digest import sha256
from fedproof.errors import FedproofError, Refused
from fedproof.identity.keys import SigningKey
from fedproof.provenance import verify_bundle
from tests.provenance.world import (
    Forgery,
    changed,
    refusal,
    told,
)


def test_a_faithful_copy_is_refused_for_its_certificate_only(forgery: Forgery, tmp_path: Path) -> None:
    """What the other tests change is what they are refused for."""
    for index in range(3):
        forgery.resign(index)
    with pytest.raises(FedproofError, match="certificate"):
        verify_bundle(
            *forgery.write(tmp_path)[:1],
            model=tmp_path / "model.safetensors",
            policy=forgery.world.policy,
            trust=forgery.world.trust,
        )


def test_a_round_left_out_at_the_end(forgery: Forgery, tmp_path: Path) -> None:
    forgery.rounds.pop()
    assert told(refusal(forgery, tmp_path))[:2] == ("record", "policy")
    del forgery.rounds[1:]
    error = refusal(forgery, tmp_path / "one")
    assert error.detail == "1 round on record, the policy asks for 3"


def test_a_round_left_out_in_the_middle(forgery: Forgery, tmp_path: Path) -> None:
    del forgery.rounds[1]
    forgery.rounds.append(forgery.rounds[-1])
    assert told(refusal(forgery, tmp_path))[:3] == ("record", "chain", 1)


def test_a_round_left_out_and_the_next_renumbered(forgery: Forgery, tmp_path: Path) -> None:
    """Entry, announcement, base: all fits but what the clients signed."""
    first, last = forgery.rounds[0], forgery.rounds[2]
    previous = sha256(forgery.entries()[0])
    last.announcement = changed(last.announcement, round=1, previous=previous, base=first.result.after)
    last.entry = changed(last.entry, round=1)
    forgery.resign(2)
    forgery.rounds = [first, last, last]
    assert told(refusal(forgery, tmp_path)) == ("ready", "statement", 1, "ada")


def test_rounds_in_another_order(forgery: Forgery, tmp_path: Path) -> None:
    forgery.rounds[1], forgery.rounds[2] = forgery.rounds[2], forgery.rounds[1]
    assert told(refusal(forgery, tmp_path))[:3] == ("record", "chain", 1)


def test_a_round_twice(forgery: Forgery, tmp_path: Path) -> None:
    forgery.rounds = [forgery.rounds[0], forgery.rounds[0], forgery.rounds[1]]
    assert told(refusal(forgery, tmp_path))[:3] == ("record", "chain", 1)


def test_entries_that_do_not_follow_each_other(forgery: Forgery, tmp_path: Path) -> None:
    entries = forgery.entries()
    entries[1] = changed(forgery.rounds[1].entry, previous=bytes(32)).to_bytes()
    assert told(refusal(forgery, tmp_path, entries))[:3] == ("record", "chain", 1)


def test_no_round_at_all(forgery: Forgery, tmp_path: Path) -> None:
    forgery.rounds.clear()
    assert told(refusal(forgery, tmp_path))[:2] == ("record", "chain")


def test_a_log_that_another_key_signed(forgery: Forgery, tmp_path: Path) -> None:
    forgery.log_key = SigningKey.generate()
    assert refusal(forgery, tmp_path).stage == "signature"


def test_a_log_of_another_federation(forgery: Forgery, tmp_path: Path) -> None:
    forgery.origin = "elsewhere"
    with pytest.raises(FedproofError):
        verify_bundle(
            forgery.write(tmp_path)[0],
            model=tmp_path / "model.safetensors",
            policy=forgery.world.policy,
            trust=forgery.world.trust,
        )


def test_a_blob_that_belongs_to_nothing(forgery: Forgery, tmp_path: Path) -> None:
    extra = forgery.keep(b"nobody asked for this")
    bundle, model = forgery.write(tmp_path, unused=True)
    with pytest.raises(Refused, match=extra.hex()) as error:
        verify_bundle(bundle, model=model, policy=forgery.world.policy, trust=forgery.world.trust)
    assert told(error.value)[:2] == ("bundle", "digest")


def test_a_file_in_the_log_that_the_checkpoint_does_not_reach(forgery: Forgery, tmp_path: Path) -> None:
    bundle, model = forgery.write(tmp_path)
    (bundle / "log/tile/entries/000.p/1").write_bytes(b"what I always wanted to say")
    with pytest.raises(Refused, match="nothing that the checkpoint leads to") as error:
        verify_bundle(bundle, model=model, policy=forgery.world.policy, trust=forgery.world.trust)
    assert told(error.value)[:2] == ("bundle", "digest")
