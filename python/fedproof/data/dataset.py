"""A certified data set: what everybody may see of it, and what its holder has besides."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from fedproof.data.certificate import DataCertificate
from fedproof.data.quantise import Quantisation
from fedproof.data.records import (
    Records,
    Rows,
    check_rows,
    classes_of,
    largest_norm,
    make_rows,
    make_tags,
    tag_key,
)
from fedproof.data.table import Table
from fedproof.encoding.message import validated
from fedproof.errors import Malformed, Refused
from fedproof.identity.keys import SigningKey, VerifyKey
from fedproof.identity.signed import Signed, sign, signer_key
from fedproof.proofs.commitment import check_records, commit_records


@dataclass(frozen=True)
class Terms:
    """What an authority says of the data beside its numbers. consent: Data Use Ontology terms. issued, expires: Unix seconds."""

    authority: str
    licence: str
    consent: tuple[str, ...]
    issued: int
    expires: int
    revocations: str | None = None
    extractor: bytes | None = None


@dataclass(frozen=True)
class DataSet:
    """Public: the signed certificate, and tags and commitments of its records."""

    signed: Signed
    certificate: DataCertificate
    records: Records = field(repr=False)


@dataclass(frozen=True)
class Holding:
    """Secret, the holder's: one row a record, and what hides it in its commitment."""

    rows: Rows = field(repr=False)
    blinds: bytes = field(repr=False)


@dataclass(frozen=True)
class Prepared:
    """A data set that is committed to and not yet signed: its Croissant file comes first."""

    table: Table = field(repr=False)
    quantisation: Quantisation
    classes: tuple[str, ...]
    records: Records = field(repr=False)
    holding: Holding = field(repr=False)


def prepare(suite: str, table: Table, key: SigningKey, like: DataCertificate | None = None) -> Prepared:
    """Quantises and commits. like: the certificate whose classes and quantisation are taken, so that both data sets can be used together.
    Raises `Malformed`."""
    if like is None:
        quantisation, classes = Quantisation.fit(table), classes_of(table.labels)
    else:
        if table.features != like.features:
            raise Malformed("its features are not those of the data set that it is to go with")
        quantisation, classes = like.quantisation(), like.classes
    rows = make_rows(table, quantisation, classes)
    points, blinds = commit_records(suite, rows)
    return Prepared(
        table, quantisation, classes, Records(make_tags(table, tag_key(key)), points), Holding(rows, blinds)
    )


def certify(suite: str, prepared: Prepared, terms: Terms, croissant: bytes, key: SigningKey) -> DataSet:
    """The authority's signature over it. croissant: SHA-256 of the Croissant file. Raises `Malformed`."""
    centre, spread = prepared.quantisation.to_bytes()
    certificate = validated(
        DataCertificate,
        {
            "authority": terms.authority,
            "serial": secrets.token_hex(16),
            "suite": suite,
            "root": prepared.records.root(),
            "records": len(prepared.records),
            "features": prepared.table.features,
            "classes": prepared.classes,
            "centre": centre,
            "spread": spread,
            "norm_squared": largest_norm(prepared.holding.rows[:, : len(prepared.table.features) + 1]),
            "extractor": terms.extractor,
            "croissant": croissant,
            "licence": terms.licence,
            "consent": tuple(sorted(set(terms.consent))),
            "issued": terms.issued,
            "expires": terms.expires,
            "revocations": terms.revocations,
        },
        "data certificate",
    )
    return DataSet(sign(certificate, key), certificate, prepared.records)


def open_certificate(signed: Signed, authorities: Mapping[str, VerifyKey]) -> DataCertificate:
    """The certificate, if an authority that is trusted signed it. Raises `Refused`."""
    return signed.open(DataCertificate, signer_key(signed, DataCertificate.KIND, "authority", authorities))


def open_data_set(signed: Signed, records: Records, authorities: Mapping[str, VerifyKey]) -> DataSet:
    """The data set, if an authority that is trusted signed it and the records are those. Raises `Refused`."""
    certificate = open_certificate(signed, authorities)
    if len(records) != certificate.records or records.root() != certificate.root:
        raise Refused("data set", "digest", "its records are not those that were certified")
    return DataSet(signed, certificate, records)


def check_holding(data: DataSet, holding: Holding) -> None:
    """Raises `Refused` unless this is what the certificate is about: rows in range, norms, and openings of all commitments."""
    certificate = data.certificate
    if holding.rows.shape != (certificate.records, certificate.width):
        raise Refused("data set", "shape", "its rows are not as many, or as long, as were certified")
    if check_rows(holding.rows, len(certificate.features)) > certificate.norm_squared:
        raise Refused("data set", "statement", "a record is longer than the certificate says")
    try:
        check_records(certificate.suite, data.records.points, holding.rows, holding.blinds)
    except Refused as error:
        if error.stage != "opening":
            raise
        detail = "rows or blinds are not those that were certified"
        raise Refused("data set", "opening", detail) from None
