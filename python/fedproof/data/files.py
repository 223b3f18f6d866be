"""A certified data set as a folder: what everybody may have, and under `holder/` what only its holder has.

certificate.cbor     signed by the authority
records.bin          tags of all records, then commitments of all records
croissant.json       what the data is, in Croissant
holder/rows.npy      one row of integers a record
holder/blinds.bin    what hides each row in its commitment
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fedproof.data.certificate import DataCertificate
from fedproof.data.dataset import DataSet, Holding, check_holding, open_certificate, open_data_set
from fedproof.data.records import TAG, Records
from fedproof.encoding.digest import sha256
from fedproof.encoding.files import make_folder, read_capped, sync_folder, write_atomic
from fedproof.encoding.text import printable
from fedproof.errors import Malformed, Refused, UsageError
from fedproof.identity.keys import VerifyKey
from fedproof.identity.signed import Signed, peek
from fedproof.proofs.commitment import point_size

_LIMIT = 1 << 26
_RECORDS = 1 << 32
_ROWS = 1 << 37
MAX_LIST = 1 << 26
"""Bytes of a revocation list."""
PUBLIC = {"certificate.cbor": _LIMIT, "records.bin": _RECORDS, "croissant.json": _LIMIT}
"""What everybody may have of a data set, with the most bytes that are read of each."""


def write_data_set(out: Path, data: DataSet, holding: Holding, croissant: bytes) -> None:
    """The whole folder or nothing: it is made beside `out` under another name, and renamed. Raises `UsageError` if `out` is there."""
    if out.exists():
        raise UsageError(f"{printable(str(out))} exists; a data set is never written over")
    make_folder(out.parent)
    work = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name[:64]}.", suffix=".tmp"))
    try:
        work.chmod(0o755)
        write_atomic(work / "certificate.cbor", data.signed.to_bytes())
        write_atomic(work / "records.bin", data.records.tags + data.records.points)
        write_atomic(work / "croissant.json", croissant)
        make_folder(work / "holder")
        rows = io.BytesIO()
        np.save(rows, holding.rows, allow_pickle=False)
        write_atomic(work / "holder" / "rows.npy", rows.getvalue(), mode=0o600)
        write_atomic(work / "holder" / "blinds.bin", holding.blinds, mode=0o600)
        os.rename(work, out)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    sync_folder(out.parent)


def peek_certificate(folder: Path) -> DataCertificate:
    """The certificate, its signature not looked at: only to say what it claims. Raises `Malformed`."""
    signed = Signed.from_bytes(read_capped(folder / "certificate.cbor", _LIMIT), limit=_LIMIT)
    peek(signed)
    return DataCertificate.from_bytes(signed.payload)


def read_data_set(folder: Path, authorities: Mapping[str, VerifyKey]) -> DataSet:
    """What everybody may have, checked against the authority's signature. Raises `Refused`, `Malformed`."""
    signed = Signed.from_bytes(read_capped(folder / "certificate.cbor", _LIMIT), limit=_LIMIT)
    certificate = open_certificate(signed, authorities)
    count, size = certificate.records, TAG + point_size(certificate.suite)
    # What was certified says how much is read: a file with holes takes no room where it lies.
    packed = read_capped(folder / "records.bin", 2 * count * size)
    if len(packed) != count * size:
        raise Refused("data set", "shape", "its records are not as many as the certificate says")
    data = open_data_set(signed, Records(packed[: count * TAG], packed[count * TAG :]), authorities)
    if sha256(read_capped(folder / "croissant.json", _LIMIT)) != data.certificate.croissant:
        raise Refused("data set", "digest", "croissant.json is not the one that was certified")
    return data


def read_holding(folder: Path, data: DataSet) -> Holding:
    """The holder's part, checked against the certificate: a data set that changed after it was certified is refused. Raises `Refused`,
    `Malformed`."""
    if not (folder / "holder").is_dir():
        detail = (
            "the public half only. Rows and blinds are with whoever had the data certified: use that folder"
        )
        raise Malformed(f"{printable(str(folder))} has no folder holder/, it is {detail}")
    try:
        rows = np.load(io.BytesIO(read_capped(folder / "holder" / "rows.npy", _ROWS)), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise Malformed(f"{printable(str(folder))}/holder/rows.npy is not NumPy's .npy") from None
    holding = Holding(rows, read_capped(folder / "holder" / "blinds.bin", _RECORDS))
    if not isinstance(rows, np.ndarray) or rows.dtype != np.int8:
        raise Malformed(f"{printable(str(folder))}/holder/rows.npy holds no 8-bit integers")
    check_holding(data, holding)
    return holding


def read_list(path: Path) -> Signed:
    """A revocation list's file, its signature not looked at. Raises `Malformed`."""
    return parse_list(read_capped(path, MAX_LIST), str(path))


def parse_list(data: bytes, where: str) -> Signed:
    """A revocation list, its signature not looked at. where: where it is from. Raises `Malformed`."""
    try:
        return Signed.from_bytes(data, limit=MAX_LIST)
    except Malformed as error:
        raise Malformed(f"{printable(where)}: no revocation list: {error}") from None
