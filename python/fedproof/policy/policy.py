"""The policy (spec/policy.md): one file says what a federation demands. Its digest is bound into every proof, and a verifier holds
its own copy. The defaults of a policy version never change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from fedproof.encoding import cbor
from fedproof.encoding.digest import parse_sha256, sha256
from fedproof.encoding.files import read_capped
from fedproof.encoding.message import Message, Record, validated
from fedproof.encoding.text import Name, printable
from fedproof.encoding.toml import parse_toml
from fedproof.errors import Malformed, UsageError
from fedproof.policy.aggregate import Aggregate
from fedproof.policy.masking import Masking, modulus

DEFAULT_SUITE = "pallas-keccak-ed25519-v1"
SUITES = {DEFAULT_SUITE: 126, "bn254-keccak-ed25519-v1": 100}
"""Suites of this version and their weakest bits."""

FLOOR_BITS = 112

_LIMIT = 1 << 20

Pattern = Annotated[str, Field(min_length=1, max_length=512)]


class Model(Record):
    """What of the base model is not trained. frozen: shell-style patterns over names of tensors (`*`, `?`, `[…]`, case matters). Integers
    and booleans are never trained."""

    frozen: Annotated[tuple[Pattern, ...], Field(max_length=1024)] = ()


class Weights(Record):
    """source: who says how much a client weighs. max: largest weight of one client."""

    source: Literal["declared"] = "declared"
    max: Annotated[int, Field(ge=1, le=1 << 32)] = 1


class Update(Record):
    """scale: one unit is 2^-scale. max_abs: bound on every coordinate, in units. max_norm: bound on the Euclidean norm, in units;
    exact: Σ x² ≤ max_norm²."""

    scale: Annotated[int, Field(ge=0, le=24)]
    max_abs: Annotated[int, Field(ge=1, le=32767)]
    max_norm: Annotated[int, Field(ge=1, le=1 << 40)]
    weights: Weights = Weights()


class Round(Record):
    """rounds: how many the federation plans, 0 for open end. min_accepted: a round with fewer accepted updates is void.
    deadline_seconds: how long clients have to answer."""

    rounds: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    min_accepted: Annotated[int, Field(ge=1, le=100_000)] = 2
    deadline_seconds: Annotated[int, Field(ge=1, le=1_000_000)] = 600


class Prove(Record):
    """update: "bounded" (every coordinate and the norm) or "opening" (its maker knows it). training: nothing yet."""

    update: Literal["bounded", "opening"] = "bounded"
    training: Literal["none"] = "none"


class Policy(Message):
    """A validated policy. base_model: `sha256:…` of the base model's safetensors file. suites: allowed ids, preferred first."""

    KIND: ClassVar[str] = "policy"

    version: Literal[1]
    federation: Name
    suites: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)] = (DEFAULT_SUITE,)
    allow_below_112_bits: bool = False
    base_model: str
    model: Model = Model()
    update: Update
    aggregate: Aggregate = Aggregate()
    round: Round = Round()
    masking: Masking = Masking()
    prove: Prove = Prove()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_suites(self.suites, self.allow_below_112_bits)
        try:
            parse_sha256(self.base_model)
        except Malformed as error:
            raise ValueError(f"base_model: {error}") from None
        if self.masking.enabled:
            self._check_masking()
        return self

    def _check_masking(self) -> None:
        if self.prove.update != "bounded":
            raise ValueError('masking needs prove.update = "bounded": without bounds a sum could wrap')
        if self.round.min_accepted > self.masking.max_clients:
            raise ValueError("round.min_accepted is above masking.max_clients: no round could be opened")
        modulus(self.masking, self.update.max_abs, self.update.weights.max)

    @property
    def least_accepted(self) -> int:
        """With fewer accepted updates a round is void."""
        least = self.round.min_accepted
        return max(least, self.masking.min_set) if self.masking.enabled else least

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a TOML file; raises `UsageError` with the field that is wrong, or what the file is instead."""
        subject = f"policy {printable(str(path))}"
        try:
            data = read_capped(path, _LIMIT)
            return cls.parse(data.decode())
        except UnicodeDecodeError:
            raise UsageError(f"{subject}: {_not_text(data)}") from None
        except Malformed as error:
            raise UsageError(f"{subject}: {error}") from None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `Malformed`."""
        tables = parse_toml(text)
        if {"aggregator", "endorsers"} <= tables.keys() or {"trainer", "authorities"} <= tables.keys():
            raise Malformed("this is a trust file, which says whom you believe; give the policy")
        if "data" in tables:
            raise Malformed("this is a policy for training on certified data, not one of a federation")
        return validated(cls, tables, "policy")

    @property
    def base_digest(self) -> bytes:
        """SHA-256 of the base model's file, 32 bytes."""
        return parse_sha256(self.base_model)

    def to_bytes(self) -> bytes:
        """As of any message, without the tables that younger versions of the package brought, where they ask for nothing: a policy's digest
        never changes."""
        fields = self.model_dump()
        if self.model == Model():
            del fields["model"]
        fields["masking"] = self.masking.written()
        optimiser = fields["aggregate"].pop("optimiser")
        if optimiser is not None:
            fields["aggregate"]["optimiser"] = {k: text for k, text in optimiser.items() if text is not None}
        return cbor.encode({"kind": self.KIND, **fields})

    def digest(self) -> bytes:
        """SHA-256 of the deterministic CBOR of the validated policy, defaults included."""
        return sha256(self.to_bytes())


def check_suites(suites: tuple[str, ...], allow_below_112_bits: bool) -> None:
    """Raises `ValueError`, as pydantic's validators do, for a suite that is unknown, too weak, or listed twice."""
    for suite in suites:
        if suite not in SUITES:
            raise ValueError(f"unknown suite {printable(suite)!r}; known: {', '.join(SUITES)}")
        if SUITES[suite] < FLOOR_BITS and not allow_below_112_bits:
            raise ValueError(f"{suite} has {SUITES[suite]} bits; allow_below_112_bits = true accepts it")
    if len(set(suites)) != len(suites):
        raise ValueError("a suite is listed twice")


def _not_text(data: bytes) -> str:
    """What to say of a file that is no TOML because it is no text."""
    try:
        Policy.from_bytes(data)
    except Malformed:
        return "not UTF-8 text; a policy is a TOML file"
    return "this is a bundle's policy, what the federation says it ran under; give your own, the TOML file"
