"""`fedproof certify` and `fedproof revoke`: what an authority does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedproof.cli.app import Json, app, emit
from fedproof.data.certificate import DataCertificate
from fedproof.data.croissant import croissant
from fedproof.data.dataset import Terms, certify, prepare
from fedproof.data.files import peek_certificate, write_data_set
from fedproof.data.table import read_table
from fedproof.encoding.digest import parse_sha256, sha256
from fedproof.encoding.files import write_atomic
from fedproof.encoding.text import counted, is_name, printable
from fedproof.encoding.time import parse_utc, utc_text
from fedproof.errors import UsageError
from fedproof.identity.keys import SigningKey
from fedproof.identity.signed import sign
from fedproof.policy.policy import DEFAULT_SUITE

if TYPE_CHECKING:
    from fedproof.data.register import Register


Key = Annotated[Path, typer.Option(help="The authority's private key.")]
Authority = Annotated[
    str, typer.Option(help="Its name, as trust files know it; else that of the key's file.")
]
RegisterUrl = Annotated[
    str,
    typer.Option("--register", help="URL of its register; else the SQLite file register.db beside the key."),
]


@app.command(name="certify")
def certify_data(
    data: Annotated[
        Path, typer.Argument(help="A .csv, .parquet or .npz file: one record a line, features and a label.")
    ],
    key: Key,
    licence: Annotated[str, typer.Option(help="SPDX id or URL of the licence.")],
    expires: Annotated[str, typer.Option(help="When the certificate ends, in UTC: 2028-01-31T00:00:00Z.")],
    out: Annotated[
        Path, typer.Option(help="New folder for certificate, commitments, and the holder's part.")
    ],
    label: Annotated[str, typer.Option(help="The column of labels.")] = "label",
    consent: Annotated[
        list[str] | None, typer.Option(help="Data Use Ontology term, DUO:0000042; may be repeated.")
    ] = None,
    authority: Authority = "",
    like: Annotated[
        Path | None,
        typer.Option(help="Certified folder whose classes and quantisation are taken, to use both together."),
    ] = None,
    revocations: Annotated[str | None, typer.Option(help="URL where revocation lists are published.")] = None,
    extractor: Annotated[
        str | None, typer.Option(help="sha256:… of what made the features from raw data, if anything did.")
    ] = None,
    register: RegisterUrl = "",
    as_json: Json = False,
) -> None:
    """Commits to every record and signs. The records stay with you: publish all but the folder `holder`."""
    if out.exists():
        raise UsageError(f"{printable(str(out))} exists; a data set is never written over")
    signing = SigningKey.load(key)
    now = int(time.time())
    terms = Terms(
        authority=_authority(authority, key),
        licence=licence,
        consent=tuple(consent or ()),
        issued=now,
        expires=parse_utc(expires),
        revocations=revocations,
        extractor=parse_sha256(extractor) if extractor is not None else None,
    )
    if terms.expires <= now:
        raise UsageError(f"--expires {utc_text(terms.expires)} is over")
    kept = _register(register, key)
    prepared = prepare(
        DEFAULT_SUITE, read_table(data, label), signing, peek_certificate(like) if like is not None else None
    )
    described = croissant(data.stem, prepared, terms)
    made = certify(DEFAULT_SUITE, prepared, terms, sha256(described), signing)
    kept.add(made)
    write_data_set(out, made, prepared.holding, described)
    _tell(made.certificate, out, as_json)


def _tell(certificate: DataCertificate, out: Path, as_json: bool) -> None:
    told = {
        "folder": str(out),
        "authority": certificate.authority,
        "serial": certificate.serial,
        "digest": certificate.digest().hex(),
        "records": certificate.records,
        "features": len(certificate.features),
        "classes": list(certificate.classes),
        "norm_squared": certificate.norm_squared,
        "expires": utc_text(certificate.expires),
    }
    if as_json:
        emit(told)
        return
    classes = printable(", ".join(certificate.classes))
    print(
        f"{certificate.authority} certified {counted(certificate.records, 'record')} in {printable(str(out))}"
    )
    print(
        f"  {counted(len(certificate.features), 'feature')}; classes {classes}; until {utc_text(certificate.expires)}"
    )
    print(f"  serial {certificate.serial}")
    print(f"  digest sha256:{certificate.digest().hex()}")
    print("  publish certificate.cbor, records.bin, croissant.json; holder/ is the holder's alone")


@app.command()
def revoke(
    key: Key,
    out: Annotated[Path, typer.Option(help="Where the new revocation list goes.")],
    serial: Annotated[
        str | None, typer.Argument(help="Of a certificate; none: only a new list of what is revoked.")
    ] = None,
    records: Annotated[str, typer.Option(help="Only these of its records, from 0: 3,17,20.")] = "",
    authority: Authority = "",
    register: RegisterUrl = "",
    as_json: Json = False,
) -> None:
    """Revokes data, and signs the new list. A certificate, or single records of it; the list has all that is revoked."""
    signing = SigningKey.load(key)
    name, kept, now = _authority(authority, key), _register(register, key), int(time.time())
    if serial is not None:
        try:
            wanted = [int(record) for record in records.split(",") if record]
        except ValueError:
            raise UsageError(
                f"--records {printable(records)}: numbers of records, with commas between"
            ) from None
        kept.revoke(name, serial, wanted, now=now)
    elif records:
        raise UsageError("--records are of a certificate: give its serial")
    made = kept.revocation_list(name, now=now)
    write_atomic(out, sign(made, signing).to_bytes())
    told = {
        "file": str(out),
        "number": made.number,
        "certificates": list(made.serials),
        "records": {r.serial: list(r.indices) for r in made.records},
    }
    if as_json:
        emit(told)
    else:
        single = sum(len(r.indices) for r in made.records)
        print(
            f"list {made.number} of {name}: {counted(len(made.serials), 'certificate')}, {counted(single, 'record')}:"
            f" {printable(str(out))}"
        )


def _authority(name: str, key: Path) -> str:
    found = name or key.stem
    if not is_name(found):
        raise UsageError(
            f"{printable(found)} is no name of an authority: lower-case letters, digits, dots and hyphens; give --authority"
        )
    return found


def _register(url: str, key: Path) -> Register:
    try:
        from fedproof.data.register import Register
    except ImportError:
        raise UsageError(
            "the register needs SQLAlchemy: pip install 'fedproof[data]', or make setup in a clone"
        ) from None
    return Register(url or f"sqlite:///{key.absolute().parent / 'register.db'}")
