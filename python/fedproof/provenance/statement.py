"""The certificate's content: an in-toto Statement v1 with a predicate of our own (spec/certificate.md §2).

Its subject is the model by the SHA-256 that OpenSSF model-signing computes, so that both certificates name
the same thing. All numbers are strings, and there is one way to write a statement: `parse` refuses every
other.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fedproof.encoding.text import Name, printable
from fedproof.errors import Malformed
from fedproof.provenance.claims import Claim, Decimal

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:x-fedproof:provenance:v1"
MAX_STATEMENT: Final = 1 << 20
"""Bytes."""

Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,64}$")]


class Part(BaseModel):
    """A part of a statement: nothing else in it, and written under its JSON names."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class Sha256(Part):
    """An in-toto digest set with the one algorithm that all readers know."""

    sha256: Hex

    @classmethod
    def of(cls, digest: bytes) -> Self:
        """The digest as hexadecimal text."""
        return cls(sha256=digest.hex())


class Resource(Part):
    """Something named by its digest."""

    digest: Sha256


class File(Part):
    """One file of the model: path below it ("." if the model is a single file) and digest."""

    name: Annotated[str, Field(min_length=1, max_length=1024)]
    digest: Sha256


class Subject(Part):
    """The model."""

    name: Literal["model"] = "model"
    digest: Sha256


class Model(Part):
    """What the model-signing root leaves out: names of files, layout, number of parameters."""

    files: Annotated[tuple[File, ...], Field(min_length=1, max_length=1024)]
    layout: Sha256
    parameters: Decimal


class Rounds(Part):
    """The record: how many rounds, of which void, and the log's root over them."""

    count: Decimal
    void: Decimal
    record_root: Annotated[Hex, Field(alias="recordRoot")]


class Proofs(Part):
    """Where the bundle keeps the blobs; the digest is SHA-256 of their sorted digests."""

    uri: Literal["blobs/"] = "blobs/"
    digest: Sha256


class Producer(Part):
    """Which program made the certificate. The only part that a verifier does not recompute, nor believe."""

    package: Text
    version: Text


class Predicate(Part):
    """What is said about the model. Every field but `producer` is recomputed by a verifier and compared."""

    suite: Text
    bits: Decimal
    federation: Name
    policy: Resource
    roster: Resource
    base_model: Annotated[Resource, Field(alias="baseModel")]
    model: Model
    model_commitment: Annotated[Hex, Field(alias="modelCommitment")]
    claims: tuple[Claim, ...]
    not_proven: Annotated[tuple[Text, ...], Field(alias="notProven")]
    datasets: Annotated[tuple[str, ...], Field(max_length=0)] = ()
    rounds: Rounds
    level: Literal["REVERIFIABLE"] = "REVERIFIABLE"
    proofs: Proofs
    producer: Producer


class CanonicalStatement(Part):
    """A statement that has one way to be written."""

    def to_bytes(self) -> bytes:
        """The one way to write it: keys sorted, no white space, ASCII."""
        return canonical_json(self.model_dump(mode="json", exclude_none=True))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Raises `Malformed` for anything but the canonical bytes of a valid statement, unknown fields
        included.
        """
        if len(data) > MAX_STATEMENT:
            raise Malformed(f"certificate: the statement has {len(data)} bytes, more than {MAX_STATEMENT}")
        try:
            statement = cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = printable(".".join(str(part) for part in first["loc"])) or "statement"
            raise Malformed(f"certificate: {where}: {printable(first['msg'])}") from None
        if statement.to_bytes() != data:
            raise Malformed("certificate: the statement is not in its canonical form")
        return statement


class Statement(CanonicalStatement):
    """An in-toto Statement v1."""

    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")] = STATEMENT_TYPE
    subject: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=1)]
    predicate_type: Annotated[Literal["urn:x-fedproof:provenance:v1"], Field(alias="predicateType")] = (
        PREDICATE_TYPE
    )
    predicate: Predicate


def canonical_json(value: Any) -> bytes:
    """Keys sorted, no white space, ASCII only: one spelling for each value of strings, lists and objects."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
