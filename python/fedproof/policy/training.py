"""The policy of training on certified data (spec/training.md §1): which data, which objective, and how near to its optimum."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from fedproof.encoding.digest import parse_sha256, sha256
from fedproof.encoding.files import read_capped
from fedproof.encoding.message import Message, Record, validated
from fedproof.encoding.text import Name, printable
from fedproof.encoding.toml import parse_toml
from fedproof.errors import Malformed, UsageError
from fedproof.policy.decimal import Decimal
from fedproof.policy.policy import DEFAULT_SUITE, Policy, check_suites

_LIMIT = 1 << 20


class Head(Record):
    """What is trained. loss, scale (one unit of W is 2^-scale), regularisation (Λ = λ·2^10): the objective. max_logit_freedom: Φ, in
    decimals: no logit of a record as long as certified ones may be further from the optimum's. weights: "public", or "committed"."""

    loss: Literal["ridge", "squared hinge"] = "squared hinge"
    scale: Annotated[int, Field(ge=0, le=32)] = 24
    regularisation: Annotated[int, Field(ge=1, le=1 << 40)]
    max_logit_freedom: Decimal
    weights: Literal["public", "committed"] = "public"

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self.freedom <= 0:
            raise ValueError("max_logit_freedom is above zero")
        return self

    @property
    def freedom(self) -> Fraction:
        """Φ, exactly."""
        return Fraction(self.max_logit_freedom)


class Data(Record):
    """Which data sets may be used. authorities: whose certificates count. licences: allowed ones; none: any. consent: terms that every data
    set must have. max_revocation_age: seconds that the newest revocation list may be old; none: there need be no list. min_records:
    fewer are refused."""

    authorities: Annotated[tuple[Name, ...], Field(min_length=1, max_length=64)]
    licences: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    consent: Annotated[tuple[Annotated[str, Field(pattern="^DUO:[0-9]{7}$")], ...], Field(max_length=64)] = ()
    max_revocation_age: Annotated[int, Field(ge=1, le=1 << 32)] | None = None
    min_records: Annotated[int, Field(ge=1, le=1 << 24)] = 1


class Test(Record):
    """The registered test set. certificates: digests of its data certificates, in order; all of their records count but revoked ones.
    min_accuracy: the least part of them that must be classified correctly, in decimals."""

    certificates: Annotated[
        tuple[Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")], ...], Field(min_length=1, max_length=64)
    ]
    min_accuracy: Annotated[str, Field(pattern=r"^(0(\.[0-9]{1,12})?|1(\.0{1,12})?)$")] = "0"

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.certificates)) != len(self.certificates):
            raise ValueError("certificates names one twice")
        return self

    @property
    def digests(self) -> tuple[bytes, ...]:
        """Of the certificates."""
        return tuple(parse_sha256(text) for text in self.certificates)

    def least(self, records: int) -> int:
        """How many of so many test records must be classified correctly: at least one."""
        return max(1, math.ceil(Fraction(self.min_accuracy) * records))


class TrainingPolicy(Message):
    """A validated policy. name: of the undertaking. suites: allowed ids, preferred first. test: none: nothing is said of accuracy."""

    KIND: ClassVar[str] = "training policy"

    version: Literal[1]
    name: Name
    suites: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)] = (DEFAULT_SUITE,)
    allow_below_112_bits: bool = False
    training: Head
    data: Data
    test: Test | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_suites(self.suites, self.allow_below_112_bits)
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `Malformed`."""
        return validated(cls, parse_toml(text), "policy")

    def digest(self) -> bytes:
        """SHA-256 of the deterministic CBOR of the validated policy, defaults included."""
        return sha256(self.to_bytes())


def load_policy(path: Path) -> Policy | TrainingPolicy:
    """A policy of either kind; raises `UsageError` with what is wrong in the file."""
    subject = f"policy {printable(str(path))}"
    try:
        text = read_capped(path, _LIMIT).decode()
        if "data" in parse_toml(text):
            return TrainingPolicy.parse(text)
    except UnicodeDecodeError:
        pass  # `Policy` knows what it may be instead
    except Malformed as error:
        raise UsageError(f"{subject}: {error}") from None
    return Policy.load(path)


def load_training_policy(path: Path) -> TrainingPolicy:
    """A policy of this kind; raises `UsageError`."""
    held = load_policy(path)
    if isinstance(held, Policy):
        raise UsageError(
            f"policy {printable(str(path))}: it is a federation's, and says nothing of training on data"
        )
    return held
