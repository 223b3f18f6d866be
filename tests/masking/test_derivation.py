"""How secrets become seeds and keys: two clients that derive different masks could not open their sum. The page's known answers, and HKDF
written out."""

from __future__ import annotations

import hmac
from dataclasses import replace

import numpy as np
import pytest

from fedproof.encoding.digest import sha256
from fedproof.policy.parameters import Shape
from fedproof.proofs import masking
from fedproof.round.masked import (
    MaskedRound,
    blinds_digest,
    masked_digest,
    row_digest,
    rows_digest,
)
from reference import masking as reference
from reference.group import PALLAS
from tests.masking.world import MaskedWorld

SESSION, SECRET = bytes([1]) * 32, bytes([2]) * 32


@pytest.fixture(scope="module")
def world() -> MaskedWorld:
    return MaskedWorld.announced()


@pytest.fixture
def round(world: MaskedWorld) -> MaskedRound:
    return replace(world.round, session=SESSION)


def hkdf(info: bytes) -> bytes:
    """RFC 5869 with SHA-256, for 32 bytes: one block."""
    extracted = hmac.digest(SESSION, SECRET, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def test_seeds_and_keys(round: MaskedRound) -> None:
    pair = round.pair_seed("ada", "bob", SECRET)
    assert pair.seed == hkdf(b"fedproof/v1/pair mask\0ada\0bob")
    assert pair.seed.hex() == "94d6917c6f10b79a499654e69b736fdf55c728e80dbcfc534fb2e61e9334f44d"
    own = round.self_seed("ada", SECRET)
    assert own.seed == hkdf(b"fedproof/v1/self mask\0ada")
    assert own.seed.hex() == "f0d68d66dd8bbdb2c6ed1cd050e04f8bdcfbfc78e7986d9f1c5bdeb39a7e4739"
    assert round.sealing_key("bob", "ada", SECRET) == hkdf(b"fedproof/v1/sealed shares\0bob\0ada")
    assert (
        round.sealing_key("bob", "ada", SECRET).hex()
        == "2d3d64e0c29b6af471db7c38a304d8f51364c59a49c860804de844e3627b91e6"
    )


def test_a_packed_mask_and_its_digests(round: MaskedRound) -> None:
    """spec/masks.md §2, spec/secure-aggregation.md §3; computed with another implementation."""
    q = (1 << 32) - 5
    shape, seed = Shape(11, 8), masking.Seed(bytes([7]) * 32, False)
    residues, scalars = masking.add_masks(round.suite, q, shape, np.zeros(11, np.uint64), bytes(64), [seed])
    packed = masking.pack(q, residues)
    first, last = (
        "edc9495483f26bfec4baf87f98a748aa4680a84f89fc34e8c92e871c062bf97a",
        "99f31738e05f52f3416bad80",
    )
    assert packed.hex() == first + last
    hashes = row_digest(0, packed[:32]) + row_digest(1, packed[32:])
    digests = rows_digest(hashes).hex(), blinds_digest(scalars).hex()
    assert digests[0] == "ebd5f133455d8eebb3415a0f917edcccb49f74c271257d904cb3cbcdaa86c796"
    assert digests[1] == "89c1373230f1ce7ff21f1b8bf7d81dc0053c142eff3bc6024dbff70d35777060"


def test_signs_cancel(round: MaskedRound) -> None:
    """The end whose name comes first adds, the other subtracts; taken away again it is the other way round."""
    first, second = round.pair_seed("ada", "bob", SECRET), round.pair_seed("bob", "ada", SECRET)
    assert first.seed == second.seed
    assert (first.negative, second.negative) == (False, True)
    assert round.pair_seed("ada", "bob", SECRET, removed=True).negative
    assert not round.pair_seed("bob", "ada", SECRET, removed=True).negative
    assert not round.self_seed("ada", SECRET).negative
    assert round.self_seed("ada", SECRET, removed=True).negative


def test_one_row_can_be_shown_alone(world: MaskedWorld) -> None:
    round = world.round
    short = round.shape.d * round.parameters.width
    rows = bytes(range(256)) * (short // 256 + 1)
    assert round.shape.rows == 1
    digest = sha256(b"fedproof/v1/masked row\0" + bytes(8) + rows[:short])
    assert row_digest(0, rows[:short]) == digest
    assert masked_digest(round, rows[:short]) == sha256(b"fedproof/v1/masked rows\0" + digest)
    assert blinds_digest(b"x") == sha256(b"fedproof/v1/masked blinds\0x")


@pytest.mark.parametrize("q", [(1 << 32) - 5, (1 << 40) - 87, (1 << 48) - 59])
def test_masks_are_those_of_the_second_implementation(q: int) -> None:
    """Three rows, the last of them short; added and taken away."""
    of, suite = Shape(d=21, columns=8), "pallas-keccak-ed25519-v1"
    seeds = [masking.Seed(bytes([n]) * 32, n == 2) for n in (1, 2, 3)]
    residues, blinds = masking.add_masks(suite, q, of, np.zeros(21, np.uint64), bytes(96), seeds)
    wanted = reference.Masked([0] * 3, [0] * 21)
    masks = [(-1 if s.negative else 1, reference.mask(PALLAS, q, s.seed, 21, 8)) for s in seeds]
    wanted = reference.add_masks(PALLAS, q, wanted, masks)
    assert residues.tolist() == wanted.residues
    assert [int.from_bytes(blinds[at : at + 32], "big") for at in (0, 32, 64)] == wanted.scalars
