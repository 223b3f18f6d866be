"""masks.md against reference/masking.py: known answers, proofs, refusals, shares."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from reference.aes import encrypt, key_stream
from reference.errors import Refused
from reference.generators import generator
from reference.group import BN254, PALLAS, Point, Suite, combination, encode
from reference.keccak import keccak256
from reference.masking import (
    WIDTHS,
    KeyClaim,
    Masked,
    add_masks,
    base,
    candidates,
    check_share,
    decode_key,
    decode_scalar,
    integer,
    interpolate,
    interpolate_points,
    mask,
    pack,
    prove_key,
    public_key,
    row_mask,
    share,
    share_commitments,
    share_image,
    shared_point,
    unpack,
    verify_key,
)

Q32, Q40, Q48 = WIDTHS
SEED = bytes([7]) * 32
SCALARS = {
    0: 0x0773FE787335F9B5728A22AF8A1E3F7CA24D4615D4A44FBB03B46950F544AD98,
    1: 0x1B4EAB577417661DC04C2E5B1316E521EB9E18E47ED7245CA0F86627F7F52DC4,
    1048576: 0x3BA06BBD6B1AD3921891784C712759778D6FF941AF1C045206F895A2E66ABEEE,
}
RESIDUES = [
    (Q32, 0, [1414121965, 4268487299, 2147007172]),
    (Q32, 1, [941093785, 4082261984, 2158848833]),
    (Q32, 1048576, [659975054, 637544939, 4287577663]),
    (Q40, 0, [564054837741, 802168925170, 312049434616]),
    (Q40, 1, [963013768089, 460667966047, 301394067629]),
    (Q40, 1048576, [1009977289614, 267347427369, 492690734991]),
    (Q48, 0, [266645868759533, 140706262089323, 141040992954264]),
    (Q48, 1, [105416618406809, 141482317181778, 13180370037884]),
    (Q48, 1048576, [46089954028430, 280990689732096, 89368260949671]),
]
SUITES = [pytest.param(PALLAS, id="pallas"), pytest.param(BN254, id="bn254")]


def refused(stage: str, act: Callable[..., Any], *arguments: Any) -> None:
    with pytest.raises(Refused) as caught:
        act(*arguments)
    assert caught.value.stage == stage


def test_published_blocks() -> None:
    """FIPS 197, C.3, and SP 800-38A, F.5.5."""
    block = encrypt(bytes(range(32)), bytes.fromhex("00112233445566778899aabbccddeeff"))
    assert block.hex() == "8ea2b7ca516745bfeafc49904b496089"
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    block = key_stream(key, 0xF0F1F2F3F4F5F6F7, 0xF8F9FAFBFCFDFEFF)
    assert block.hex() == "0bdf7df1591716335e9a8b15c860c502"


@pytest.mark.parametrize(("q", "row", "residues"), RESIDUES)
def test_known_answers(q: int, row: int, residues: list[int]) -> None:
    assert row_mask(PALLAS, q, SEED, row, 3) == (SCALARS[row], residues)


@pytest.mark.parametrize("q", WIDTHS)
def test_a_row_is_a_prefix_of_a_longer_one(q: int) -> None:
    assert row_mask(PALLAS, q, SEED, 5, 200)[1][:70] == row_mask(PALLAS, q, SEED, 5, 70)[1]
    assert row_mask(PALLAS, q, SEED, 5, 0)[1] == []


def test_candidates_lie_across_blocks() -> None:
    """Cut by hand from the whole stream."""
    stream = b"".join(key_stream(SEED, 1 << 40, i) for i in range(4, 80))
    for q, width in WIDTHS.items():
        cut = [int.from_bytes(stream[i * width : (i + 1) * width], "little") for i in range(150)]
        assert max(cut) < q  # none is left out here
        assert row_mask(PALLAS, q, SEED, 1 << 40, 150)[1] == cut


@pytest.mark.parametrize("q", WIDTHS)
def test_candidates_that_are_not_below_q(q: int, monkeypatch: pytest.MonkeyPatch) -> None:
    width = WIDTHS[q]
    values = [5, q, q - 1, 256**width - 1, 0, *[q + 1] * 30, 9, *[8] * 30]
    stream = bytes(64) + b"".join(v.to_bytes(width, "little") for v in values)
    monkeypatch.setattr(
        "reference.masking.key_stream",
        lambda key, row, number: stream[16 * number : 16 * number + 16],
    )
    assert row_mask(PALLAS, q, SEED, 0, 5) == (0, [5, q - 1, 0, 9, 8])
    assert list(candidates(iter([b"\x01\x00\x00", b"\x00\x02", b"\x00"]), 2)) == [1, 0, 2]


@pytest.mark.parametrize(
    ("row", "index", "before", "after"),
    [(332491, 1851, 1285398839, 1159259563), (403100, 1551, 4235543530, 1805421134)],
)
def test_known_rows_with_a_candidate_left_out(row: int, index: int, before: int, after: int) -> None:
    """Found by search with another library: 4294967294 and 4294967293 stand at `index`, above 2^32 − 5."""
    residues = row_mask(PALLAS, Q32, SEED, row, 4096)[1]
    assert residues[index - 1 : index + 1] == [before, after]


def test_seed_of_another_length() -> None:
    refused("statement", row_mask, PALLAS, Q32, bytes(31), 0, 1)


@pytest.mark.parametrize("q", WIDTHS)
def test_residues(q: int) -> None:
    for v in (0, 1, -1, q // 2, -(q // 2)):
        assert integer(q, v % q) == v
    assert integer(q, (q // 2 + 1) % q) == -(q // 2), "half of q is too large to come back"


@pytest.mark.parametrize("q", WIDTHS)
def test_packing(q: int) -> None:
    residues = [0, 1, q - 1, 258]
    data = pack(q, residues)
    assert data[-WIDTHS[q] :] == b"\x02\x01" + bytes(WIDTHS[q] - 2)
    assert unpack(q, data, 4) == residues
    assert unpack(q, b"", 0) == []
    for wrong in (data[:-1], data + b"\x00", data[WIDTHS[q] :], b""):
        refused("shape", unpack, q, wrong, 4)
    for v in (q, 256 ** WIDTHS[q] - 1):
        refused("decoding", unpack, q, data[: -WIDTHS[q]] + v.to_bytes(WIDTHS[q], "little"), 4)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("q", WIDTHS)
def test_masks_cancel(suite: Suite, q: int) -> None:
    """Three parties, one mask for each pair; rows of 4, the last of 2."""
    masks = [mask(suite, q, bytes([i]) * 32, 10, 4) for i in range(3)]
    assert all(len(m.scalars) == 3 and len(m.residues) == 10 for m in masks)
    assert row_mask(suite, q, bytes(32), 2, 2) == (masks[0].scalars[2], masks[0].residues[8:])
    updates = [Masked([i, 2, suite.r - 1], [(i * j - 7) % q for j in range(10)]) for i in range(3)]
    signs = [[(1, 0), (1, 1)], [(-1, 0), (1, 2)], [(-1, 1), (-1, 2)]]
    masked = [
        add_masks(suite, q, update, [(sign, masks[i]) for sign, i in of])
        for update, of in zip(updates, signs, strict=True)
    ]
    assert masked[0] != updates[0]
    total = add_masks(suite, q, masked[0], [(1, masked[1]), (1, masked[2])])
    assert total.scalars == [3, 6, suite.r - 3]
    assert [integer(q, v) for v in total.residues] == [3 * j - 21 for j in range(10)]


@pytest.mark.parametrize("suite", SUITES)
def test_keys(suite: Suite) -> None:
    a, b = 1234567, suite.r - 2
    key_a, key_b = public_key(suite, a), public_key(suite, b)
    assert public_key(suite, 1) == base(suite) == generator(suite, b"D")
    assert (
        shared_point(suite, a, key_b) == shared_point(suite, b, key_a) == public_key(suite, a * b % suite.r)
    )
    assert decode_key(suite, encode(key_a)) == key_a
    top = bytes([0x80]) + bytes(31)
    off = next(i for i in range(1, 50) if not on_curve(suite, i))
    refused("statement", decode_key, suite, bytes(32))
    for wrong in (top, b"", bytes(31), encode(key_a) + b"\x00", suite.p.to_bytes(32, "big")):
        refused("decoding", decode_key, suite, wrong)
    refused("decoding", decode_key, suite, off.to_bytes(32, "big"))
    for secret in (0, suite.r):
        with pytest.raises(AssertionError):
            public_key(suite, secret)


def on_curve(suite: Suite, x: int) -> bool:
    return pow(x**3 + suite.b, (suite.p - 1) // 2, suite.p) == 1


def claim_of(suite: Suite, secret: int, further: list[Point]) -> KeyClaim:
    images = [combination(suite, [(secret, point)]) for point in [base(suite), *further]]
    return KeyClaim(b"context", images, further)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("others", [0, 1, 2])
def test_honest_proofs(suite: Suite, others: int) -> None:
    further = [public_key(suite, 77 + i) for i in range(others)]
    claim = claim_of(suite, 99, further)
    proof = prove_key(suite, claim, 99, 5555)
    assert len(proof) == 32 * (2 + others)
    assert proof[:32] == encode(public_key(suite, 5555))
    verify_key(suite, claim, proof)


def test_the_transcript() -> None:
    """Every absorb, built here from bytes."""
    other = public_key(PALLAS, 4)
    claim = claim_of(PALLAS, 3, [other])
    proof = prove_key(PALLAS, claim, 3, 2)
    D = base(PALLAS)
    steps = [
        ("suite", 0, b"pallas-keccak-ed25519-v1"),
        ("version", 0, b"fedproof/v1"),
        ("relation", 0, b"key proof"),
        ("generators", 0, b"fedproof/v1/generators-pallas_XMD:SHA-256_SVDW_RO_"),
        ("context", 0, b"context"),
        ("base", 0, encode(D)),
        ("image", 0, encode(public_key(PALLAS, 3))),
        ("base", 1, encode(other)),
        ("image", 1, encode(public_key(PALLAS, 12))),
        ("nonce", 0, encode(public_key(PALLAS, 2))),
        ("nonce", 1, encode(public_key(PALLAS, 8))),
    ]
    s = keccak256(b"fedproof/v1/transcript")
    for name, i, data in steps:
        label = len(name).to_bytes(2, "big") + name.encode() + i.to_bytes(4, "big") + bytes(4)
        s = keccak256(s + b"A" + label + len(data).to_bytes(8, "big") + data)
    s = keccak256(s + b"C\x00\x09challenge" + bytes(8))
    c = int.from_bytes(keccak256(s + b"\x00") + keccak256(s + b"\x01"), "big") % PALLAS.r
    z = (2 + 3 * c) % PALLAS.r
    assert proof == steps[-2][2] + steps[-1][2] + z.to_bytes(32, "big")


def test_dishonest_proofs() -> None:
    suite, secret, nonce = PALLAS, 99, 5555
    other = public_key(suite, 77)
    claim = claim_of(suite, secret, [other])
    proof = prove_key(suite, claim, secret, nonce)
    wrong = [
        claim._replace(context=b"contexT"),
        claim._replace(context=b""),
        claim._replace(images=[claim.images[0], public_key(suite, 5)]),
        claim._replace(images=[public_key(suite, 5), claim.images[1]]),
        claim._replace(images=[None, None]),
        claim._replace(further=[public_key(suite, 78)]),
    ]
    for false in wrong:
        refused("statement" if None in false.images else "argument", verify_key, suite, false, proof)
        if None not in false.images and (false.images, false.further) != (claim.images, claim.further):
            refused("argument", verify_key, suite, false, prove_key(suite, false, secret, nonce))
    identity = claim._replace(further=[None], images=[claim.images[0], None])
    refused("statement", verify_key, suite, identity, proof)
    refused("argument", verify_key, suite, claim, prove_key(suite, claim, secret + 1, nonce))
    # each part of the proof replaced by another of good encoding
    for i in range(2):
        changed = proof[: 32 * i] + encode(base(suite)) + proof[32 * i + 32 :]
        refused("argument", verify_key, suite, claim, changed)
        refused("argument", verify_key, suite, claim, proof[: 32 * i] + bytes(32) + proof[32 * i + 32 :])
    z = int.from_bytes(proof[-32:], "big")
    for v in (0, (z + 1) % suite.r, suite.r - z):
        refused("argument", verify_key, suite, claim, proof[:-32] + v.to_bytes(32, "big"))
    refused("argument", verify_key, suite, claim, proof[32:64] + proof[:32] + proof[64:])
    # a claim with one base is not proved by the first part of a proof with two
    refused("argument", verify_key, suite, KeyClaim(b"context", claim.images[:1]), proof[:32] + proof[64:])
    # two proofs with one nonce give the secret
    second = prove_key(suite, claim._replace(context=b"2"), secret, nonce)
    points = [public_key(suite, nonce), combination(suite, [(nonce, other)])]
    challenges = [c.challenge(suite, points) for c in (claim, claim._replace(context=b"2"))]
    difference = int.from_bytes(proof[-32:], "big") - int.from_bytes(second[-32:], "big")
    assert difference * pow(challenges[0] - challenges[1], -1, suite.r) % suite.r == secret


def test_the_identity_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the refusal 0·D and k·0 pass as what somebody's key makes."""
    lonely = KeyClaim(b"", [None])
    beside = KeyClaim(b"", [public_key(PALLAS, 3), None], [None])
    for claim, secret in ((lonely, 0), (beside, 3)):
        with monkeypatch.context() as lax:
            lax.setattr(KeyClaim, "bases", lambda self, suite: [base(suite), *self.further])
            proof = prove_key(PALLAS, claim, secret, 5)
            verify_key(PALLAS, claim, proof)
        refused("statement", verify_key, PALLAS, claim, proof)


def test_proof_of_another_suite() -> None:
    proof = prove_key(PALLAS, claim_of(PALLAS, 9, []), 9, 8)
    with pytest.raises(Refused):
        verify_key(BN254, claim_of(BN254, 9, []), proof)


@pytest.mark.parametrize("suite", SUITES)
def test_encodings_of_a_proof(suite: Suite) -> None:
    claim = claim_of(suite, 99, [public_key(suite, 77)])
    proof = prove_key(suite, claim, 99, 5555)
    for wrong in (b"", proof[:-1], proof + b"\x00", proof[32:], proof + bytes(32), bytes(31)):
        refused("shape", verify_key, suite, claim, wrong)
    top = bytes([0x80]) + bytes(31)
    off = next(i for i in range(1, 50) if not on_curve(suite, i)).to_bytes(32, "big")
    for i in range(2):
        for point in (top, off, suite.p.to_bytes(32, "big"), b"\xff" * 32):
            refused("decoding", verify_key, suite, claim, proof[: 32 * i] + point + proof[32 * i + 32 :])
    z = int.from_bytes(proof[-32:], "big")
    for v in (suite.r, z + suite.r, 2**256 - 1):
        refused("decoding", verify_key, suite, claim, proof[:-32] + v.to_bytes(32, "big"))
    refused("decoding", decode_scalar, suite, bytes(31))
    refused("shape", verify_key, suite, claim._replace(further=[]), proof)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("threshold", [1, 2, 3, 5])
def test_shares(suite: Suite, threshold: int) -> None:
    coefficients = [pow(3, 100 + i, suite.r) for i in range(threshold)]
    secret, holders = coefficients[0], [1, 2, 3, 4, 70000]
    commitments = share_commitments(suite, coefficients)
    shares = {holder: share(suite, coefficients, holder) for holder in holders}
    for holder, value in shares.items():
        assert share_image(suite, commitments, holder) == public_key(suite, value)
        check_share(suite, commitments, holder, value)
        refused("argument", check_share, suite, commitments, holder, (value + 1) % suite.r)
    if threshold > 1:
        refused("argument", check_share, suite, commitments, 1, shares[2])
    E = public_key(suite, 31)
    for chosen in [*list(combinations(holders, threshold))[::4], tuple(reversed(holders[-threshold:]))]:
        assert interpolate(suite, {holder: shares[holder] for holder in chosen}, threshold) == secret
        points = {holder: combination(suite, [(shares[holder], E)]) for holder in chosen}
        assert interpolate_points(suite, points, threshold) == combination(suite, [(secret, E)])


def test_thresholds() -> None:
    coefficients = [11, 22, 33]
    shares = {holder: share(PALLAS, coefficients, holder) for holder in (1, 2, 3, 4)}
    assert shares[2] == 11 + 44 + 132
    assert interpolate(PALLAS, {1: shares[1], 2: shares[2]}, 2) != 11  # fewer than they need
    assert interpolate(PALLAS, shares, 4) == 11  # more do no harm
    for few in ({}, {1: shares[1], 2: shares[2]}, shares):
        refused("shape", interpolate, PALLAS, few, 3)
    refused("shape", interpolate, PALLAS, {}, 0)
    refused("statement", interpolate, PALLAS, {0: 11, 1: shares[1], 2: shares[2]}, 3)
    refused("statement", interpolate, PALLAS, {1: shares[1], PALLAS.r + 1: shares[1], 2: shares[2]}, 3)
    refused("statement", interpolate_points, PALLAS, {0: base(PALLAS)}, 1)
    wrong = {1: shares[1], 2: shares[2] + 1, 3: shares[3]}
    assert interpolate(PALLAS, wrong, 3) != 11
