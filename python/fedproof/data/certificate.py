"""What an authority signs: the certificate of a data set, and the list of what it has revoked (spec/dataset.md §5, §6)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from fedproof.data.quantise import LIMIT, Quantisation
from fedproof.data.table import MAX_FEATURES, MAX_RECORDS
from fedproof.encoding.digest import Digest
from fedproof.encoding.message import Message, Record
from fedproof.encoding.text import Name
from fedproof.encoding.time import Time, utc_text
from fedproof.errors import Malformed, Refused

MAX_CLASSES = 1024
MAX_WIDTH = 4096
"""Entries of a record's row."""

Serial = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Text = Annotated[str, Field(min_length=1, max_length=400)]
Url = Annotated[str, Field(pattern="^https?://[!-~]{1,390}$")]


class DataCertificate(Message):
    """The fields as in spec/dataset.md §5. centre, spread: eight bytes a feature. issued, expires: Unix seconds."""

    KIND: ClassVar[str] = "data certificate"

    authority: Name
    serial: Serial
    suite: str
    root: Digest
    records: Annotated[int, Field(ge=1, le=MAX_RECORDS)]
    features: Annotated[tuple[Text, ...], Field(min_length=1, max_length=MAX_FEATURES)]
    classes: Annotated[tuple[Text, ...], Field(min_length=2, max_length=MAX_CLASSES)]
    centre: bytes
    spread: bytes
    norm_squared: Annotated[int, Field(ge=1, le=MAX_WIDTH * LIMIT**2)]
    extractor: Digest | None
    croissant: Digest
    licence: Text
    consent: Annotated[tuple[Annotated[str, Field(pattern="^DUO:[0-9]{7}$")], ...], Field(max_length=64)]
    issued: Time
    expires: Time
    revocations: Url | None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.features)) != len(self.features):
            raise ValueError("a feature is named twice")
        if list(self.classes) != sorted(set(self.classes)) or list(self.consent) != sorted(set(self.consent)):
            raise ValueError("classes and consent are sorted, each once")
        if self.width > MAX_WIDTH:
            raise ValueError(f"features, bias and classes are at most {MAX_WIDTH} together")
        if self.issued >= self.expires:
            raise ValueError("it ends before it begins")
        try:
            self.quantisation()
        except Malformed as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def width(self) -> int:
        """Entries of a record's row: features, bias, classes."""
        return len(self.features) + 1 + len(self.classes)

    def quantisation(self) -> Quantisation:
        """How features became integers."""
        return Quantisation.from_bytes(self.centre, self.spread, len(self.features))

    def check_time(self, now: int) -> None:
        """Raises `Refused` (stage "expiry") unless issued ≤ now < expires."""
        if now < self.issued:
            detail = f"issued {utc_text(self.issued)}, and it is {utc_text(now)} here: a clock is wrong"
            raise Refused("data certificate", "expiry", detail)
        if now >= self.expires:
            raise Refused("data certificate", "expiry", f"ended {utc_text(self.expires)}")


class RevokedRecords(Record):
    """Single records of a certificate that count no more. indices: from 0, increasing."""

    serial: Serial
    indices: Annotated[tuple[Annotated[int, Field(ge=0, lt=MAX_RECORDS)], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        if list(self.indices) != sorted(set(self.indices)):
            raise ValueError("indices are sorted, each once")
        return self


class RevocationList(Message):
    """All that an authority has revoked up to now. number: 1, 2, …; a later list holds everything of an earlier one."""

    KIND: ClassVar[str] = "revocation list"

    authority: Name
    number: Annotated[int, Field(ge=1)]
    issued: Time
    serials: tuple[Serial, ...]
    records: tuple[RevokedRecords, ...]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        names = [r.serial for r in self.records]
        if list(self.serials) != sorted(set(self.serials)) or names != sorted(set(names)):
            raise ValueError("serials are sorted, each once")
        return self

    def records_of(self, serial: str) -> frozenset[int]:
        """The revoked records of a certificate."""
        return next((frozenset(r.indices) for r in self.records if r.serial == serial), frozenset())
