"""Trees and proofs, against Go's sumdb/tlog (vectors/v1/log/tlog.json) and against lies."""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.log.note import Checkpoint, key_id, open_note, sign_note, verifier_text
from fedproof.log.tlog import (
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
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


def test_go_still_makes_these_vectors(tmp_path: Path) -> None:
    """All but the checkpoint's key, which Go draws anew."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed; the committed vectors stand for it")
    go = Path(__file__).parent / "go"
    built = subprocess.run(
        ["go", "build", "-o", tmp_path / "oracle", "."], cwd=go, capture_output=True, text=True, check=False
    )
    if built.returncode != 0:
        pytest.skip(f"Go cannot build the oracle here: {built.stderr[-200:]}")
    subprocess.run([tmp_path / "oracle", "make", tmp_path / "fresh.json"], check=True)
    fresh = json.loads((tmp_path / "fresh.json").read_text())
    for name in ("Entries", "Roots", "Inclusion", "Consistency", "Origin"):
        assert fresh[name] == VECTORS[name]
    name, _, key = fresh["Verifier"].split("+", 2)
    text = open_note(fresh["Checkpoint"].encode(), name, VerifyKey(base64.b64decode(key)[1:]))
    assert Checkpoint.parse(text, name).root == decoded(VECTORS["Roots"])[19]


def test_a_checkpoint_signed_by_go() -> None:
    name, identity, key = VECTORS["Verifier"].split("+", 2)
    verify = VerifyKey(base64.b64decode(key)[1:])
    assert key_id(name, verify).hex() == identity
    assert verifier_text(name, verify) == VECTORS["Verifier"]
    text = open_note(VECTORS["Checkpoint"].encode(), name, verify)
    checkpoint = Checkpoint.parse(text, VECTORS["Origin"])
    assert (checkpoint.size, checkpoint.root) == (20, decoded(VECTORS["Roots"])[19])


SIZES = range(1, 71)
ROOTS = {size: tree_root(LEAVES[:size]) for size in range(71)}


def flips(proof: list[bytes], every_byte: bool) -> Iterator[list[bytes]]:
    """The proof with one bit of one byte turned: of every byte, or of one in each hash, another one each time."""
    for k, value in enumerate(proof):
        for at in range(32) if every_byte else [(7 * k + value[0]) % 32]:
            turned = bytes([*value[:at], value[at] ^ 1 << at % 8, *value[at + 1 :]])
            yield [*proof[:k], turned, *proof[k + 1 :]]


def refused(check: Callable[..., None], *arguments: object) -> bool:
    """Faster than `pytest.raises`, and there are many."""
    try:
        check(*arguments)
    except Refused:
        return True
    return False


@pytest.mark.parametrize("size", SIZES)
def test_every_part_of_an_inclusion_proof_counts(size: int) -> None:
    root = ROOTS[size]
    for index in range(size):
        leaf, proof = LEAVES[index], prove_inclusion(LEAVES[:size], index)
        check_inclusion(leaf, index, size, proof, root)
        for lie in flips(proof, every_byte=size == 70 or index in (0, size // 2, size - 1)):
            assert refused(check_inclusion, leaf, index, size, lie, root)
        for k in range(len(proof)):
            assert refused(check_inclusion, leaf, index, size, proof[:k], root)
        assert refused(check_inclusion, leaf, index, size, [*proof, root], root)
        assert refused(check_inclusion, leaf, index, size, proof, bytes(32))
        assert refused(check_inclusion, leaf, size, size, proof, root)
        assert refused(check_inclusion, leaf, -1, size, proof, root)
        if size > 1:
            assert refused(check_inclusion, LEAVES[index - 1], index, size, proof, root)
            assert refused(check_inclusion, leaf, (index + 1) % size, size, proof, root)


@pytest.mark.parametrize("size", SIZES)
def test_every_part_of_a_consistency_proof_counts(size: int) -> None:
    after = ROOTS[size]
    for old in range(1, size + 1):
        before, proof = ROOTS[old], prove_consistency(LEAVES[:size], old)
        check_consistency(old, before, size, after, proof)
        for lie in flips(proof, every_byte=size == 70 or old in (1, size // 2, size - 1)):
            assert refused(check_consistency, old, before, size, after, lie)
        for k in range(len(proof)):
            assert refused(check_consistency, old, before, size, after, proof[:k])
        assert refused(check_consistency, old, before, size, after, [*proof, after])
        assert refused(check_consistency, old, bytes(32), size, after, proof)
        assert refused(check_consistency, old, before, size, bytes(32), proof)
    assert refused(check_consistency, 0, ROOTS[0], size, after, [])
    assert refused(check_consistency, size + 1, ROOTS[size], size, after, [])


def test_no_proof_for_what_is_not_there() -> None:
    for prove, leaves, at in (
        (prove_inclusion, LEAVES, 70),
        (prove_inclusion, [], 0),
        (prove_consistency, LEAVES, 0),
        (prove_consistency, LEAVES, 71),
    ):
        with pytest.raises(IndexError):
            prove(leaves, at)


def test_hashes_of_other_lengths_prove_nothing() -> None:
    """An inner node is H(01, 64 bytes): without a look at lengths, nothing and its two children make it too."""
    both = LEAVES[0] + LEAVES[1]
    assert node_hash(b"", both) == ROOTS[2]
    for leaf, proof in ((b"", [both]), (both, [b""]), (LEAVES[0][:31], [LEAVES[0][31:] + LEAVES[1]])):
        for index in (0, 1):
            with pytest.raises(Refused) as error:
                check_inclusion(leaf, index, 2, proof, ROOTS[2])
            assert error.value.stage == "shape"
    with pytest.raises(Refused):
        check_consistency(1, b"", 2, ROOTS[2], [both])


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
        NOTE + NOTE.rsplit(b"\n\n", 1)[1].replace(b"here", b"a+b"),
        NOTE + NOTE.rsplit(b"\n\n", 1)[1].replace(b"here", "a\u2003b".encode()),
        NOTE + NOTE.rsplit(b"\n\n", 1)[1].replace(b"here", b""),
        NOTE + "— w AAAA\n".encode(),
        NOTE + "— w AAAAAAB=\n".encode(),
        NOTE + "— w AAAAAAA=\n".encode() * 100,
    ],
)
def test_notes_that_are_none(note: bytes) -> None:
    with pytest.raises((Malformed, Refused)):
        open_note(note, "here", KEY.verify_key)


def test_every_bit_of_a_note_counts() -> None:
    for at, value in enumerate(NOTE):
        for bit in range(8):
            note = NOTE[:at] + bytes([value ^ 1 << bit]) + NOTE[at + 1 :]
            assert refused_or_malformed(note), (at, bit)
        assert refused_or_malformed(NOTE[:at])


def refused_or_malformed(note: bytes) -> bool:
    try:
        open_note(note, "here", KEY.verify_key)
    except (Malformed, Refused):
        return True
    return False


def test_up_to_99_witnesses() -> None:
    assert open_note(NOTE + "— w AAAAAAA=\n".encode() * 99, "here", KEY.verify_key) == TEXT


@pytest.mark.parametrize(
    ("text", "name"),
    [("no newline", "here"), ("a\r\n", "here"), (TEXT, ""), (TEXT, "a b"), (TEXT, "a+b"), (TEXT, "a\nb")],
)
def test_what_no_reader_would_take_is_not_signed(text: str, name: str) -> None:
    with pytest.raises(UsageError):
        sign_note(text, name, KEY)


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
        "here\n" + "9" * 5000 + "\n" + TEXT.split("\n")[2] + "\n",
        TEXT.replace("\n3\n", "\n+3\n"),
        TEXT.replace("\n3\n", "\n3_0\n"),
        TEXT.replace("\n3\n", "\n\u0663\n"),
        TEXT.replace("A=", "B="),
    ],
)
def test_checkpoints_that_are_none(text: str) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(text, "here")


def test_the_checkpoint_of_another_log() -> None:
    with pytest.raises(Refused):
        Checkpoint.parse(TEXT, "there")
