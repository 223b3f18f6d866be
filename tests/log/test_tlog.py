"""Trees and proofs, against Go's sumdb/tlog (vectors/v1/log/tlog.json) and against lies."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.log.note import Checkpoint, key_id, open_note, sign_note, verifier_text
from fedproof.log.tlog import (
    check_consistency,
    check_inclusion,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    tree_root,
)

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "vectors/v1/log/tlog.json").read_text())
LEAVES = [leaf_hash(bytes([i])) for i in range(70)]


def decoded(values: list[str]) -> list[bytes]:
    return [base64.b64decode(v) for v in values]


def test_roots_and_proofs_are_gos() -> None:
    leaves = [leaf_hash(e) for e in decoded(VECTORS["Entries"])]
    assert [tree_root(leaves[:n]) for n in range(1, 21)] == decoded(VECTORS["Roots"])
    for v in VECTORS["Inclusion"]:
        proof = decoded(v["Proof"])
        assert prove_inclusion(leaves[: v["Size"]], v["Index"]) == proof
        check_inclusion(leaves[v["Index"]], v["Index"], v["Size"], proof, tree_root(leaves[: v["Size"]]))
    for v in VECTORS["Consistency"]:
        proof = decoded(v["Proof"])
        assert prove_consistency(leaves[: v["Size"]], v["Old"]) == proof
        check_consistency(
            v["Old"], tree_root(leaves[: v["Old"]]), v["Size"], tree_root(leaves[: v["Size"]]), proof
        )


def test_a_checkpoint_signed_by_go() -> None:
    name, identity, key = VECTORS["Verifier"].split("+", 2)
    verify = VerifyKey(base64.b64decode(key)[1:])
    assert key_id(name, verify).hex() == identity
    assert verifier_text(name, verify) == VECTORS["Verifier"]
    text = open_note(VECTORS["Checkpoint"].encode(), name, verify)
    checkpoint = Checkpoint.parse(text, VECTORS["Origin"])
    assert (checkpoint.size, checkpoint.root) == (20, decoded(VECTORS["Roots"])[19])


@given(st.integers(1, 70), st.data())
def test_every_part_of_an_inclusion_proof_counts(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, proof = tree_root(LEAVES[:size]), prove_inclusion(LEAVES[:size], index)
    check_inclusion(LEAVES[index], index, size, proof, root)
    lies = [
        (LEAVES[index], index, size, [*proof, root], root),
        (LEAVES[index], index, size, proof, bytes(32)),
    ]
    lies += [(LEAVES[index - 1], index, size, proof, root)] if size > 1 else []
    lies += [(LEAVES[index], (index + 1) % size, size, proof, root)] if size > 1 else []
    for k in range(len(proof)):
        flipped = [*proof[:k], bytes([proof[k][0] ^ 1]) + proof[k][1:], *proof[k + 1 :]]
        lies += [(LEAVES[index], index, size, flipped, root), (LEAVES[index], index, size, proof[:k], root)]
    for lie in lies:
        with pytest.raises(Refused):
            check_inclusion(*lie)


@given(st.integers(1, 70), st.data())
def test_every_part_of_a_consistency_proof_counts(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    before, after = tree_root(LEAVES[:old]), tree_root(LEAVES[:size])
    proof = prove_consistency(LEAVES[:size], old)
    check_consistency(old, before, size, after, proof)
    lies = [
        (old, bytes(32), size, after, proof),
        (old, before, size, bytes(32), proof),
        (old, before, size, after, [*proof, after]),
    ]
    for k in range(len(proof)):
        flipped = [*proof[:k], bytes([proof[k][0] ^ 1]) + proof[k][1:], *proof[k + 1 :]]
        lies += [(old, before, size, after, flipped), (old, before, size, after, proof[:k])]
    for lie in lies:
        with pytest.raises(Refused):
            check_consistency(*lie)


def test_a_fork_is_no_extension() -> None:
    fork = [*LEAVES[:4], leaf_hash(b"other"), *LEAVES[5:9]]
    with pytest.raises(Refused):
        check_consistency(6, tree_root(LEAVES[:6]), 9, tree_root(fork), prove_consistency(fork, 6))


KEY = SigningKey.generate()
TEXT = Checkpoint("here", 3, bytes(32)).text()
NOTE = sign_note(TEXT, "here", KEY)


def test_a_note_of_ours() -> None:
    assert open_note(NOTE, "here", KEY.verify_key) == TEXT


def test_a_witness_may_sign_too() -> None:
    line = sign_note(TEXT, "witness", SigningKey.generate()).decode().rsplit("\n\n", 1)[1]
    assert open_note(NOTE + line.encode(), "here", KEY.verify_key) == TEXT


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\xff\n\n",
        TEXT.encode(),
        NOTE[:-1],
        NOTE + b"junk\n",
        NOTE.replace("— ".encode(), b"- "),
        NOTE + NOTE.rsplit(b"\n\n", 1)[1],
        NOTE.replace(b"here\n3", b"here\n4"),
        NOTE.replace(b"\n3\n", b"\n3\r\n"),
        b"x" * (1 << 17),
    ],
)
def test_notes_that_are_none(note: bytes) -> None:
    with pytest.raises((Malformed, Refused)):
        open_note(note, "here", KEY.verify_key)


def test_notes_by_others() -> None:
    for name, key in (("here", SigningKey.generate()), ("there", KEY)):
        with pytest.raises(Refused) as refused:
            open_note(NOTE, name, key.verify_key)
        assert refused.value.stage == "signature"


@pytest.mark.parametrize(
    "text",
    [
        "here\n3\n",
        "here\n03\nAAAA\n",
        "here\n-1\n" + TEXT.split("\n")[2] + "\n",
        TEXT + "extension\n",
        "here\n3\nAAAA\n",
        TEXT[:-1],
    ],
)
def test_checkpoints_that_are_none(text: str) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(text, "here")


def test_the_checkpoint_of_another_log() -> None:
    with pytest.raises(Refused):
        Checkpoint.parse(TEXT, "there")
